"""Tensors put together, and taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import also_named, numpy_names, one_dim
from candle.ops.shape import select, slice_dim

__all__ = ["cat", "chunk", "concat", "concatenate", "split", "stack", "tensor_split", "unbind"]


class Cat(Op):
    """the xs one after the other along dim;  each dx = its part of grad"""

    name, promotes = "cat", "xs"

    def forward(xp, *xs, dim):
        return xp.concat(list(xs), axis=dim)

    def vjp(xp, needs, grad, out, *xs, dim):
        grads, start = [], 0
        for x, needed in zip(xs, needs, strict=True):
            stop = start + x.shape[dim]
            grads.append(grad[(*[slice(None)] * dim, slice(start, stop), ...)] if needed else None)
            start = stop
        return tuple(grads)


class Stack(Op):
    """the xs side by side along a new dim;  each dx = its slice of grad"""

    name, promotes = "stack", "xs"

    def forward(xp, *xs, dim):
        return xp.stack(list(xs), axis=dim)

    def vjp(xp, needs, grad, out, *xs, dim):
        before = (slice(None),) * dim
        return tuple(grad[(*before, i, ...)] if needed else None for i, needed in enumerate(needs))


# What users call


def _tensors(name: str, tensors: Any) -> list[Tensor]:
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError(f"{name}: expected a non-empty list of tensors")
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: expected tensors, but element {i} is a {type(x).__name__}")
    return tensors


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along an existing dim.

    >>> import candle
    >>> candle.cat([candle.zeros(2), candle.ones(1)])
    tensor([0., 0., 1.])
    """
    given = _tensors("cat", tensors)
    kept = [x for x in given if tuple(x.shape) != (0,)] or given[:1]  # PyTorch lets empty vectors join anything
    dim = one_dim(dim, kept[0].ndim)
    for i, x in enumerate(kept):
        if not x.ndim:
            raise RuntimeError(f"cat: tensor {i} has no dims; use stack for 0-d tensors")
        if x.ndim != kept[0].ndim or any(
            a != b for d, (a, b) in enumerate(zip(x.shape, kept[0].shape, strict=True)) if d != dim
        ):
            raise RuntimeError(
                f"cat: sizes must match except in dim {dim}: {tuple(kept[0].shape)} and {tuple(x.shape)} (tensor {i})"
            )
    return apply(Cat, *kept, dim=dim)


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, side by side along a new dim."""
    given = _tensors("stack", tensors)
    for i, x in enumerate(given):
        if x.shape != given[0].shape:
            raise RuntimeError(
                f"stack: expects equal shapes, got {tuple(given[0].shape)} and {tuple(x.shape)} (tensor {i})"
            )
    return apply(Stack, *given, dim=one_dim(dim, given[0].ndim + 1))


@method()
@also_named(split_size="split_size_or_sections")
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of one size (the last may be smaller), or of the sizes given."""
    if not tensor.ndim:
        raise RuntimeError("split: a 0-d tensor has nothing to split")
    dim = one_dim(dim, tensor.ndim)
    total, step = tensor.shape[dim], split_size_or_sections
    if isinstance(step, int):
        if step < 0 or (step == 0 and total):
            raise RuntimeError(f"split: the size of a part must be positive, got {step}")
        parts = [min(step, total - start) for start in range(0, total, step)] if total else [0]
    else:
        parts = list(step)
        if sum(parts) != total or any(p < 0 for p in parts):
            raise RuntimeError(f"split: sizes {parts} do not add up to {total}, the size of dim {dim}")
    ends = [sum(parts[: i + 1]) for i in range(len(parts))]
    return tuple(slice_dim(tensor, dim, end - size, end) for end, size in zip(ends, parts, strict=True))


@method()
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """`split` into parts of the sizes given."""
    return split(input, tuple(split_sizes), dim)


@method()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of one size, the last smaller."""
    if chunks <= 0:
        raise RuntimeError(f"chunk: expects a positive number of chunks, got {chunks}")
    if not input.ndim:
        raise RuntimeError("chunk: a 0-d tensor has nothing to split")
    total = input.shape[one_dim(dim, input.ndim)]
    return split(input, -(-total // chunks), dim) if total else split(input, [0] * chunks, dim)


@method()
@also_named(sections="indices_or_sections", indices="indices_or_sections")
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts as equal as can be, or cut at the indices given."""
    if not input.ndim:
        raise RuntimeError("tensor_split: a 0-d tensor has nothing to split")
    dim = one_dim(dim, input.ndim)
    total, cuts = input.shape[dim], indices_or_sections
    if isinstance(cuts, Tensor):
        cuts = cuts.tolist()
    if isinstance(cuts, int):
        if cuts <= 0:
            raise RuntimeError(f"tensor_split: the number of sections must be positive, got {cuts}")
        small, larger = divmod(total, cuts)
        cuts = [i * small + min(i, larger) for i in range(1, cuts)]
    places = [slice(a, b).indices(total)[:2] for a, b in zip([0, *cuts], [*cuts, total], strict=True)]
    return tuple(slice_dim(input, dim, a, max(a, b)) for a, b in places)


@method()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along a dim."""
    if not input.ndim:
        raise RuntimeError("unbind: a 0-d tensor has no dim to take apart")
    dim = one_dim(dim, input.ndim)
    return tuple(select(input, dim, i) for i in range(input.shape[dim]))


concat = concatenate = cat
