"""Bessel functions and Ai, as integrals by the trapezoidal rule.

For periodic functions, and for such that fall off like exp(-u^2), the rule converges exponentially: some twenty
points give all digits (L. N. Trefethen and J. A. C. Weideman, "The exponentially convergent trapezoidal rule",
SIAM Review 56, 2014). Formula numbers are those of the NIST Digital Library of Mathematical Functions (dlmf.nist.gov).

Each function takes the namespace first; x >= 0 where nothing else is said. Pieces are chosen from with `where`.
"""

from __future__ import annotations

import math
from typing import Any

from candle.numerics.precision import in_single

Array = Any

EULER = 0.57721566490153286061


def _split(xp: Any, x: Array, bound: float) -> tuple[Array, Array, Array]:
    """Whether x is below the bound; x where it is; x where it is not (and something harmless elsewhere)."""
    below, edge = xp.less(x, bound), xp.full((), bound, dtype=x.dtype)
    return below, xp.where(below, x, edge), xp.where(below, edge, x)


def _quarter(points: int) -> list[tuple[float, float]]:
    """(angle, weight) for the mean over a quarter of a circle of what is even around both ends."""
    ends = (0, points)
    return [(math.pi / 2 * k / points, (0.5 if k in ends else 1.0) / points) for k in range(points + 1)]


def _gaussian(step: float, end: float = 8.8) -> list[tuple[float, float]]:
    """(u, weight) for the integral of exp(-u^2/2) f(u) over u > 0, for an even f."""
    count = round(end / step)
    return [(k * step, math.exp(-((k * step) ** 2) / 2) * step * (1.0 if k else 0.5)) for k in range(count + 1)]


# Modified, of the first kind: I_n(x) = 1/pi times the integral of exp(x cos t) cos(n t) from 0 to pi (10.32.3)

_BOUND_I = 20


@in_single
def i0e(xp: Any, x: Array) -> Array:
    """exp(-|x|) I_0(x)."""
    below, low, high = _split(xp, xp.abs(x), _BOUND_I)
    near: Any = 0
    for t, w in _quarter(11):
        c = math.cos(t)
        near = near + (xp.exp(low * (c - 1)) + xp.exp(low * (-c - 1))) * (w / 2)
    return xp.where(below, near, _far_i(xp, high, 0))


@in_single
def i1e(xp: Any, x: Array) -> Array:
    """exp(-|x|) I_1(x); near 0 by parts, in terms that are all positive."""
    below, low, high = _split(xp, xp.abs(x), _BOUND_I)
    near: Any = 0
    for t, w in _quarter(11):
        c = math.cos(t)
        near = near + (xp.exp(low * (c - 1)) + xp.exp(low * (-c - 1))) * (w / 2 * math.sin(t) ** 2)
    return xp.sign(x) * xp.where(below, near * low, _far_i(xp, high, 1))


def _far_i(xp: Any, x: Array, n: int) -> Array:
    """The same with u = 2 sqrt(x) sin(t/2)."""
    total: Any = 0
    for u, w in _gaussian(0.4, 8.8):
        z = u * u / x / 4
        total = total + (1 - 2 * n * z) / xp.sqrt(1 - z) * w
    return total / (math.pi * xp.sqrt(x))


@in_single
def i0(xp: Any, x: Array) -> Array:
    """I_0(x), the modified Bessel function of the first kind of order 0."""
    half = xp.exp(xp.abs(x) / 2)  # exp(x) may be too large where I_0(x) is not
    return half * i0e(xp, x) * half


@in_single
def i1(xp: Any, x: Array) -> Array:
    """I_1(x), the modified Bessel function of the first kind of order 1."""
    half = xp.exp(xp.abs(x) / 2)
    return half * i1e(xp, x) * half


# Modified, of the second kind: the power series (10.31.1, 10.31.2) near 0, an integral from there on

_BOUND_K = 2


@in_single
def k0e(xp: Any, x: Array) -> Array:
    """exp(x) K_0(x)."""
    below, low, high = _split(xp, x, _BOUND_K)
    z = low * low / 4
    series, term, harmonic = 0 * z, 1.0 + 0 * z, 0.0
    for k in range(1, 15):
        harmonic += 1 / k
        term = term * z / (k * k)
        series = series + term * harmonic
    near = xp.exp(low) * (series - (xp.log(low / 2) + EULER) * i0(xp, low))
    return xp.where(below, near, _far_k(xp, high, 0))


@in_single
def k1e(xp: Any, x: Array) -> Array:
    """exp(x) K_1(x)."""
    below, low, high = _split(xp, x, _BOUND_K)
    z = low * low / 4
    term, digammas = 1.0 + 0 * z, 1 - 2 * EULER
    series = term * digammas
    for k in range(1, 15):
        digammas += 1 / k + 1 / (k + 1)
        term = term * z / (k * (k + 1))
        series = series + term * digammas
    near = xp.exp(low) * (1 / low + xp.log(low / 2) * i1(xp, low) - low / 4 * series)
    near = xp.where(xp.equal(low, 0), xp.full((), math.inf, dtype=x.dtype), near)
    return xp.where(below, near, _far_k(xp, high, 1))


def _far_k(xp: Any, x: Array, n: int) -> Array:
    """The integral of exp(-x (cosh t - 1)) cosh(n t) over t > 0 (10.32.9) with u = 2 sqrt(x) sinh(t/2)."""
    total: Any = 0
    for u, w in _gaussian(0.4):
        z = u * u / x / 4
        total = total + (1 + 2 * n * z) / xp.sqrt(1 + z) * w
    return total / xp.sqrt(x)


# J_n and Y_n: the mean of cos(x cos t) (10.9.1) near 0, the integral of K_n(-ix) from there on

_BOUND_J = 8


@in_single
def j0(xp: Any, x: Array) -> Array:
    """J_0(x), the Bessel function of the first kind of order 0, for all x."""
    below, low, high = _split(xp, xp.abs(x), _BOUND_J)
    a, b = _hankel(xp, high, 0)
    return xp.where(below, _near_j0(xp, low), (a * xp.cos(high) - b * xp.sin(high)))


@in_single
def j1(xp: Any, x: Array) -> Array:
    """J_1(x), the Bessel function of the first kind of order 1, for all x."""
    below, low, high = _split(xp, xp.abs(x), _BOUND_J)
    a, b = _hankel(xp, high, 1)
    return xp.sign(x) * xp.where(below, _near_j1(xp, low), a * xp.cos(high) - b * xp.sin(high))


@in_single
def y0(xp: Any, x: Array) -> Array:
    """Y_0(x), the Bessel function of the second kind of order 0: a series in J_2, J_4, ... (10.8.3) near 0."""
    below, low, high = _split(xp, x, _BOUND_J)
    rest: Any = 0
    for t, w in _quarter(17):
        rest = rest + xp.cos(low * math.cos(t)) * (w * _cosines(t))
    near = (2 / math.pi) * ((xp.log(low / 2) + EULER) * _near_j0(xp, low) - 2 * rest)
    a, b = _hankel(xp, high, 0)
    return xp.where(below, near, a * xp.sin(high) + b * xp.cos(high))


@in_single
def y1(xp: Any, x: Array) -> Array:
    """Y_1(x) = -Y_0'(x), the Bessel function of the second kind of order 1."""
    below, low, high = _split(xp, x, _BOUND_J)
    rest: Any = 0
    for t, w in _quarter(17):
        rest = rest + xp.sin(low * math.cos(t)) * (w * math.cos(t) * _cosines(t))
    logarithm = (xp.log(low / 2) + EULER) * _near_j1(xp, low)
    near = (2 / math.pi) * (logarithm - _near_j0(xp, low) / low - 2 * rest)
    near = xp.where(xp.equal(low, 0), xp.full((), -math.inf, dtype=x.dtype), near)
    a, b = _hankel(xp, high, 1)
    return xp.where(below, near, a * xp.sin(high) + b * xp.cos(high))


def _near_j0(xp: Any, x: Array) -> Array:
    total: Any = 0
    for t, w in _quarter(9):
        total = total + xp.cos(x * math.cos(t)) * w
    return total


def _near_j1(xp: Any, x: Array) -> Array:
    total: Any = 0
    for t, w in _quarter(9):
        total = total + xp.cos(x * math.cos(t)) * (w * math.sin(t) ** 2)
    return total * x


def _cosines(t: float) -> float:
    """The sum of cos(2kt)/k: what cos(x cos t) is weighted with to give the sum of (-1)^k J_2k(x) / k."""
    return sum(math.cos(2 * k * t) / k for k in range(1, 17))


def _hankel(xp: Any, x: Array, n: int) -> tuple[Array, Array]:
    """Real and imaginary part of exp(-ix) (J_n(x) + i Y_n(x))."""
    real: Any = 0
    imaginary: Any = 0
    for u, w in _gaussian(0.4):
        z = u * u / x / 4
        r = xp.sqrt(1 + z * z)
        a, b = xp.sqrt((r + 1) / 2) / r, -z / (xp.sqrt(2 * (r + 1)) * r)  # (1 + iz)^(-1/2)
        real = real + (a - 2 * n * z * b) * w
        imaginary = imaginary + (b + 2 * n * z * a) * w
    # times sqrt(2 / (pi x)) exp(-i pi/4), and -i more for n = 1; the integral of the Gaussian is sqrt(pi / 2)
    scale = math.sqrt(2) / math.pi / xp.sqrt(x)
    real, imaginary = scale * (real + imaginary), scale * (imaginary - real)
    return (imaginary, -real) if n else (real, imaginary)


@in_single
def spherical_j0(xp: Any, x: Array) -> Array:
    """sin(x) / x."""
    zero, one = xp.equal(x, 0), xp.ones((), dtype=x.dtype)
    finite = xp.where(xp.isinf(x), one, xp.where(zero, one, x))
    return xp.where(zero, one, xp.where(xp.isinf(x), xp.zeros((), dtype=x.dtype), xp.sin(finite) / finite))


# Ai(x): the power series (9.4.1) near 0, from there on an integral through the saddle (9.5.8, 9.2.12)

_AI_0, _AI_1 = 0.35502805388781723926, -0.25881940379280679841  # Ai(0), Ai'(0)


@in_single
def airy_ai(xp: Any, x: Array) -> Array:
    """Ai(x), the solution of y'' = x y that goes to 0, for all x."""
    below, low, high = _split(xp, x, 2)
    left, far, near = _split(xp, low, -4.5)
    cube, f, g = near * near * near, 1.0 + 0 * near, near
    series = _AI_0 * f + _AI_1 * g
    for k in range(1, 20):
        f, g = f * cube / ((3 * k - 1) * (3 * k)), g * cube / ((3 * k) * (3 * k + 1))
        series = series + _AI_0 * f + _AI_1 * g
    return xp.where(below, xp.where(left, _airy_left(xp, -far), series), _airy_right(xp, high))


def _airy_right(xp: Any, x: Array) -> Array:
    root = xp.sqrt(x)
    total: Any = 0
    for u, w in _gaussian(0.3):  # t = u / sqrt(2 sqrt(x)) makes exp(-sqrt(x) t^2) a Gaussian
        t = u / xp.sqrt(2 * root)
        total = total + xp.cos(t * t * t / 3) * w
    return total / xp.sqrt(2 * root) * xp.exp(-2 / 3 * x * root) / math.pi


def _airy_left(xp: Any, x: Array) -> Array:
    """Ai(-x) = 2 Re(e^(i pi/3) Ai(x e^(i pi/3)))."""
    root = xp.sqrt(x)
    phase = math.pi / 3 - 2 / 3 * x * root
    total: Any = 0
    for u, w in _gaussian(0.3):
        t = u / xp.sqrt(math.sqrt(3) * root)
        total = total + xp.cos(t * t * t / 3) * xp.cos(phase - root * t * t / 2) * w
    return 2 / math.pi * total / xp.sqrt(math.sqrt(3) * root)
