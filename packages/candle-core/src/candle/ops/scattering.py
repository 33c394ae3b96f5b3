"""Writing by index along one dim, element by element: scatter and its kind."""

from __future__ import annotations

import math
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops.conditions import where
from candle.ops.creation import ones_like, tensor, zeros_like
from candle.ops.indexing import IndexPut
from candle.ops.selection import IndexAdd, fits, grid, trimmed
from candle.ops.shape import broadcast_tensors

__all__ = ["masked_scatter", "scatter", "scatter_add", "scatter_reduce"]


class IndexProd(Op):
    """x with values multiplied into x[i, j, ...];  each gets grad times the others of its place"""

    name = "index_prod"
    reads = {"x": "values indices", "values": "x values out indices"}

    def forward(xp, x, values, *indices):
        return xp.index_combine(x, indices, values, "prod")

    def vjp(xp, needs, grad, out, x, values, *indices):
        one = xp.ones((), dtype=grad.dtype)
        dx = dvalues = None
        if needs[0]:
            dx = grad * xp.index_combine(xp.ones(x.shape, dtype=grad.dtype), indices, values, "prod")
        if needs[1]:
            zero = xp.equal(values, 0)
            zeros = xp.index_add(xp.zeros(x.shape, dtype=grad.dtype), indices, xp.astype(zero, grad.dtype))
            alone = xp.logical_and(zero, xp.equal(xp.index(zeros, *indices), 1))
            others = xp.index(xp.index_combine(x, indices, xp.where(alone, one, values), "prod"), *indices)
            rest = xp.where(alone, others, xp.index(out, *indices) / xp.where(zero, one, values))
            dvalues = xp.index(grad, *indices) * rest
        return dx, dvalues, *[None] * len(indices)


class IndexExtreme(Op):
    """x with values taken at x[i, j, ...] if larger (or smaller);  grad is shared evenly among equal ones"""

    name = "index_extreme"
    reads = {"x": "x values out indices", "values": "x values out indices"}

    def forward(xp, x, values, *indices, how):
        return xp.index_combine(x, indices, values, how)

    def vjp(xp, needs, grad, out, x, values, *indices, how):
        mine, theirs = xp.equal(x, out), xp.equal(values, xp.index(out, *indices))
        ties = xp.index_add(xp.astype(mine, grad.dtype), indices, xp.astype(theirs, grad.dtype))
        part, zero = grad / ties, xp.zeros((), dtype=grad.dtype)
        dvalues = xp.where(theirs, xp.index(part, *indices), zero) if needs[1] else None
        return xp.where(mine, part, zero), dvalues, *[None] * len(indices)


# What users call


def reduced_into(
    name: str, input: Tensor, values: Tensor, places: tuple[Tensor, ...], reduce: str, include_self: bool
) -> Tensor:
    """input with the sum, product, mean, smallest or largest of the values written at `places`."""
    start = input.clone()  # some derivatives read it, and `scatter_reduce_` writes into what was given
    if not include_self:
        neutral = {"sum": 0, "mean": 0, "prod": 1, "amax": lowest(input.dtype), "amin": highest(input.dtype)}
        start = apply(IndexPut, input, input.new_full((), neutral[reduce]), *places)
    if reduce == "sum":
        return apply(IndexAdd, start, values, *places)
    if reduce == "prod":
        return apply(IndexProd, start, values, *places)
    if reduce in ("amax", "amin"):
        return apply(IndexExtreme, start, values, *places, how=reduce[1:])
    if reduce != "mean":
        raise RuntimeError(f"{name}: reduce must be 'sum', 'prod', 'mean', 'amax' or 'amin', got {reduce!r}")
    count = ones_like(input) if include_self else apply(IndexPut, ones_like(input), input.new_zeros(()), *places)
    count = apply(IndexAdd, count, ones_like(values), *places).clamp(min=1)
    total = apply(IndexAdd, start, values, *places)
    return total / count if input.dtype.is_floating_point else total // count


def lowest(dtype: _dtypes.dtype) -> Any:
    """What no number of a dtype is smaller than."""
    if dtype.category != _dtypes.INT:
        return False if dtype is _dtypes.bool_ else -math.inf
    return -(2 ** (8 * dtype.itemsize - 1)) if dtype.is_signed else 0


def highest(dtype: _dtypes.dtype) -> Any:
    """What no number of a dtype is larger than."""
    if dtype.category != _dtypes.INT:
        return True if dtype is _dtypes.bool_ else math.inf
    return 2 ** (8 * dtype.itemsize - dtype.is_signed) - 1


def _scatter(name: str, input: Tensor, dim: int, index: Tensor, src: Any, write: Any) -> Tensor:
    """`write(input, src, places)`, for tensors that have dims and are cut to the shape of the index."""
    if not isinstance(src, Tensor):
        index, dim = fits(name, input, dim, index)
        src = tensor(src, dtype=input.dtype, device=input.device)
    else:
        if src.dtype is not input.dtype:
            raise RuntimeError(f"{name}: expected one dtype, got {input.dtype} and src {src.dtype}")
        index, dim = fits(name, input, dim, index, src)
        src = trimmed(src, tuple(index.shape)) if index.numel() and index.ndim else src
    if not index.numel():
        return input.clone()
    if not input.ndim or not index.ndim:
        flat = _scatter(name, input.reshape(-1), 0, index.reshape(-1), src.reshape(-1), write)
        return flat.reshape(input.shape)
    from candle._namespace import namespace_of

    result: Tensor = write(input, src, grid(namespace_of(index._backend), index, index.shape, dim))
    return result


@method(inplace=True)
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """input with the elements of `src` (or one value) put at `index` along a dim, or added, or multiplied there."""
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError(f"scatter: reduce must be 'add' or 'multiply', got {reduce!r}")
    op = {None: IndexPut, "add": IndexAdd, "multiply": IndexProd}[reduce]
    src = src if value is None else value
    return _scatter("scatter", input, dim, index, src, lambda x, values, places: apply(op, x, values, *places))


@method(inplace=True)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """input with the elements of `src` added at `index` along a dim; repeated indices add up.

    >>> import candle
    >>> candle.zeros(3).scatter_add(0, candle.tensor([0, 0, 2]), candle.ones(3))
    tensor([2., 0., 1.])
    """
    return _scatter(
        "scatter_add", input, dim, index, src, lambda x, values, places: apply(IndexAdd, x, values, *places)
    )


@method(inplace=True)
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """input with the elements of `src` put at `index` along a dim: of several, and what was there, a reduction.

    `reduce` is "sum", "prod", "mean", "amax" or "amin".

    >>> import candle
    >>> candle.zeros(2).scatter_reduce(0, candle.tensor([0, 0, 1]), candle.tensor([5.0, 7.0, 1.0]), "amax")
    tensor([7., 1.])
    """

    def write(x: Tensor, values: Tensor, places: tuple[Tensor, ...]) -> Tensor:
        return reduced_into("scatter_reduce", x, values, places, reduce, include_self)

    return _scatter("scatter_reduce", input, dim, index, src, write)


@method(inplace=True)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """input with the elements of `source`, in order, where the mask holds."""
    if mask.dtype is not _dtypes.bool_ or source.dtype is not input.dtype:
        raise RuntimeError(
            f"masked_scatter: expected a bool mask and a source of {input.dtype}, got {mask.dtype} and {source.dtype}"
        )
    input, mask = broadcast_tensors(input, mask)
    place = (mask.reshape(-1).cumsum(0) - 1).reshape(mask.shape)
    enough = ~mask | (place < source.numel())
    message = f"masked_scatter: the source has {source.numel()} elements, fewer than there are places to fill"
    enough._backend.xp.check(enough.current(), message)
    source = source if source.numel() else zeros_like(input)
    return where(mask, source.reshape(-1)[place.masked_fill(~mask, 0)], input)
