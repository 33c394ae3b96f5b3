"""How numbers are written: signs, exponents, neighbours and shifts, for libraries that cannot look."""

from __future__ import annotations

import math
from typing import Any

Array = Any

# of each floating type: how many binary digits, and the exponent of its smallest number
_FORMATS = {"float64": (53, -1074), "float32": (24, -149), "float16": (11, -24), "bfloat16": (8, -133)}


def signbit(xp: Any, x: Array) -> Array:
    """Whether x has a minus, as -0.0 does."""
    zero = xp.equal(x, 0)
    inverse = 1 / xp.where(zero, x, xp.ones((), dtype=x.dtype))  # -inf for -0.0
    return xp.logical_or(xp.less(x, 0), xp.logical_and(zero, xp.less(inverse, 0)))


def copysign(xp: Any, x: Array, y: Array) -> Array:
    """|x| with the sign of y."""
    size = xp.abs(x)
    return xp.where(xp.signbit(y), -size, size)


def _scaled(xp: Any, x: Array, exponent: Array) -> Array:
    """x * 2^exponent in two steps, since 2^exponent alone may be too large or too small."""
    half = xp.floor(exponent / 2)
    two = xp.full((), 2, dtype=x.dtype)
    return x * xp.pow(two, half) * xp.pow(two, exponent - half)


def frexp(xp: Any, x: Array) -> tuple[Array, Array]:
    """(m, e) with x = m 2^e and 0.5 <= |m| < 1; 0, inf and nan stay, with e = 0."""
    one = xp.ones((), dtype=x.dtype)
    plain = xp.logical_and(xp.isfinite(x), xp.not_equal(x, 0))
    safe = xp.where(plain, x, one / 2)
    exponent = xp.floor(xp.log(xp.abs(safe)) / math.log(2)) + 1
    mantissa = _scaled(xp, safe, -exponent)
    size = xp.abs(mantissa)  # the logarithm is rounded, so it may be one off
    up, down = xp.less_equal(1, size), xp.less(size, 0.5)
    mantissa = xp.where(up, mantissa / 2, xp.where(down, mantissa * 2, mantissa))
    exponent = xp.where(up, exponent + 1, xp.where(down, exponent - 1, exponent))
    exponent = xp.where(plain, exponent, 0 * one)
    return xp.where(plain, mantissa, x), xp.astype(exponent, xp.int32)


def nextafter(xp: Any, x: Array, y: Array) -> Array:
    """The number next to x towards y."""
    digits, lowest = next(_FORMATS[name] for name in _FORMATS if getattr(xp, name, None) == x.dtype)
    mantissa, exponent = frexp(xp, x)
    inwards = xp.logical_and(xp.equal(xp.abs(mantissa), 0.5), xp.not_equal(xp.less(x, y), xp.less(x, 0)))
    place = xp.astype(exponent, x.dtype) - digits
    place = xp.where(inwards, place - 1, place)  # below a power of two they are closer together
    bottom = xp.full((), lowest, dtype=x.dtype)
    place = xp.where(xp.logical_or(xp.less(place, bottom), xp.equal(x, 0)), bottom, place)
    step = _scaled(xp, xp.ones((), dtype=x.dtype), place)
    largest = _scaled(xp, xp.full((), 2 - 2.0 ** (1 - digits), dtype=x.dtype), 2 - digits - bottom)
    largest = xp.where(xp.less(x, 0), -largest, largest)
    moved = xp.where(xp.isinf(x), largest, xp.where(xp.less(x, y), x + step, x - step))
    return xp.where(xp.logical_or(xp.isnan(x), xp.isnan(y)), x + y, xp.where(xp.equal(x, y), y, moved))


def bitwise_left_shift(xp: Any, x: Array, y: Array) -> Array:
    """x 2^y."""
    return x * xp.pow(xp.full((), 2, dtype=x.dtype), y)


def bitwise_right_shift(xp: Any, x: Array, y: Array) -> Array:
    """x / 2^y, rounded down."""
    return xp.floor_divide(x, xp.pow(xp.full((), 2, dtype=x.dtype), y))


def gcd(xp: Any, x: Array, y: Array) -> Array:
    """The greatest common divisor, by Euclid: as many steps as the worst numbers (Fibonacci's) of the type need."""
    a, b = xp.abs(x), xp.abs(y)
    one = xp.ones((), dtype=b.dtype)
    for _ in range(_steps(xp, a)):
        over = xp.equal(b, 0)
        rest = xp.remainder(a, xp.where(over, one, b))
        a, b = xp.where(over, a, b), xp.where(over, b, rest)
    return a + 0 * b  # broadcast, too


def _steps(xp: Any, x: Array) -> int:
    for steps, names in ((13, "int8 uint8"), (25, "int16 uint16"), (48, "int32 uint32")):
        if any(getattr(xp, name, None) == x.dtype for name in names.split()):
            return steps
    return 94


def as_real(xp: Any, x: Array) -> Array:
    """Complex numbers as pairs of real ones, along a new last axis."""
    return xp.stack([xp.real(x), xp.imag(x)], axis=-1)


def as_complex(xp: Any, x: Array) -> Array:
    """Pairs of real numbers, along the last axis, as complex ones."""
    kind = xp.complex64 if x.dtype == xp.float32 else xp.complex128
    return xp.astype(x[..., 0], kind) + xp.astype(x[..., 1], kind) * 1j
