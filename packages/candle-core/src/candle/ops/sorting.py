"""Order: sort, argsort, topk."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import HALVES, numpy_names, one_dim
from candle.ops.selection import TakeAlongDim

__all__ = ["argsort", "msort", "sort", "topk"]


class Argsort(Op):
    """the order of x along dim, equal values in their order"""

    name, promotes, real = "argsort", "x", True

    def forward(xp, x, *, dim, descending):
        return xp.argsort(x, axis=dim, descending=descending)


class TopkIndices(Op):
    """where the k largest (or smallest) x along dim stand"""

    name, promotes, real = "topk_indices", "x", True

    def forward(xp, x, *, k, dim, largest):
        return xp.topk(x, k, axis=dim, largest=largest)[1]


# What users call

sorted_values = namedtuple("sorted_values", "values indices")


def orderly(input: Tensor) -> Tensor:
    """In a dtype whose nan a library knows to put last."""
    return input.to(_dtypes.float32) if input.dtype in HALVES else input


@method()
@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """The indices that sort along a dim; always stable here."""
    dim = one_dim(dim, input.ndim)
    if not input.ndim:
        return argsort(input.reshape(1), 0).reshape(())
    return apply(Argsort, orderly(input), dim=dim, descending=descending)


@method()
@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    """The values in order along a dim, and where they stood.

    >>> import candle
    >>> candle.tensor([3, 1, 2]).sort().values
    tensor([1, 2, 3])
    """
    where = argsort(input, dim, descending)
    if not input.ndim:
        return sorted_values(input.clone(), where)
    return sorted_values(apply(TakeAlongDim, input, where, dim=one_dim(dim, input.ndim)), where)


@method()
def msort(input: Tensor) -> Tensor:
    """The values in order along the first dim."""
    values: Tensor = sort(input, 0).values
    return values


@method()
@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The k largest (or smallest) values along a dim, in order, and where they stand."""
    dim = one_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if not 0 <= k <= size:
        raise RuntimeError(f"topk: k is {k}, but dim {dim} of a tensor of shape {tuple(input.shape)} has {size} values")
    if not input.ndim:
        values, where = topk(input.reshape(1), k, 0)
        return sorted_values(values.reshape(()) if k else values, where.reshape(()) if k else where)
    where = apply(TopkIndices, orderly(input), k=k, dim=dim, largest=largest)
    return sorted_values(apply(TakeAlongDim, input, where, dim=dim), where)
