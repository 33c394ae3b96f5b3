"""Samples of the elementwise ops, of one input and of two."""

import numpy as np

import candle
from candle.op import OPS
from candle.testing.samples import SPECIAL, complexes, floats, rough, sample, transposed, truths, whole

# Elementwise, one input: where it is smooth, and where it may be complex

UNARY = {
    **dict.fromkeys("abs cos cosh erf exp exp2 expm1 neg relu sigmoid silu sin sinh square tanh".split(), (-2, 2)),
    **dict.fromkeys("ceil floor round sign trunc isfinite isinf isnan logsigmoid clone".split(), (-2, 2)),
    **dict.fromkeys("log log2 log10 reciprocal rsqrt sqrt".split(), (0.3, 3)),
    **{"log1p": (-0.6, 2), "tan": (-1.2, 1.2)},
}
COMPLEX = """
abs clone conj cos cosh exp exp2 expm1 imag isfinite isinf isnan log log1p log2 log10 neg real reciprocal rsqrt
sigmoid sin sinh sqrt square tan tanh
""".split()

for _name, (_low, _high) in UNARY.items():
    sample(_name, floats(low=_low, high=_high))
    sample(_name, transposed(2, 3, low=_low, high=_high))
    sample(_name, floats(2, 0))
    rough(_name, SPECIAL)
for _name in COMPLEX:
    sample(_name, complexes(2, 3))
for _name in ("abs", "neg", "sign", "square", "floor", "round", "clone"):
    rough(_name, whole(2, 3))
for _x in (transposed(2, 3), floats()):
    sample("gelu", _x, approximate="none")
    sample("gelu", _x, approximate="tanh")
    sample("leaky_relu", _x, slope=0.1)
    sample("softplus", _x, beta=2.0, threshold=1.5)
for _to in (candle.float32, candle.int64, candle.bool):
    rough("cast", floats(2, 3), dtype=_to)
sample("cast", floats(2, 3), dtype=candle.complex128)
sample("cast", complexes(2, 3), dtype=candle.float64)


# Elementwise, two inputs

BINARY = {
    **dict.fromkeys("add sub mul maximum minimum".split(), ((-2, 2), (-1.3, 2.2))),
    **dict.fromkeys("eq ne lt le gt ge".split(), ((-2, 2), (-2, 2))),
    **dict.fromkeys("div floor_divide trunc_divide remainder fmod".split(), ((-3, 3), (0.4, 1.7))),
    **{"pow": ((0.4, 2), (-2, 2)), "atan2": ((-2, 2), (-1.3, 2.2))},
}
for _name, ((_a, _b), (_c, _d)) in BINARY.items():
    sample(_name, floats(2, 3, low=_a, high=_b), transposed(2, 3, low=_c, high=_d))
    sample(_name, floats(2, 1, 3, low=_a, high=_b), floats(2, 1, low=_c, high=_d))
    sample(_name, floats(low=_a, high=_b), floats(3, low=_c, high=_d))
    sample(_name, floats(0, 3, low=_a, high=_b), floats(3, low=_c, high=_d))
    if OPS[_name].numbers:
        sample(_name, floats(3, low=_a, high=_b), 1.5)
        sample(_name, 1.5, floats(3, low=_c, high=_d))
    rough(_name, whole(2, 3, below=9, above=0), whole(3, below=4, above=0))
    if _name not in ("pow", "floor_divide", "trunc_divide", "remainder", "fmod"):
        rough(_name, SPECIAL, SPECIAL.reshape(-1, 1))
for _name in ("add", "sub", "mul", "div", "pow"):
    sample(_name, complexes(2, 3), complexes(3) + 2)
    sample(_name, complexes(2, 3), floats(3))
for _name in ("floor_divide", "trunc_divide", "remainder", "fmod"):
    rough(_name, floats(4, low=-3, high=3), floats(3, 1, low=-2, high=-0.3))
    rough(_name, whole(9), np.array([[3], [-2]]))
rough("pow", np.array([0.0, 2.0, -2.0]), np.array([[0.0], [2.0], [3.0]]))
sample("int_pow", np.array([2, -2, 1, -1, 3]), np.array([[3], [0], [-1]]))
sample("int_pow", whole(3), 2)
for _name in ("logical_and", "logical_or", "logical_xor"):
    sample(_name, truths(2, 3), truths(3))
for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    sample(_name, whole(2, 3), whole(3))
    sample(_name, whole(2, 3), 6)
sample("logical_not", truths(2, 3))
sample("bitwise_not", whole(2, 3))
sample("clamp", transposed(2, 3), -0.9, 0.8)
sample("clamp", floats(2, 3), floats(3, low=-1.5, high=-0.6), None)
sample("clamp", floats(2, 3), None, floats(low=0.4, high=0.6))
sample("clamp", floats(2, 3), floats(2, 1, low=-1, high=1.8), floats(3, low=-0.7, high=1.2))
rough("clamp", SPECIAL, -1.0, 1.0)
sample("where", truths(2, 3), floats(3), transposed(2, 3))
sample("where", truths(2, 1), 0.5, floats(3))
sample("where", truths(3), floats(2, 3), 2.0)
sample("dropout", floats(2, 3), truths(2, 3), p=0.25)
sample("overwrite", floats(2, 3), floats(3, low=3, high=4))
