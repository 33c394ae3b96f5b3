"""Places in sorted values, and values without their duplicates."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._tensor import Tensor
from candle.ops.conditions import where
from candle.ops.conversion import result_type
from candle.ops.creation import tensor
from candle.ops.selection import gather
from candle.ops.sorting import sort

__all__ = ["bucketize", "isin", "searchsorted"]


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where values would go to keep a sequence (the last dim) sorted: before equal ones, or with `right` behind.

    A binary search of all at once: the steps that may still be taken are powers of two, the largest first.

    >>> import candle
    >>> candle.searchsorted(candle.tensor([1, 3, 5]), candle.tensor([3, 4, 9]))
    tensor([1, 2, 3])
    """
    sequence, values = _ordered("searchsorted", sorted_sequence, sorter), input
    if side not in (None, "left", "right") or (side == "left" and right):
        raise RuntimeError(f"searchsorted: side must be 'left' or 'right' and agree with right={right}, got {side!r}")
    if not isinstance(values, Tensor):
        if sequence.ndim != 1:
            raise RuntimeError(f"searchsorted: a number is searched in a vector, not in shape {tuple(sequence.shape)}")
        values = tensor(values, device=sequence.device)
    dtype = result_type(sequence, values)
    sequence, values = sequence.to(dtype), values.to(dtype)
    shape, size = values.shape, sequence.shape[-1]
    if sequence.ndim == 1:
        values = values.reshape(-1)
    elif sequence.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(f"searchsorted: {tuple(sequence.shape)} and input {tuple(shape)} differ before the last dim")
    place = values.new_zeros(values.shape, dtype=_dtypes.int64)
    for step in [2**i for i in reversed(range(size.bit_length()))]:
        there = gather(sequence, -1, (place + (step - 1)).clamp(max=size - 1))
        before = (there <= values) | (values != values) if right or side == "right" else _before(there, values)
        place = where((place + step <= size) & before, place + step, place)
    return place.reshape(shape).to(_dtypes.int32 if out_int32 else _dtypes.int64)


def _before(x: Tensor, y: Tensor) -> Tensor:
    """x < y, where nan is the largest."""
    return (x < y) | ((y != y) & (x == x))


def _ordered(name: str, sequence: Tensor, sorter: Tensor | None) -> Tensor:
    if not sequence.ndim:
        raise RuntimeError(f"{name}: the sorted sequence must have a dim")
    if sorter is None:
        return sequence
    if sorter.shape != sequence.shape or sorter.dtype is not _dtypes.int64:
        raise RuntimeError(
            f"{name}: the sorter must be int64 {tuple(sequence.shape)}, got {sorter.dtype} {tuple(sorter.shape)}"
        )
    return gather(sequence, -1, sorter)


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Between which boundaries (a sorted vector) each value lies; `right` says that a value on one lies above it."""
    if boundaries.ndim != 1:
        raise RuntimeError(f"bucketize: boundaries must be a vector, got shape {tuple(boundaries.shape)}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is among the test elements.

    >>> import candle
    >>> candle.isin(candle.tensor([1, 2, 3]), candle.tensor([2, 5]))
    tensor([False,  True, False])
    """
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError("isin: one of elements and test_elements must be a Tensor")
    if not isinstance(elements, Tensor):
        elements = tensor(elements, device=test_elements.device)
    if not isinstance(test_elements, Tensor):
        test_elements = tensor(test_elements, device=elements.device)
    dtype = _dtypes.promote_types(elements.dtype, test_elements.dtype)
    dtype = _dtypes.uint8 if dtype is _dtypes.bool_ else dtype
    wanted, known = elements.to(dtype), sort(test_elements.to(dtype).reshape(-1)).values
    if not known.numel():
        found = elements.new_zeros(elements.shape, dtype=_dtypes.bool_)
    else:
        place = searchsorted(known, wanted).clamp(max=known.shape[0] - 1)
        found = known[place] == wanted
    return found.logical_not() if invert else found
