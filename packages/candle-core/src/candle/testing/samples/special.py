"""Samples of special functions, and of what looks at how numbers are written."""

import numpy as np

import candle.special  # noqa: F401  (brings its ops)
from candle.testing.samples import SPECIAL, complexes, floats, rough, sample, transposed, whole

UNARY = {
    **dict.fromkeys("atan asinh erfc i0 i0e i1 i1e sinc angle entr erfcx log_ndtr".split(), (-2, 2)),
    **dict.fromkeys("acos asin atanh erfinv".split(), (-0.8, 0.8)),
    **dict.fromkeys("logit ndtri".split(), (0.1, 0.9)),
    **dict.fromkeys("lgamma digamma".split(), (-0.9, 12)),
    **dict.fromkeys("bessel_j0 bessel_j1 spherical_bessel_j0".split(), (-12, 12)),
    **dict.fromkeys("bessel_y0 bessel_y1 bessel_k0 bessel_k1 bessel_k0e bessel_k1e".split(), (0.3, 12)),
    **{"acosh": (1.2, 3), "airy_ai": (-8, 4)},
}
UNARY["entr"] = (0.2, 3)
for _name, (_low, _high) in UNARY.items():
    sample(_name, floats(low=_low, high=_high))
    sample(_name, transposed(2, 3, low=_low, high=_high))
    sample(_name, floats(2, 0))
    if _name not in ("digamma", "i0", "i1"):  # they differ from machine to machine where they are infinite
        rough(_name, SPECIAL)
for _name in "acos asin atan acosh asinh atanh sinc angle".split():
    sample(_name, complexes(2, 3) * 0.5 + 0.1j)
sample("lgamma", floats(5, low=-4.8, high=-0.2))
sample("erfc", floats(5, low=-6, high=8))
sample("log_ndtr", floats(5, low=-30, high=4))
sample("i0e", floats(5, low=-40, high=40))
sample("digamma", floats(5, low=-3.9, high=0.9))
sample("polygamma", floats(2, 3, low=0.3, high=12), n=1)
sample("polygamma", transposed(2, 3, low=-2.8, high=-0.2), n=2)


# Two inputs

BINARY = {
    **dict.fromkeys("hypot logaddexp logaddexp2 fmax fmin copysign".split(), ((-2, 2), (-1.3, 2.2))),
    **{"xlogy": ((-2, 2), (0.3, 2)), "xlog1py": ((-2, 2), (-0.6, 2)), "zeta": ((1.5, 4), (0.4, 3))},
}
for _name, ((_a, _b), (_c, _d)) in BINARY.items():
    sample(_name, floats(2, 3, low=_a, high=_b), transposed(2, 3, low=_c, high=_d))
    sample(_name, floats(2, 1, 3, low=_a, high=_b), floats(2, 1, low=_c, high=_d))
    sample(_name, floats(low=_a, high=_b), floats(3, low=_c, high=_d))
    sample(_name, floats(0, 3, low=_a, high=_b), floats(3, low=_c, high=_d))
for _name in ("xlogy", "xlog1py", "zeta", "copysign"):
    sample(_name, floats(3, low=1.2, high=2), 1.5)
for _name in ("xlogy", "xlog1py", "zeta"):
    sample(_name, 1.5, floats(3, low=0.4, high=3))
for _name in ("fmax", "fmin", "copysign", "logaddexp", "xlogy"):
    rough(_name, SPECIAL, SPECIAL.reshape(-1, 1))
sample("logaddexp", complexes(2, 3), complexes(3))
for _upper in (False, True):
    rough("igamma", floats(2, 3, low=0.4, high=6), floats(3, low=0.3, high=9), upper=_upper)
    rough("igamma", floats(2, 3, low=24, high=60), floats(2, 1, low=20, high=60), upper=_upper)
    rough("igamma", np.array([0.0, 0, 1, np.inf, 2, -1, np.nan]), np.array([0.0, 1, 0, 1, np.inf, 2, 1]), upper=_upper)
for _value in (1, -0.5):
    for _name in ("addcmul", "addcdiv"):
        sample(_name, floats(2, 3), transposed(2, 3), floats(3, low=0.5, high=2), _value)
        sample(_name, floats(), floats(2, 1), floats(3, low=0.5, high=2), _value)
for _weight in (0.3, 0.5, 2, np.array([[-1.7], [0.6]])):
    sample("lerp", floats(2, 3), transposed(2, 3), _weight)
sample("lerp", complexes(2, 3), complexes(3), complexes(2, 1))
sample("addcmul", complexes(2, 3), complexes(3), complexes(2, 1), 2)
sample("addcdiv", complexes(2, 3), complexes(3), complexes(2, 1) + 3, 2)
for _family in ("chebyshev_t", "shifted_chebyshev_v", "hermite_h", "laguerre_l", "legendre_p"):
    sample("orthogonal_polynomial", floats(2, 3), 3, family=_family, highest=3)
    rough("orthogonal_polynomial", floats(3), np.array([[-1.0], [0], [2.7]]), family=_family, highest=2)


# How numbers are written

for _x in (floats(), transposed(2, 3), floats(2, 0)):
    sample("signbit", _x)
    sample("frexp", _x)
    sample("nextafter", _x, floats(3, low=-2.1, high=2) if _x.ndim == 2 and _x.shape[1] == 3 else _x + 1)
    sample("heaviside", _x, np.array(0.5))
    sample("view_as_real", _x + 1j * _x)
for _name in ("signbit", "frexp"):
    rough(_name, SPECIAL)
    rough(_name, np.array([2.0, 0.5, 3e30, -4e-30, 1.0]))
rough("heaviside", SPECIAL, np.array(0.5))
rough("nextafter", SPECIAL, SPECIAL.reshape(-1, 1))
sample("view_as_real", complexes(2, 3))
sample("view_as_complex", floats(3, 2))
sample("view_as_complex", floats(2, 3, 2))
for _name in ("gcd", "lcm"):
    sample(_name, whole(2, 3, below=40, above=-40), whole(3, below=30, above=-30))
for _name in ("bitwise_left_shift", "bitwise_right_shift"):
    sample(_name, whole(2, 3, below=40, above=-40), whole(3, below=5, above=0))
    sample(_name, whole(2, 3, below=40, above=-40), 2)
