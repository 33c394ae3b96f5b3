"""Finding, choosing, ordering; sets."""

from __future__ import annotations

from typing import Any, NamedTuple

from candle import ops
from candle._tensor import Tensor
from candle.array_api._dtypes import expect, result_type, same

__all__ = [
    "argmax",
    "argmin",
    "argsort",
    "nonzero",
    "searchsorted",
    "sort",
    "take",
    "take_along_axis",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "where",
]


class UniqueAll(NamedTuple):
    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    values: Tensor
    inverse_indices: Tensor


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the largest is: the first of several."""
    return _extreme("argmax", ops.argmax, x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the smallest is: the first of several."""
    return _extreme("argmin", ops.argmin, x, axis, keepdims)


def _extreme(name: str, function: Any, x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    expect(name, "real numeric", x)
    found = function(x, axis, keepdims)
    return found.reshape((1,) * x.ndim) if keepdims and axis is None else found


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """The indices, an array for each axis, of what is not zero."""
    expect("nonzero", "any", x)
    if not x.ndim:
        raise ValueError("nonzero: a 0-d array has no indices")
    return tuple(ops.nonzero(x, as_tuple=True))


def where(condition: Tensor, x1: Any, x2: Any, /) -> Tensor:
    """x1 where the condition holds, x2 elsewhere."""
    expect("where", "bool", condition)
    return ops.where(condition, *same("where", "any", x1, x2))


def searchsorted(x1: Tensor, x2: Any, /, *, side: str = "left", sorter: Tensor | None = None) -> Tensor:
    """Where in x1, which is in order, the elements of x2 belong."""
    x1, x2 = same("searchsorted", "real numeric", x1, x2)
    return ops.searchsorted(x1 if sorter is None else x1[sorter], x2, right=side == "right")


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """In order along an axis."""
    expect("sort", "real numeric", x)
    return ops.sort(x, axis, descending, stable=stable).values


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that put x in order."""
    expect("argsort", "real numeric", x)
    return ops.argsort(x, axis, descending, stable=stable)


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """These elements along an axis."""
    expect("take", "integral", indices)
    if axis is None and x.ndim != 1:
        raise ValueError(f"take: axis must be given for an array of shape {tuple(x.shape)}")
    return ops.index_select(x, 0 if axis is None else axis, indices.to(result_type(indices.dtype)))


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """One element of x for each of the indices, which broadcast with x everywhere but along the axis."""
    expect("take_along_axis", "integral", indices)
    return ops.take_along_dim(x, indices, axis)


def unique_all(x: Tensor, /) -> UniqueAll:
    """The different values, where each is first, which each element is, and how many of each."""
    values, inverse, counts = ops.unique(x, return_inverse=True, return_counts=True)
    flat = inverse.reshape(-1)
    order = ops.argsort(flat, stable=True)  # of equal ones the first stays first
    first = order[ops.cumsum(counts, 0) - counts]
    return UniqueAll(values, first, inverse, counts)


def unique_counts(x: Tensor, /) -> UniqueCounts:
    """The different values, and how many of each."""
    return UniqueCounts(*ops.unique(x, return_counts=True))


def unique_inverse(x: Tensor, /) -> UniqueInverse:
    """The different values, and which each element is."""
    return UniqueInverse(*ops.unique(x, return_inverse=True))


def unique_values(x: Tensor, /) -> Tensor:
    """The different values."""
    return ops.unique(x)
