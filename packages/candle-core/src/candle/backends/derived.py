"""The part of the contract that can be built from the required part.

Each function takes the namespace first and uses nothing but it, operators and shape, ndim, dtype;
a backend whose library has its own version never sees these.
"""

from __future__ import annotations

import math
from typing import Any

from candle.backends.places import add_strided, index_combine, rows_at, slice_put, take_strided  # noqa: F401
from candle.numerics.bessel import i0, i0e, i1, i1e  # noqa: F401
from candle.numerics.bits import (  # noqa: F401
    as_complex,
    as_real,
    bitwise_left_shift,
    bitwise_right_shift,
    copysign,
    frexp,
    gcd,
    nextafter,
    signbit,
)
from candle.numerics.elementary import (  # noqa: F401
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cosh,
    exp2,
    expm1,
    hypot,
    log1p,
    log2,
    log10,
    logaddexp,
    sigmoid,
    sinh,
    tan,
)
from candle.numerics.gamma import digamma, lgamma, polygamma  # noqa: F401
from candle.numerics.normal import erf  # noqa: F401
from candle.op import is_complex_array

Array = Any


def zeros(xp: Any, shape: tuple[int, ...], *, dtype: Any = None) -> Array:
    return xp.full(shape, 0, dtype=dtype)


def ones(xp: Any, shape: tuple[int, ...], *, dtype: Any = None) -> Array:
    return xp.full(shape, 1, dtype=dtype)


def _below(xp: Any, x: Array, k: int) -> Array:
    rows = xp.reshape(xp.arange(x.shape[-2]), (-1, 1))
    return xp.less_equal(xp.arange(x.shape[-1]), rows + k)


def tril(xp: Any, x: Array, *, k: int = 0) -> Array:
    return xp.where(_below(xp, x, k), x, xp.zeros((), dtype=x.dtype))


def triu(xp: Any, x: Array, *, k: int = 0) -> Array:
    return xp.where(_below(xp, x, k - 1), xp.zeros((), dtype=x.dtype), x)


def stack(xp: Any, arrays: list[Array], *, axis: int = 0) -> Array:
    axis %= arrays[0].ndim + 1
    shape = arrays[0].shape
    return xp.concat([xp.reshape(a, (*shape[:axis], 1, *shape[axis:])) for a in arrays], axis=axis)


def flip(xp: Any, x: Array, *, axis: Any = None) -> Array:
    for each in range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,):
        x = xp.take(x, xp.arange(x.shape[each] - 1, -1, -1), axis=each)
    return x


def positive(xp: Any, x: Array) -> Array:
    return x


def square(xp: Any, x: Array) -> Array:
    return x * x


def reciprocal(xp: Any, x: Array) -> Array:
    return 1 / x


def sign(xp: Any, x: Array) -> Array:
    one = xp.ones((), dtype=x.dtype)
    if is_complex_array(xp, x):
        return x / xp.where(xp.equal(x, 0), one, xp.astype(xp.abs(x), x.dtype))
    return xp.where(xp.greater(x, 0), one, xp.where(xp.less(x, 0), -one, x * 0))


def round(xp: Any, x: Array) -> Array:
    """To the nearest integer, halves to the even one."""
    down = xp.floor(x)
    odd = xp.not_equal(xp.remainder(down, 2), 0)
    rest = x - down
    up = xp.logical_or(xp.greater(rest, 0.5), xp.logical_and(xp.equal(rest, 0.5), odd))
    return xp.where(up, down + 1, down)


def ceil(xp: Any, x: Array) -> Array:
    return -xp.floor(-x)


def trunc(xp: Any, x: Array) -> Array:
    return xp.where(xp.less(x, 0), xp.ceil(x), xp.floor(x))


def not_equal(xp: Any, x: Array, y: Array) -> Array:
    return xp.logical_not(xp.equal(x, y))


def less_equal(xp: Any, x: Array, y: Array) -> Array:
    return xp.logical_or(xp.less(x, y), xp.equal(x, y))


def greater(xp: Any, x: Array, y: Array) -> Array:
    return xp.less(y, x)


def greater_equal(xp: Any, x: Array, y: Array) -> Array:
    return xp.less_equal(y, x)


def logical_or(xp: Any, x: Array, y: Array) -> Array:
    return xp.logical_not(xp.logical_and(xp.logical_not(x), xp.logical_not(y)))


def logical_xor(xp: Any, x: Array, y: Array) -> Array:
    return xp.logical_and(xp.logical_or(x, y), xp.logical_not(xp.logical_and(x, y)))


def isinf(xp: Any, x: Array) -> Array:
    return xp.equal(xp.abs(x), math.inf)


def isfinite(xp: Any, x: Array) -> Array:
    return xp.less(xp.abs(x), math.inf)


def maximum(xp: Any, x: Array, y: Array) -> Array:
    return xp.where(xp.logical_or(xp.less(y, x), xp.isnan(x)), x, y)


def minimum(xp: Any, x: Array, y: Array) -> Array:
    return xp.where(xp.logical_or(xp.less(x, y), xp.isnan(x)), x, y)


def conj(xp: Any, x: Array) -> Array:
    return x


def real(xp: Any, x: Array) -> Array:
    return x


def imag(xp: Any, x: Array) -> Array:
    return x * 0


def argmin(xp: Any, x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
    return xp.argmax(-x, axis=axis, keepdims=keepdims)


def all(xp: Any, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    return xp.logical_not(xp.any(xp.logical_not(x), axis=axis, keepdims=keepdims))


def mean(xp: Any, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    total = xp.sum(x, axis=axis, keepdims=keepdims)
    count = math.prod(x.shape) / max(math.prod(total.shape), 1)
    return total / count if count else total * math.nan


def var(xp: Any, x: Array, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Array:
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    size = xp.abs(centred) if is_complex_array(xp, centred) else centred
    total = xp.sum(size * size, axis=axis, keepdims=keepdims)
    count = math.prod(x.shape) // max(math.prod(total.shape), 1)
    return total * (1 / (count - correction) if count > correction else math.inf)


def sort(xp: Any, x: Array, *, axis: int = -1, descending: bool = False) -> Array:
    return xp.take_along_axis(x, xp.argsort(x, axis=axis, descending=descending), axis=axis)


def cumulative_prod(xp: Any, x: Array, *, axis: int) -> Array:
    axis %= x.ndim
    key = (slice(None),) * axis
    parts = [x[(*key, slice(0, 1), ...)]]
    for i in range(1, x.shape[axis]):
        parts.append(parts[-1] * x[(*key, slice(i, i + 1), ...)])
    return xp.concat(parts, axis=axis)


def topk(xp: Any, x: Array, k: int, *, axis: int, largest: bool = True) -> tuple[Array, Array]:
    """The k largest (or smallest) along an axis, in order, and where they stand."""
    order = xp.argsort(x, axis=axis, descending=largest)
    order = order[(*[slice(None)] * (axis % x.ndim), slice(0, k), ...)]
    return xp.take_along_axis(x, order, axis=axis), order


def index(xp: Any, x: Array, *indices: Array) -> Array:
    """x[i, j, ...] for integer arrays that index the leading axes."""
    rows, place = rows_at(xp, x, indices)
    return xp.reshape(xp.take(rows, xp.reshape(place, (-1,)), axis=0), (*place.shape, *rows.shape[1:]))


def check(xp: Any, condition: Array, message: str) -> None:
    """Raise IndexError(message) unless `condition` holds everywhere.

    A device that computes asynchronously may report it at its next synchronisation.
    """
    if not bool(xp.all(condition)):
        raise IndexError(message)
