"""Elements at regular distances: windows, diagonals, and strides of one's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from candle._apply import apply
from candle._attach import method, view_method
from candle._tensor import Tensor
from candle._views import layout
from candle.backends.places import lattice
from candle.op import Op
from candle.ops._common import one_dim
from candle.ops.indexing import IndexPut

__all__ = ["as_strided", "as_strided_scatter"]


class Strided(Op):
    """x[start + steps @ i] for all i in shape;  dx = grad added at those places"""

    name, contract, view = "strided", "take_strided", True

    def forward(xp, x, *, shape, start, steps):
        return xp.take_strided(x, shape=shape, start=start, steps=steps)

    def vjp(xp, needs, grad, out, x, *, shape, start, steps):
        return (xp.add_strided(xp.zeros(x.shape, dtype=grad.dtype), grad, start=start, steps=steps),)


class StridedAdd(Op):
    """x with values added at start + steps @ i;  dx = grad, dvalues = grad at those places"""

    name, contract, promotes = "strided_add", "add_strided", "x values"

    def forward(xp, x, values, *, start, steps):
        return xp.add_strided(x, values, start=start, steps=steps)

    def vjp(xp, needs, grad, out, x, values, *, start, steps):
        taken = xp.take_strided(grad, shape=values.shape, start=start, steps=steps) if needs[1] else None
        return grad, taken


# What users call


@method()
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The windows of `size` elements along a dim, `step` apart; the elements of a window are a new last dim. A view.

    >>> import candle
    >>> candle.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    if not input.ndim:
        return unfold(input.reshape(1), dimension, size, step).squeeze(0)
    dim, ndim = one_dim(dimension, input.ndim), input.ndim
    length = input.shape[dim]
    if not 0 <= size <= length or step <= 0:
        raise RuntimeError(f"unfold: windows of {size}, {step} apart, do not fit dim {dim} of size {length}")
    shape = (*input.shape[:dim], (length - size) // step + 1, *input.shape[dim + 1 :], size)
    steps = [[int(k == d) for k in range(ndim + 1)] for d in range(ndim)]
    steps[dim][dim], steps[dim][ndim] = step, 1
    return apply(Strided, input, shape=shape, start=(0,) * ndim, steps=tuple(map(tuple, steps)))


@method()
def stride(input: Tensor, dim: int | None = None) -> Any:
    """How many elements apart neighbours along each dimension lie, or along one."""
    strides = list(layout(input) or ())
    for i in reversed(range(input.ndim)):
        if input.shape[i] == 1 and not strides[i]:  # a new dim: any step would do; this is PyTorch's
            strides[i] = strides[i + 1] * input.shape[i + 1] if i + 1 < input.ndim else 1
    return tuple(strides) if dim is None else strides[dim]


@method()
def is_contiguous(input: Tensor) -> bool:
    """Whether the elements lie in memory in order, without gaps."""
    expected, array = 1, input._array
    for size, step in zip(reversed(array.shape), reversed(layout(input) or ())):
        if size != 1:
            if step != expected and input.numel():
                return False
            expected *= size
    return True


def _memory(name: str, input: Tensor, offset: int | None) -> Tensor:
    """The elements in the order in which they lie in memory, as a view."""
    strides = stride(input)
    order = sorted(range(input.ndim), key=lambda d: -strides[d])
    memory = input.permute(order)
    base = input._view.base if input._view else None
    if not memory.is_contiguous() or (offset is not None and base is not None and base.numel() != input.numel()):
        raise NotImplementedError(f"{name}: a tensor that is only a part of its memory is not supported; clone() it")
    return memory.reshape(-1)


def _strides(name: str, size: Sequence[int], stride: Sequence[int], offset: int | None, total: int) -> dict[str, Any]:
    start, shape, steps = offset or 0, tuple(size), tuple(stride)
    if len(shape) != len(steps):
        raise RuntimeError(f"{name}: size {shape} and stride {steps} must be of one length")
    if start < 0 or any(n < 0 for n in (*shape, *steps)):
        raise RuntimeError(f"{name}: nothing may be negative, got size {shape}, stride {steps} and offset {start}")
    last = start + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    if math.prod(shape) and last >= total:
        raise RuntimeError(f"{name}: element {last} is asked for, but the tensor has {total}")
    return {"shape": shape, "start": (start,), "steps": (steps,)}


@view_method
def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """A view of the tensor's memory: element (i, j, ...) lies at storage_offset + i stride[0] + j stride[1] + ...

    >>> import candle
    >>> candle.arange(6).as_strided((3, 2), (1, 2))
    tensor([[0, 2],
            [1, 3],
            [2, 4]])
    """
    memory = _memory("as_strided", input, storage_offset)
    return apply(Strided, memory, **_strides("as_strided", size, stride, storage_offset, memory.shape[0]))


@method()
def as_strided_scatter(
    input: Tensor, src: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """A copy of input, with its elements in order, in which `src` stands where `as_strided` would look."""
    places = _strides("as_strided_scatter", size, stride, storage_offset, input.numel())
    return put_strided("as_strided_scatter", input.reshape(-1), src, **places).reshape(input.shape)


def put_strided(name: str, input: Tensor, src: Tensor, *, shape: Any, start: Any, steps: Any) -> Tensor:
    """A copy of input with `src` at start + steps @ i."""
    from candle._namespace import namespace_of

    if tuple(src.shape) != shape:
        raise RuntimeError(f"{name}: src has shape {tuple(src.shape)}, expected {shape}")
    places = lattice(namespace_of(input._backend), tuple(input.shape), shape, start, steps)
    result: Tensor = apply(IndexPut, input.reshape(-1), src.to(input.dtype), places)
    return result.reshape(input.shape)
