"""The functions of school, from exp, log, sin, cos and atan2, with care for what they round away or overflow."""

from __future__ import annotations

import math
from typing import Any

Array = Any


def exp2(xp: Any, x: Array) -> Array:
    return xp.exp(x * math.log(2))


def expm1(xp: Any, x: Array) -> Array:
    """exp(x) - 1, corrected by what exp(x) lost (Kahan)."""
    u = xp.exp(x)
    exact = xp.equal(u, 1)
    far = xp.logical_or(xp.equal(u - 1, -1), xp.isinf(u))
    inner = xp.where(xp.logical_or(exact, far), xp.full((), 2, dtype=x.dtype), u)
    return xp.where(exact, x, xp.where(far, u - 1, (inner - 1) * (x / xp.log(inner))))


def log1p(xp: Any, x: Array) -> Array:
    """log(1 + x), corrected by what 1 + x lost (Kahan)."""
    u, one = 1 + x, xp.ones((), dtype=x.dtype)
    exact, far = xp.equal(u, 1), xp.isinf(u)
    share = xp.where(far, one, x) / xp.where(xp.logical_or(exact, far), one, u - 1)
    return xp.where(exact, x, xp.log(u) * share)


def log2(xp: Any, x: Array) -> Array:
    return xp.log(x) / math.log(2)


def log10(xp: Any, x: Array) -> Array:
    return xp.log(x) / math.log(10)


def tan(xp: Any, x: Array) -> Array:
    return xp.sin(x) / xp.cos(x)


def atan(xp: Any, x: Array) -> Array:
    return xp.atan2(x, xp.ones((), dtype=x.dtype))


def asin(xp: Any, x: Array) -> Array:
    return xp.atan2(x, xp.sqrt((1 - x) * (1 + x)))


def acos(xp: Any, x: Array) -> Array:
    return xp.atan2(xp.sqrt((1 - x) * (1 + x)), x)


def sinh(xp: Any, x: Array) -> Array:
    a = xp.abs(x)
    u = xp.expm1(xp.where(xp.less(a, 20), a, xp.ones((), dtype=x.dtype)))
    half = xp.exp(a / 2)  # exp(a) may be too large where exp(a) / 2 is not
    return xp.sign(x) * xp.where(xp.less(a, 20), (u + u / (u + 1)) / 2, half / 2 * half)


def cosh(xp: Any, x: Array) -> Array:
    half = xp.exp(xp.abs(x) / 2)
    return half / 2 * half + xp.exp(-xp.abs(x)) / 2


def asinh(xp: Any, x: Array) -> Array:
    """log(a + sqrt(a^2 + 1)) for a = |x|, as log1p(a + a^2 / (1 + sqrt(a^2 + 1))); from 1 on in terms of 1/a."""
    a, one = xp.abs(x), xp.ones((), dtype=x.dtype)
    large = xp.less(1, a)
    low, high = xp.where(large, one, a), xp.where(large, a, one)
    by_high = high / (1 / high + xp.sqrt(1 + 1 / high / high))
    return xp.sign(x) * xp.log1p(a + xp.where(large, by_high, low * low / (1 + xp.sqrt(low * low + 1))))


def acosh(xp: Any, x: Array) -> Array:
    return xp.log(x + xp.sqrt(x - 1) * xp.sqrt(x + 1))


def atanh(xp: Any, x: Array) -> Array:
    return xp.log1p(2 * x / (1 - x)) / 2


def hypot(xp: Any, x: Array, y: Array) -> Array:
    """sqrt(x^2 + y^2), scaled so that the squares are not too large."""
    size = xp.maximum(xp.abs(x), xp.abs(y))
    size = xp.where(xp.logical_or(xp.equal(size, 0), xp.isinf(size)), xp.ones((), dtype=size.dtype), size)
    return size * xp.sqrt(xp.square(x / size) + xp.square(y / size))


def logaddexp(xp: Any, x: Array, y: Array) -> Array:
    high = xp.maximum(x, y)
    gap = xp.where(xp.equal(x, y), xp.zeros((), dtype=high.dtype), -xp.abs(x - y))  # inf - inf is nan
    return high + xp.log1p(xp.exp(gap))


def sigmoid(xp: Any, x: Array) -> Array:
    return 1 / (1 + xp.exp(-x))
