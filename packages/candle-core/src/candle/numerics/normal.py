"""The error function and its relatives: erf, erfc, erfcx, and the quantiles of the normal distribution.

Each function takes the namespace first. Pieces are computed for all elements and chosen from with `where`,
from arguments that are safe outside the piece too, so that derivatives can go back through them.
"""

from __future__ import annotations

import math
from typing import Any

from candle.numerics.precision import in_single

Array = Any
Table = tuple[tuple[float, ...], tuple[float, ...], float]

# erf by W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969).
_SMALL: Table = (
    (3.16112374387056560e00, 1.13864154151050156e02, 3.77485237685302021e02, 3.20937758913846947e03),
    (2.36012909523441209e01, 2.44024637934444173e02, 1.28261652607737228e03, 2.84423683343917062e03),
    1.85777706184603153e-1,
)
_MIDDLE: Table = (
    (
        *(5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e01, 2.98635138197400131e02),
        *(8.81952221241769090e02, 1.71204761263407058e03, 2.05107837782607147e03, 1.23033935479799725e03),
    ),
    (
        *(1.57449261107098347e01, 1.17693950891312499e02, 5.37181101862009858e02, 1.62138957456669019e03),
        *(3.29079923573345963e03, 4.36261909014324716e03, 3.43936767414372164e03, 1.23033935480374942e03),
    ),
    2.15311535474403846e-8,
)
_LARGE: Table = (
    (
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        2.56852019228982242e00,
        1.87295284992346725e00,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
    1.63153871373020978e-2,
)


def _ratio(y: Array, table: Table) -> Array:
    """(((lead*y + p0)*y + p1)...) / (((y + q0)*y + q1)...)"""
    above, below = table[2] * y, y
    for p, q in zip(table[0][:-1], table[1][:-1], strict=True):
        above, below = (above + p) * y, (below + q) * y
    return (above + table[0][-1]) / (below + table[1][-1])


def _near(xp: Any, a: Array) -> Array:
    """erf(a) for 0 <= a < 0.5."""
    small = xp.where(xp.less(a, 0.5), a, xp.zeros((), dtype=a.dtype))
    return small * _ratio(small * small, _SMALL)


def _far(xp: Any, a: Array) -> Array:
    """exp(a^2) erfc(a) for a >= 0.5."""
    one = xp.ones((), dtype=a.dtype)
    low = xp.logical_and(xp.less_equal(0.5, a), xp.less(a, 4))
    middle, large = xp.where(low, a, one), xp.where(xp.less(a, 4), 4 * one, a)
    z = 1 / (large * large)
    tail = (1 / math.sqrt(math.pi) - z * _ratio(z, _LARGE)) / large
    return xp.where(xp.less(a, 4), _ratio(middle, _MIDDLE), tail)


def _decay(xp: Any, a: Array) -> Array:
    """exp(-a^2), which is 0 long before a^2 would be infinite."""
    capped = xp.where(xp.less(a, 30), a, xp.full((), 30, dtype=a.dtype))
    return xp.exp(-capped * capped)


@in_single
def erf(xp: Any, x: Array) -> Array:
    """2/sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    a = xp.abs(x)
    result = xp.where(xp.less(a, 0.5), _near(xp, a), 1 - _decay(xp, a) * _far(xp, a))
    return xp.where(xp.less(x, 0), -result, xp.where(xp.isnan(x), x, result))


@in_single
def erfc(xp: Any, x: Array) -> Array:
    """1 - erf(x), precise where that is small."""
    a = xp.abs(x)
    near, far = _near(xp, a), _decay(xp, a) * _far(xp, a)
    result = xp.where(xp.less(a, 0.5), 1 - near, far)
    mirrored = xp.where(xp.less(a, 0.5), 1 + near, 2 - far)
    return xp.where(xp.less(x, 0), mirrored, xp.where(xp.isnan(x), x, result))


@in_single
def erfcx(xp: Any, x: Array) -> Array:
    """exp(x^2) erfc(x)."""
    a = xp.abs(x)
    far = _far(xp, a)
    near = xp.exp(xp.where(xp.less(a, 0.5), a * a, xp.zeros((), dtype=x.dtype))) * (1 - xp.sign(x) * _near(xp, a))
    below = 2 * xp.exp(x * x) - far
    result = xp.where(xp.less(a, 0.5), near, xp.where(xp.less(x, 0), below, far))
    return xp.where(xp.isnan(x), x, result)


# The normal quantile by M. J. Wichura, "Algorithm AS 241", Applied Statistics 37 (1988): above, below.
_CENTRAL = (
    (
        *(2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4),
        *(1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    ),
    (
        *(5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4),
        *(5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
    ),
)
_TAIL = (
    (
        *(7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0),
        *(3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    ),
    (
        *(1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1),
        *(6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
    ),
)
_FAR_TAIL = (
    (
        *(2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2),
        *(2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    ),
    (
        *(2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4),
        *(1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
    ),
)


def _quotient(x: Array, table: tuple[tuple[float, ...], tuple[float, ...]]) -> Array:
    above, below = table[0][0] * x, table[1][0] * x
    for p, q in zip(table[0][1:-1], table[1][1:-1], strict=True):
        above, below = (above + p) * x, (below + q) * x
    return (above + table[0][-1]) / (below + table[1][-1])


def _quantile(xp: Any, q: Array, tail: Array) -> Array:
    """Where the normal distribution reaches 1/2 + q; `tail` is 1/2 - |q|, known more precisely than that."""
    inside = xp.less(xp.abs(q), 0.425)
    safe = xp.where(inside, q, xp.zeros((), dtype=q.dtype))
    central = safe * _quotient(0.180625 - safe * safe, _CENTRAL)
    possible = xp.logical_and(xp.less(0, tail), xp.less(tail, 1))
    r = xp.sqrt(-xp.log(xp.where(possible, tail, xp.full((), 0.5, dtype=q.dtype))))
    far = xp.where(xp.less(r, 5), _quotient(r - 1.6, _TAIL), _quotient(r - 5, _FAR_TAIL))
    edge = xp.where(xp.equal(tail, 0), xp.full((), math.inf, dtype=q.dtype), tail * math.nan)
    far = xp.where(possible, far, edge)
    return xp.where(inside, central, xp.where(xp.less(q, 0), -far, far))


@in_single
def erfinv(xp: Any, x: Array) -> Array:
    """The y with erf(y) = x."""
    return _quantile(xp, x / 2, (1 - xp.abs(x)) / 2) / math.sqrt(2)


@in_single
def ndtri(xp: Any, p: Array) -> Array:
    """The x below which a normal variable falls with probability p."""
    return _quantile(xp, p - 0.5, xp.where(xp.less(p, 0.5), p, 1 - p))


@in_single
def log_ndtr(xp: Any, x: Array) -> Array:
    """The logarithm of the probability that a normal variable falls below x."""
    left = xp.less(x, -1)
    a = xp.where(left, x, xp.full((), -1, dtype=x.dtype)) * -math.sqrt(0.5)
    b = xp.where(left, xp.zeros((), dtype=x.dtype), x) * math.sqrt(0.5)
    return xp.where(left, xp.log(_far(xp, a) / 2) - a * a, xp.log1p(-erfc(xp, b) / 2))
