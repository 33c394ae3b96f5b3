"""Slices and elements written at places that an index tensor says, into a copy (or, with `_`, in place)."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._apply import apply, meet
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import one_dim
from candle.ops.conditions import where
from candle.ops.indexing import IndexPut, arranged, in_bounds, parsed, setitem
from candle.ops.scattering import reduced_into
from candle.ops.selection import IndexAdd, integer_index

__all__ = ["index_add", "index_copy", "index_fill", "index_put", "index_reduce", "put"]


def _at_slices(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor, write: Any) -> Tensor:
    """`write(input, source, index)` with the dim in front, for a vector of indices and a slice for each."""
    index, dim = integer_index(name, index), one_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(f"{name}: index must be a vector, got shape {tuple(index.shape)}")
    if source.dtype is not input.dtype:
        raise RuntimeError(f"{name}: expected one dtype, got {input.dtype} and source {source.dtype}")
    in_bounds(name, index, input.shape[dim] if input.ndim else 1, dim)
    if not input.ndim:
        return _at_slices(name, input.reshape(1), 0, index, source.reshape(-1), write).reshape(())
    source, index = source.reshape(1) if not source.ndim else source, index.reshape(-1)
    expected = (*input.shape[:dim], index.shape[0], *input.shape[dim + 1 :])
    if tuple(source.shape) != expected:
        raise RuntimeError(f"{name}: source has shape {tuple(source.shape)}, expected {expected}")
    moved: Tensor = write(input.movedim(dim, 0), source.movedim(dim, 0), index)
    return moved.movedim(0, dim)


@method(inplace=True)
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """input with the slices of `source` added at `index` along a dim."""
    return _at_slices("index_add", input, dim, index, source, lambda x, s, i: apply(IndexAdd, x, s * alpha, i))


@method(inplace=True)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """input with the slices of `source` put at `index` along a dim."""
    return _at_slices("index_copy", input, dim, index, source, lambda x, s, i: apply(IndexPut, x, s, i))


@method(inplace=True)
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """input with the slices of `source` put at `index` along a dim: of several, and what was there, a reduction.

    `reduce` is "prod", "mean", "amax" or "amin".
    """

    def write(x: Tensor, values: Tensor, places: Tensor) -> Tensor:
        return reduced_into("index_reduce", x, values, (places,), reduce, include_self)

    return _at_slices("index_reduce", input, dim, index, source, write)


@method(inplace=True)
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """input with one value at all of `index` along a dim.

    >>> import candle
    >>> candle.zeros(2, 3).index_fill(1, candle.tensor([0, 2]), 1.0)
    tensor([[1., 0., 1.],
            [1., 0., 1.]])
    """
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(f"index_fill: the value must be a number or a 0-d tensor, got shape {tuple(value.shape)}")
    index, dim = integer_index("index_fill", index).reshape(-1), one_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    in_bounds("index_fill", index, size, dim, low=-size)
    value = value.to(input.dtype) if isinstance(value, Tensor) else input.new_full((), value)
    chosen = index.new_zeros(size, dtype=_dtypes.bool_)
    chosen = apply(IndexPut, chosen, chosen.new_ones(()), index)
    return where(chosen.reshape([-1 if d == dim else 1 for d in range(input.ndim)]), value, input)


@method(inplace=True)
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """input with `values` put (or added) at a tuple of index tensors."""
    backends = {id(t._backend) for t in (input, values, *indices) if isinstance(t, Tensor)}
    if len(backends) > 1:
        input, values, *_ = meet(IndexPut, (input, values, *indices))  # a mask outside vmap has one shape, and stays
    copy = input.clone()
    if not accumulate:
        setitem(copy, tuple(indices), values)
        return copy
    x, arrays = parsed(copy, tuple(map(_as_vector, indices)))
    x, found, place = arranged(x, arrays)
    if place:
        raise NotImplementedError("index_put: accumulate=True with None before an index is not supported")
    added: Tensor = apply(IndexAdd, x, values, *found)
    return added.reshape(input.shape)  # a mask without dims has made one


def _as_vector(index: Any) -> Any:
    """A single index as a vector of one, which does not select."""
    lone = isinstance(index, Tensor) and not index.ndim and index.dtype not in (_dtypes.bool_, _dtypes.uint8)
    return index.reshape(1) if lone else index


@method(inplace=True)
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """input with the elements of `source` put (or added) at positions counted through all of it."""
    index = integer_index("put", index)
    if source.dtype is not input.dtype or source.numel() != index.numel():
        raise RuntimeError(
            f"put: expected a source of {input.dtype} with {index.numel()} elements, got {source.dtype} "
            f"of shape {tuple(source.shape)}"
        )
    in_bounds("put", index, input.numel(), 0, low=-input.numel())
    op = IndexAdd if accumulate else IndexPut
    flat: Tensor = apply(op, input.reshape(-1), source.reshape(-1), index.reshape(-1))
    return flat.reshape(input.shape)
