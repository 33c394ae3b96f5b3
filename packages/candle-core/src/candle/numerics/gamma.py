"""The gamma function's relatives: its logarithm and the derivatives of that, zeta, and its incomplete integrals.

Each function takes the namespace first; as in `normal`, pieces are chosen from with `where`.
"""

from __future__ import annotations

import math
from typing import Any

from candle.numerics.precision import in_single

Array = Any

# C. Lanczos, "A precision approximation of the gamma function" (1964), in the rational form of the Boost library
# (N = 13): gamma(x) = (x + g - 1/2)^(x - 1/2) e^-x-g+1/2 times the ratio of these two, lowest power first.
_G = 6.024680040776729583740234375
_ABOVE = (
    *(23531376880.41075968857, 42919803642.64909876896, 35711959237.35566804944, 17921034426.03720969992),
    *(6039542586.352028005064, 1439720407.311721673663, 248874557.8620541565115, 31426415.58540019438061),
    *(2876370.628935372441225, 186056.2653952234950403, 8071.672002365816210638, 210.8242777515793458725),
    2.506628274631000270165,
)
_BELOW = (
    *(0.0, 39916800.0, 120543840.0, 150917976.0, 105258076.0, 45995730.0, 13339535.0),
    *(2637558.0, 357423.0, 32670.0, 1925.0, 66.0, 1.0),
)
# B_2, B_4, ...: the Bernoulli numbers, of the Euler-Maclaurin formula
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
_SHIFT = 10  # asymptotic series are summed from here on


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    """The first coefficient belongs to the highest power."""
    out = x * coefficients[0] + coefficients[1]
    for each in coefficients[2:]:
        out = out * x + each
    return out


def _one(xp: Any, x: Array) -> Array:
    return xp.ones((), dtype=x.dtype)


@in_single
def lgamma(xp: Any, x: Array) -> Array:
    """log|gamma(x)|, for x < 1/2 by reflection: gamma(x) gamma(1-x) = pi / sin(pi x)."""
    left = xp.less(x, 0.5)
    a = xp.where(left, 1 - x, x)
    large = xp.isinf(a)
    a = xp.where(large, _one(xp, x), a)
    y = 1 / a
    right = xp.log(_polynomial(y, _ABOVE) / _polynomial(y, _BELOW)) - _G
    right = right + (a - 0.5) * (xp.log(a + (_G - 0.5)) - 1)
    # from the nearest pole, exactly: x - floor(x) would be 1 for -1e-20
    rest = xp.where(xp.logical_and(left, xp.logical_not(large)), xp.abs(x - xp.round(x)), _one(xp, x) / 2)
    out = xp.where(left, math.log(math.pi) - xp.log(xp.sin(math.pi * rest)) - right, right)
    return xp.where(large, xp.abs(x), out)


@in_single
def digamma(xp: Any, x: Array) -> Array:
    """The derivative of lgamma; for x < 0 by reflection."""
    left = xp.less(x, 0)
    a = xp.where(left, 1 - x, x)
    near = xp.less(a, _SHIFT)
    low, high = xp.where(near, a, _one(xp, x)), xp.where(near, a + _SHIFT, a)
    before = 1 / low
    for k in range(1, _SHIFT):
        before = before + 1 / (low + k)
    z = 1 / (high * high)
    series = _polynomial(z, (*(b / (2 * k) for k, b in _numbered(7)), 0.0))
    right = xp.log(high) - 1 / (2 * high) - series - xp.where(near, before, xp.zeros((), dtype=x.dtype))
    turn = xp.where(left, x - xp.round(x), _one(xp, x) / 2)
    flat = xp.equal(turn, 0)
    turn = xp.where(flat, _one(xp, x) / 2, turn)
    out = xp.where(left, right - math.pi / xp.tan(math.pi * turn), right)
    return xp.where(flat, x * math.nan, out)


def _numbered(count: int) -> list[tuple[int, float]]:
    """(k, B_2k), the last first."""
    return list(enumerate(_BERNOULLI[:count], 1))[::-1]


@in_single
def zeta(xp: Any, s: Array, q: Array) -> Array:
    """The sum of (q + k)^-s over k = 0, 1, ..., for s > 1."""
    whole = xp.equal(q, xp.floor(q))
    left = xp.less(q, 0)
    half = _one(xp, q) / 2  # of use at a pole; near one, both of these are exact
    above, below = xp.where(whole, half, q - xp.floor(q)), xp.where(whole, half, xp.ceil(q) - q)
    safe = xp.where(xp.less(1, s), s, 2 * _one(xp, s))
    # From q < 0 to the first positive term, the terms are those of below, below + 1, ..., 0 - q, up to sign.
    right = _zeta(xp, safe, xp.where(left, above, xp.where(xp.less(0, q), q, _one(xp, q))))
    start = xp.where(left, q, -_one(xp, q))
    negative = _zeta(xp, safe, below) - _zeta(xp, safe, 1 - start)
    odd = xp.not_equal(xp.remainder(safe, 2), 0)
    out = right + xp.where(left, xp.where(odd, -negative, negative), xp.zeros((), dtype=right.dtype))
    infinite, undefined = xp.full((), math.inf, dtype=out.dtype), xp.full((), math.nan, dtype=out.dtype)
    out = xp.where(xp.logical_and(left, xp.not_equal(s, xp.floor(s))), undefined, out)
    out = xp.where(xp.logical_and(whole, xp.less_equal(q, 0)), infinite, out)
    out = xp.where(xp.less(s, 1), undefined, xp.where(xp.equal(s, 1), infinite, out))
    return xp.where(xp.logical_or(xp.isnan(s), xp.isnan(q)), undefined, out)


def _zeta(xp: Any, s: Array, q: Array) -> Array:
    """For q > 0: some terms, and the rest by the Euler-Maclaurin formula."""
    total = xp.pow(q, -s)
    for k in range(1, _SHIFT):
        total = total + xp.pow(q + k, -s)
    a = q + _SHIFT
    power = xp.pow(a, -s)
    total = total + xp.pow(a, 1 - s) / (s - 1) + power / 2
    term = power * s / a
    for k, b in enumerate(_BERNOULLI, 1):
        total = total + term * (b / math.factorial(2 * k))
        term = term * ((s + (2 * k - 1)) / a) * ((s + 2 * k) / a)
    return total


@in_single
def polygamma(xp: Any, n: int, x: Array) -> Array:
    """The derivative of lgamma of order n + 1."""
    if n == 0:
        return xp.digamma(x)
    return zeta(xp, xp.full((), n + 1, dtype=x.dtype), x) * ((-1) ** (n + 1) * math.factorial(n))


# The incomplete gamma functions: P(a, x) = 1/gamma(a) times the integral of t^(a-1) e^-t from 0 to x, Q = 1 - P

_LARGE = 20  # from this a on, the integral over where it counts; below, series and continued fraction
_TERMS = 100


@in_single
def gammainc(xp: Any, a: Array, x: Array, upper: bool) -> Array:
    """Q(a, x) if `upper`, else P(a, x): the smaller of them by one of three ways, the other as 1 minus it."""
    out_of_range = xp.logical_or(xp.less(a, 0), xp.less(x, 0))
    valid = xp.logical_and(
        xp.logical_and(xp.less(0, a), xp.less(a, math.inf)), xp.logical_and(xp.less(0, x), xp.less(x, math.inf))
    )
    one, zero = _one(xp, a * x), xp.zeros((), dtype=a.dtype)
    a_, x_ = xp.where(valid, a, one), xp.where(valid, x, one)
    large, beyond = xp.less_equal(_LARGE, a_), xp.less_equal(xp.maximum(a_, one), x_)
    low_a, high_a = xp.where(large, one, a_), xp.where(large, a_, _LARGE * one)
    x_low = xp.where(large, one, x_)
    series = _series(xp, low_a, xp.where(beyond, one, x_low))
    fraction = _fraction(xp, low_a, xp.where(beyond, x_low, xp.maximum(low_a, one)))
    part = xp.where(
        large, _window(xp, high_a, xp.where(large, x_, _LARGE * one), beyond), xp.where(beyond, fraction, series)
    )
    inside = xp.where(beyond if upper else xp.logical_not(beyond), part, 1 - part)
    # at the edges P is 0 for x = 0 and a = inf, 1 for a = 0 and x = inf, and nan for both
    falls, rises = xp.logical_or(xp.equal(x, 0), xp.isinf(a)), xp.logical_or(xp.equal(a, 0), xp.isinf(x))
    edge = xp.where(falls, one if upper else zero, zero if upper else one)
    nan = xp.full((), math.nan, dtype=a.dtype)
    undefined = xp.logical_or(out_of_range, xp.logical_and(falls, rises))
    undefined = xp.logical_or(undefined, xp.logical_or(xp.isnan(a), xp.isnan(x)))
    return xp.where(undefined, nan, xp.where(valid, inside, edge))


def _series(xp: Any, a: Array, x: Array) -> Array:
    """P(a, x) for x up to about a (dlmf.nist.gov/8.7.E1)."""
    term = total = xp.exp(a * xp.log(x) - x - lgamma(xp, a + 1))
    for k in range(1, _TERMS):
        term = term * x / (a + k)
        total = total + term
    return total


def _fraction(xp: Any, a: Array, x: Array) -> Array:
    """Q(a, x) for x from about a on, by Legendre's continued fraction (dlmf.nist.gov/8.9.E2), from its end."""
    below = x + (2 * _TERMS + 1) - a
    for k in range(_TERMS, 0, -1):
        below = x + (2 * k - 1) - a - k * (k - a) / below
    return xp.exp(a * xp.log(x) - x - lgamma(xp, a)) / below


def _window(xp: Any, a: Array, x: Array, beyond: Array) -> Array:
    """For large a: the integral from x away from the peak, as far as the integrand counts.

    By the double exponential rule of Takahasi and Mori (1974): trapezoidal after t = tanh(pi/2 sinh(s)).
    """
    b = a - 1
    slope, bend = xp.abs(1 - b / x), b / (x * x)  # of the logarithm of the integrand, at x
    length = 80 / (slope + xp.sqrt(slope * slope + 80 * bend))
    length = xp.where(beyond, 1.6 * length, -xp.minimum(length, x)) / x
    total: Any = 0
    for k in range(-38, 39):
        s = k / 12
        spot, weight = (
            (1 + math.tanh(math.pi / 2 * math.sinh(s))) / 2,
            math.cosh(s) / math.cosh(math.pi / 2 * math.sinh(s)) ** 2,
        )
        step = xp.maximum(length * spot, xp.full((), -1 + 1e-7, dtype=a.dtype))
        total = total + xp.exp(b * xp.log1p(step) - x * step) * (weight * math.pi / 48)
    mu = x / a - 1
    stirling = 1 / (12 * a) - 1 / (360 * a * a * a) + 1 / (1260 * a * a * a * a * a)
    scale = xp.exp(a * (xp.log1p(mu) - mu) - stirling) * xp.sqrt(a / (2 * math.pi))  # x^a e^-x / gamma(a)
    return scale * xp.abs(length) * total
