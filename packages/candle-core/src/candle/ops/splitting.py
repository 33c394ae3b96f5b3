"""Tensors taken apart. All results are views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle._views import make_view
from candle.op import Op
from candle.ops._common import also_named, integers, one_dim, several
from candle.ops.slicing import WHOLE, Slice, plain, slice_dim, slice_item

__all__ = [
    "chunk",
    "dsplit",
    "hsplit",
    "split",
    "split_with_sizes",
    "tensor_split",
    "unbind",
    "unsafe_chunk",
    "unsafe_split",
    "vsplit",
]


class Parts(Op):
    """x[key] for each key, the parts of x along dim;  dx = the grads put together again"""

    name, view = "parts", True

    def forward(xp, x, *, keys, dim, stacked):
        return tuple(x[(*plain(key), ...)] for key in keys)

    def vjp(xp, needs, grad, out, x, *, keys, dim, stacked):
        parts = [xp.zeros(o.shape, dtype=x.dtype) if g is None else g for g, o in zip(grad, out, strict=True)]
        return ((xp.stack if stacked else xp.concat)(parts, axis=dim),)


def _parts(input: Tensor, dim: int, items: list[Any], stacked: bool = False) -> tuple[Tensor, ...]:
    """All parts at once, whose gradients come back together: alone, each would fill a tensor of the input's size."""
    keys = tuple([(*(WHOLE,) * dim, item) for item in items])
    if len(keys) < 2:
        return tuple(apply(Slice, input, key=key) for key in keys)
    found: tuple[Tensor, ...] = apply(Parts, input, keys=keys, dim=dim, stacked=stacked)
    for part, key in zip(found, keys, strict=True):
        if not input._backend.aliases or input._backend.shares_memory(part._array, input._array):
            make_view(part, input, Slice, {"key": key})
    return found


@method()
@also_named(split_size="split_size_or_sections")
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of one size (the last may be smaller), or of the sizes given."""
    if not tensor.ndim:
        raise RuntimeError("split: a 0-d tensor has nothing to split")
    dim = one_dim(dim, tensor.ndim)
    total, step = tensor.shape[dim], split_size_or_sections
    if not several(step):
        (step,) = integers("split", (step,))
        if step < 0 or (step == 0 and total):
            raise RuntimeError(f"split: the size of a part must be positive, got {step}")
        parts = [min(step, total - start) for start in range(0, total, step)] if total else [0]
    else:
        parts = list(integers("split", (step,)))
        if sum(parts) != total or any(p < 0 for p in parts):
            raise RuntimeError(f"split: sizes {parts} do not add up to {total}, the size of dim {dim}")
    ends = [sum(parts[: i + 1]) for i in range(len(parts))]
    return _parts(tensor, dim, [slice_item(e - n, e, 1, total) for e, n in zip(ends, parts, strict=True)])


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
    if not several(cuts):
        (cuts,) = integers("tensor_split", (cuts,))
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
    return _parts(input, dim, list(range(input.shape[dim])), stacked=True)


def _equal_parts(name: str, least: int, input: Tensor, cuts: Any, dim: int) -> tuple[Tensor, ...]:
    """`tensor_split`, where a number of parts must leave no rest."""
    if input.ndim < least:
        raise RuntimeError(f"{name}: expects at least {least} dims, got shape {tuple(input.shape)}")
    if not several(cuts) and (cuts <= 0 or input.shape[dim] % cuts):
        raise RuntimeError(f"{name}: dim {dim} of size {input.shape[dim]} has no {cuts} equal parts")
    return tensor_split(input, cuts, dim)


@method()
@also_named(sections="indices_or_sections", indices="indices_or_sections")
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts of equal width, or cut at the indices given, along dim 1 (dim 0 of a vector)."""
    return _equal_parts("hsplit", 1, input, indices_or_sections, min(input.ndim - 1, 1))


@method()
@also_named(sections="indices_or_sections", indices="indices_or_sections")
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts of equal height, or cut at the indices given, along dim 0."""
    return _equal_parts("vsplit", 2, input, indices_or_sections, 0)


@method()
@also_named(sections="indices_or_sections", indices="indices_or_sections")
def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts of equal depth, or cut at the indices given, along dim 2."""
    return _equal_parts("dsplit", 3, input, indices_or_sections, 2)


@method()
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunk`, by the name under which PyTorch leaves out a check."""
    return chunk(input, chunks, dim)


@method()
def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split` into parts of one size, by the name under which PyTorch leaves out a check."""
    return split(tensor, split_size, dim)
