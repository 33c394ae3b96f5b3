"""Statistics along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle import ops
from candle._dtypes import dtype as Dtype
from candle._dtypes import int64, uint64
from candle._tensor import Tensor
from candle.array_api._dtypes import KINDS, axes_of, expect

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]

Axis = int | tuple[int, ...] | None


def _over(function: Callable[..., Tensor], x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """`function(rows, dim=-1)` over the axes, moved to the end as one."""
    axes = axes_of(axis, x.ndim)
    rest = [d for d in range(x.ndim) if d not in axes]
    n = 1
    for d in axes:
        n *= x.shape[d]
    kept = [x.shape[d] for d in rest]
    found = function(x.permute(*rest, *axes).reshape(*kept, n), -1)
    return found.reshape([1 if d in axes else x.shape[d] for d in range(x.ndim)]) if keepdims else found


def _accumulator(x: Tensor, dtype: Dtype | None) -> Dtype:
    """Small integers are summed in the default ones of their sign."""
    if dtype is not None:
        return dtype
    return int64 if x.dtype in KINDS["signed integer"] else uint64 if x.dtype in KINDS["unsigned integer"] else x.dtype


def sum(x: Tensor, /, *, axis: Axis = None, dtype: Dtype | None = None, keepdims: bool = False) -> Tensor:
    """The sum; 0 of nothing."""
    expect("sum", "numeric", x)
    kind = _accumulator(x, dtype)
    return _over(lambda rows, d: ops.sum(rows, d, dtype=kind), x, axis, keepdims)


def prod(x: Tensor, /, *, axis: Axis = None, dtype: Dtype | None = None, keepdims: bool = False) -> Tensor:
    """The product; 1 of nothing."""
    expect("prod", "numeric", x)
    kind = _accumulator(x, dtype)
    return _over(lambda rows, d: ops.prod(rows.to(kind), d, dtype=kind), x, axis, keepdims)


def mean(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean."""
    expect("mean", "floating", x)
    return _over(ops.mean, x, axis, keepdims)


def var(x: Tensor, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """The mean squared distance from the mean, over n - correction."""
    expect("var", "real floating", x)
    return _over(lambda rows, d: ops.var(rows, d, correction=correction), x, axis, keepdims)


def std(x: Tensor, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """The root of the variance."""
    expect("std", "real floating", x)
    return _over(lambda rows, d: ops.std(rows, d, correction=correction), x, axis, keepdims)


def max(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest."""
    expect("max", "real numeric", x)
    return _over(ops.amax, x, axis, keepdims)


def min(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest."""
    expect("min", "real numeric", x)
    return _over(ops.amin, x, axis, keepdims)


def any(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether one at least is not zero."""
    expect("any", "any", x)
    return _over(lambda rows, d: ops.any(rows != 0, d), x, axis, keepdims)


def all(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether none is zero."""
    expect("all", "any", x)
    return _over(lambda rows, d: ops.all(rows != 0, d), x, axis, keepdims)


def count_nonzero(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """How many are not zero."""
    expect("count_nonzero", "any", x)
    return _over(lambda rows, d: ops.sum(rows != 0, d), x, axis, keepdims)


def _cumulative(
    name: str, function: Any, first: int, x: Tensor, axis: int | None, kind: Dtype, initial: bool
) -> Tensor:
    expect(name, "numeric", x)
    if axis is None and x.ndim != 1:
        raise ValueError(f"{name}: axis must be given for an array of shape {tuple(x.shape)}")
    (axis,) = axes_of(0 if axis is None else axis, x.ndim)
    found = function(x, axis, dtype=kind)
    if initial:
        shape = [1 if d == axis else size for d, size in enumerate(x.shape)]
        found = ops.cat([ops.full(shape, first, dtype=kind, device=x.device), found], axis)
    return found


def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: Dtype | None = None, include_initial: bool = False
) -> Tensor:
    """The sums of everything up to each element, and with `include_initial` a 0 before them."""
    return _cumulative("cumulative_sum", ops.cumsum, 0, x, axis, _accumulator(x, dtype), include_initial)


def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: Dtype | None = None, include_initial: bool = False
) -> Tensor:
    """The products of everything up to each element, and with `include_initial` a 1 before them."""
    return _cumulative("cumulative_prod", ops.cumprod, 1, x, axis, _accumulator(x, dtype), include_initial)


def diff(
    x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The differences of neighbours, n times."""
    expect("diff", "numeric", x, *(each for each in (prepend, append) if each is not None))
    return ops.diff(x, n, axis, prepend, append)
