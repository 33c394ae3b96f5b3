"""Values, or slices, without their duplicates."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import one_dim
from candle.ops.creation import arange
from candle.ops.joining import cat
from candle.ops.sorting import argsort, sort

__all__ = ["unique", "unique_consecutive"]


@method()
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different values in order (or, with `dim`, the different slices): always sorted here.

    With `return_inverse`, also where each element of the input is among them; with `return_counts`, how often.

    >>> import candle
    >>> candle.unique(candle.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    rows = _rows("unique", input, dim)
    code = _ranks(rows)
    while code.shape[1] > 1:  # two neighbouring columns at a time become one
        pairs = code[:, : code.shape[1] // 2 * 2].reshape(code.shape[0], -1, 2)
        code = cat([_ranks(pairs[..., 0] * code.shape[0] + pairs[..., 1]), code[:, pairs.shape[1] * 2 :]], 1)
    order = argsort(code[:, 0]) if rows.shape[1] else arange(rows.shape[0], device=input.device)
    return _runs(input, rows[order], order, dim, return_inverse, return_counts)


@method()
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The values (or slices along `dim`) that differ from the one before, each run of equal ones once."""
    rows = _rows("unique_consecutive", input, dim)
    return _runs(input, rows, None, dim, return_inverse, return_counts)


def _rows(name: str, input: Tensor, dim: int | None) -> Tensor:
    """What is compared, as the rows of a matrix."""
    if dim is None:
        return input.reshape(-1, 1)
    dim = one_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if not input.numel() and size and 0 in input.shape[:dim] + input.shape[dim + 1 :]:
        raise RuntimeError(f"{name}: there are no values along dim {dim} of shape {tuple(input.shape)} to compare")
    return (input.movedim(dim, 0) if input.ndim else input).reshape(size, -1 if size else input.numel())


def _ranks(columns: Tensor) -> Tensor:
    """The place of each value among the different values of its column."""
    ordered, order = sort(columns, 0)
    if not columns.shape[0]:
        return order
    new = (ordered[1:] != ordered[:-1]).long()
    place = cat([new.new_zeros((1, *new.shape[1:])), new]).cumsum(0)
    return order.scatter(0, order, place)


def _runs(input: Tensor, rows: Tensor, order: Tensor | None, dim: int | None, inverse: bool, counts: bool) -> Any:
    """The first of each run of equal rows, in the shape that they had; to which run each belongs; their lengths."""
    size = rows.shape[0]
    new = cat([rows.new_ones(min(size, 1), dtype=_dtypes.bool_), (rows[1:] != rows[:-1]).any(1)])
    (starts,) = new.nonzero(as_tuple=True)
    values = rows[starts]
    if dim is None:
        found = values.reshape(-1)
    else:
        moved = input.movedim(dim, 0) if input.ndim else input.reshape(1)
        found = values.reshape(values.shape[0], *moved.shape[1:]).movedim(0, dim if input.ndim else 0)
    answer = [found]
    if inverse:
        run = new.cumsum(0) - 1
        run = run if order is None else run.scatter(0, order, run)
        answer.append(run.reshape(input.shape) if dim is None else run)
    if counts:
        answer.append(cat([starts[1:], starts.new_full((min(size, 1),), size)]) - starts)
    return tuple(answer) if len(answer) > 1 else found
