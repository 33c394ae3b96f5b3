"""What stands where in the order of the values: medians, quantiles, the k-th, the most frequent."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import numpy_names, one_dim
from candle.ops.combination import lerp
from candle.ops.conditions import where
from candle.ops.creation import arange, ones_like, tensor
from candle.ops.cumulative import cummax
from candle.ops.extremes import refuse_empty
from candle.ops.joining import cat
from candle.ops.selection import TakeAlongDim, gather
from candle.ops.sorting import argsort, sort

__all__ = ["kthvalue", "median", "mode", "nanmedian", "nanquantile", "quantile"]


# What users call

values_at = namedtuple("values_at", "values indices")


def _pick(input: Tensor, indices: Tensor, dim: int, keepdim: bool) -> Any:
    """The values at one index (..., 1, ...) along a dim."""
    values = apply(TakeAlongDim, input, indices, dim=dim)
    return values_at(values, indices) if keepdim else values_at(values.squeeze(dim), indices.squeeze(dim))


def _of_scalar(function: Any, input: Tensor, *args: Any) -> Any:
    values, indices = function(input.reshape(1), *args)
    return values_at(values.reshape(()), indices.reshape(()))


@method()
@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The k-th smallest value along a dim (counted from 1), and where it stands.

    >>> import candle
    >>> candle.tensor([30, 10, 20]).kthvalue(2)
    values_at(values=tensor(20), indices=tensor(2))
    """
    dim = one_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if not 1 <= k <= size:
        raise RuntimeError(f"kthvalue: k must lie between 1 and {size}, the size of dim {dim}, got {k}")
    if not input.ndim:
        return _of_scalar(kthvalue, input, k)
    return _pick(input, argsort(input, dim).narrow(dim, k - 1, 1), dim, keepdim)


def _is_nan(input: Tensor) -> Tensor:
    return input != input


@method()
@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle value (the lower of two) of all; or along one dim, with where it stands. nan if there is one.

    >>> import candle
    >>> candle.tensor([3.0, 1.0, 2.0, 9.0]).median()
    tensor(2.)
    """
    if dim is None:
        return _middle_of_all(input, ignore_nan=False)
    return _middle("median", input, one_dim(dim, input.ndim), keepdim, ignore_nan=False)


@method()
@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """`median` of the values that are not nan."""
    if dim is None:
        return _middle_of_all(input, ignore_nan=True)
    return _middle("nanmedian", input, one_dim(dim, input.ndim), keepdim, ignore_nan=True)


def _middle_of_all(input: Tensor, ignore_nan: bool) -> Tensor:
    if not input.numel() and input.dtype.is_floating_point:
        return input.sum() * float("nan")
    refuse_empty("median", input, None)
    flat = input.reshape(-1)
    value: Tensor = _middle("median", flat.detach(), 0, False, ignore_nan).values
    if not input.dtype.is_floating_point:
        return value
    equal = (flat == value) | (_is_nan(flat) & _is_nan(value))
    return flat.masked_fill(~equal, -math.inf).amax()  # equal ones share the gradient


def _middle(name: str, input: Tensor, dim: int, keepdim: bool, ignore_nan: bool) -> Any:
    if not input.ndim:
        return values_at(input.clone(), input.new_zeros((), dtype=_dtypes.int64))
    refuse_empty(name, input, (dim,))
    order, size = argsort(input, dim), input.shape[dim]  # nan comes last
    missing = _is_nan(input).sum(dim, keepdim=True)
    if ignore_nan:
        place = (size - missing - 1).clamp(min=0) // 2
    else:
        place = where(missing > 0, size - missing, (size - 1) // 2)
    return _pick(input, gather(order, dim, place), dim, keepdim)


@method()
@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent value along a dim (the smallest of several), and where one of them stands.

    >>> import candle
    >>> candle.tensor([3, 1, 3, 2]).mode().values
    tensor(3)
    """
    dim = one_dim(dim, input.ndim)
    if not input.ndim:
        return _of_scalar(mode, input)
    refuse_empty("mode", input, (dim,))
    values, order = sort(input.detach(), dim)
    last = input.shape[dim] - 1
    first = ones_like(values.narrow(dim, 0, 1), dtype=_dtypes.bool_)
    starts = cat([first, values.narrow(dim, 1, last) != values.narrow(dim, 0, last)], dim)
    place = arange(last + 1, device=input.device).reshape([-1 if d == dim else 1 for d in range(input.ndim)])
    run = place - cummax(where(starts, place, 0), dim).values  # how many equal ones came before
    return _pick(input, gather(order, dim, run.argmax(dim, keepdim=True)), dim, keepdim)


INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@method()
@numpy_names
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The values below which a share q of all values lies; several q add a dim in front. nan if there is one.

    >>> import candle
    >>> candle.tensor([1.0, 2.0, 3.0, 5.0]).quantile(candle.tensor([0.5, 1.0]))
    tensor([2.5000, 5.0000])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, ignore_nan=False)


@method()
@numpy_names
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """`quantile` of the values that are not nan."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, ignore_nan=True)


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignore_nan: bool
) -> Tensor:
    q = _shares(name, input, q, interpolation)
    if not input.numel():
        raise RuntimeError(f"{name}: the tensor is empty, of shape {tuple(input.shape)}")
    kept = [1 if dim is None or d == one_dim(dim, input.ndim) else size for d, size in enumerate(input.shape)]
    rows = input.reshape(1, -1) if dim is None or not input.ndim else input.movedim(dim, -1)
    ordered = sort(rows, -1).values  # nan comes last
    missing = _is_nan(ordered).sum(-1, keepdim=True)
    last = rows.shape[-1] - 1
    rank = (q * (last - missing)).clamp(min=0) if ignore_nan else where(missing > 0, float(last), q * last)
    result = _between(ordered, rank.broadcast_to((*rows.shape[:-1], q.numel())), interpolation).movedim(-1, 0)
    shape = kept if keepdim else [n for d, n in enumerate(kept) if dim is not None and d != one_dim(dim, input.ndim)]
    return result.reshape(*q.shape, *shape)


def _shares(name: str, input: Tensor, q: Any, interpolation: str) -> Tensor:
    """q as a tensor, if all is as it must be."""
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(f"{name}: interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")
    if input.dtype not in (_dtypes.float32, _dtypes.float64):
        raise RuntimeError(f"{name}: needs a float32 or float64 tensor, got {input.dtype}")
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}: q must lie between 0 and 1, got {q}")
        return tensor(q, dtype=input.dtype, device=input.device)
    if q.ndim > 1 or q.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}: q must be a number or a vector of {input.dtype}, got {q.dtype} of shape {tuple(q.shape)}"
        )
    return q


def _between(ordered: Tensor, rank: Tensor, interpolation: str) -> Tensor:
    """The values at ranks that may lie between two places, along the last dim."""
    if interpolation in ("lower", "higher", "nearest"):
        rank = {"lower": rank.floor, "higher": rank.ceil, "nearest": rank.round}[interpolation]()
        return gather(ordered, -1, rank.long())
    below, above = gather(ordered, -1, rank.long()), gather(ordered, -1, rank.ceil().long())
    return lerp(below, above, 0.5 if interpolation == "midpoint" else rank - rank.detach().floor())
