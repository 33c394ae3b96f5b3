"""Selecting by index along one dim, and by masks."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor, wrap
from candle.op import Op
from candle.ops._common import broadcast_shapes, expect_tensor, one_dim
from candle.ops.conditions import Where
from candle.ops.indexing import Index, in_bounds

__all__ = ["gather", "index_select", "masked_fill", "masked_select", "take", "take_along_dim"]


class IndexAdd(Op):
    """x with values added at x[i, j, ...], once per appearance;  dx = grad, dvalues = grad[i, j, ...]"""

    name, reads = "index_add", {"values": "indices"}

    def forward(xp, x, values, *indices):
        return xp.index_add(x, indices, values)

    def vjp(xp, needs, grad, out, x, values, *indices):
        return grad, xp.index(grad, *indices) if needs[1] else None, *[None] * len(indices)


class TakeAlongDim(Op):
    """x[..., index[..., i, ...], ...] along one dim;  dx = grad added at those places"""

    name, reads = "take_along_dim", {"x": "index"}

    def forward(xp, x, index, *, dim):
        return xp.take_along_axis(x, index, axis=dim)

    def vjp(xp, needs, grad, out, x, index, *, dim):
        places = grid(xp, index, index.shape, dim)
        return xp.index_add(xp.zeros(x.shape, dtype=grad.dtype), places, grad), None


# What users call


def grid(xp: Any, index: Any, shape: tuple[int, ...], dim: int) -> tuple[Any, ...]:
    """Full coordinates of an index along one dim: the other dims count along themselves."""

    def counting(d: int) -> Any:
        along = tuple(-1 if i == d else 1 for i in range(len(shape)))
        return xp.reshape(xp.arange(shape[d], dtype=index.dtype), along)

    return tuple(index if d == dim else counting(d) for d in range(len(shape)))


@method(inplace=True)
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """input with `value` where the mask holds."""
    expect_tensor("masked_fill", mask, "mask")
    if mask.dtype is not _dtypes.bool_:
        raise RuntimeError(f"masked_fill: expected a bool mask, got {mask.dtype}")
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                f"masked_fill: the value must be a number or a 0-d tensor, got shape {tuple(value.shape)}"
            )
        narrow = value.dtype.category > input.dtype.category or input.dtype.category == _dtypes.INT
        value = value.item() if narrow and value.dtype is not input.dtype and not value._backend.level else value
    if not isinstance(value, Tensor):
        value = _dtypes.fitting("masked_fill", value, input.dtype)
        value = wrap(input._backend.xp.asarray(value, dtype=input._array.dtype), input._backend)
    return apply(Where, mask, value.to(input.dtype), input)


@method()
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask holds, in one dim."""
    from candle.ops.shape import broadcast_tensors

    expect_tensor("masked_select", mask, "mask")
    if mask.dtype is not _dtypes.bool_:
        raise RuntimeError(f"masked_select: expected a bool mask, got {mask.dtype}")
    x, m = broadcast_tensors(input, mask)
    return x[m] if m.ndim else x.reshape(1)[m.reshape(1)]


def integer_index(name: str, index: Tensor) -> Tensor:
    expect_tensor(name, index, "index")
    if index.dtype not in (_dtypes.int64, _dtypes.int32) and index.numel():
        raise RuntimeError(f"{name}: expected int64 (or int32) for index, got {index.dtype}")
    return index.to(_dtypes.int64)


@method()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """The elements at `indices` along a dim; the other dims broadcast."""
    indices = integer_index("take_along_dim", indices)
    if dim is None:
        input, indices, dim = input.reshape(-1), indices.reshape(-1), 0
    if input.ndim != indices.ndim:
        raise RuntimeError(f"take_along_dim: dims differ: {tuple(input.shape)} and indices {tuple(indices.shape)}")
    dim = one_dim(dim, input.ndim)

    lead = broadcast_shapes("take_along_dim", *((*t.shape[:dim], 1, *t.shape[dim + 1 :]) for t in (input, indices)))
    input = input.broadcast_to((*lead[:dim], input.shape[dim], *lead[dim + 1 :]))
    indices = indices.broadcast_to((*lead[:dim], indices.shape[dim], *lead[dim + 1 :]))
    in_bounds("take_along_dim", indices, input.shape[dim], dim, low=-input.shape[dim])
    return apply(TakeAlongDim, input, indices, dim=dim)


def fits(name: str, input: Tensor, dim: int, index: Tensor, sources: Tensor | None = None) -> tuple[Tensor, int]:
    """gather's and scatter's rule: the index may be smaller than the tensors, never larger."""
    index, dim = integer_index(name, index), one_dim(dim, input.ndim)
    shapes = [(input, dim)] if sources is None else [(input, dim), (sources, -1)]
    for other, free in shapes if index.numel() else ():
        a, b = index.shape or (1,), other.shape or (1,)
        if len(a) != len(b) or any(x > y for d, (x, y) in enumerate(zip(a, b, strict=True)) if d != free):
            raise RuntimeError(
                f"{name}: index of shape {tuple(index.shape)} does not fit {tuple(other.shape)}, dim {dim}"
            )
    return in_bounds(name, index, input.shape[dim] if input.ndim else 1, dim), dim


def trimmed(t: Tensor, shape: tuple[int, ...], but: int = -1) -> Tensor:
    pairs = enumerate(zip(shape, t.shape, strict=True))
    key = tuple([slice(None) if d == but or s == n else slice(0, s) for d, (s, n) in pairs])
    return t if key == (slice(None),) * len(key) else t[key]


@method()
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """The elements at `index` along a dim: out[i][j] = input[index[i][j]][j] for dim 0."""
    index, dim = fits("gather", input, dim, index)
    if not index.numel():
        return input.reshape(-1)[:0].reshape(index.shape)
    if not input.ndim:
        return gather(input.reshape(1), 0, index.reshape(-1)).reshape(index.shape)
    if not index.ndim:
        return gather(input, 0, index.reshape(1)).reshape(())
    return apply(TakeAlongDim, trimmed(input, index.shape, dim), index, dim=dim)


@method()
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The positions in `index` (a vector) along a dim."""
    index, dim = integer_index("index_select", index), one_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(f"index_select: index must be a vector, got shape {tuple(index.shape)}")
    in_bounds("index_select", index, input.shape[dim] if input.ndim else 1, dim)
    if not input.ndim:
        return input.reshape(1)[index.reshape(-1)].reshape(())
    index = index if index.ndim else index.reshape(1)
    return input[(slice(None),) * dim + (index,)] if dim else apply(Index, input, index)


@method()
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at positions counted through all of input.

    >>> import candle
    >>> candle.tensor([[1, 2], [3, 4]]).take(candle.tensor([0, 3]))
    tensor([1, 4])
    """
    if index.dtype is not _dtypes.int64:
        raise RuntimeError(f"take: expected int64 for index, got {index.dtype}")
    return input.reshape(-1)[index]
