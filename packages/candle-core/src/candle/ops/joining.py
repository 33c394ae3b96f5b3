"""Tensors put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from candle._apply import apply
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import numpy_names, one_dim
from candle.ops.shape import atleast_1d, atleast_2d, atleast_3d

__all__ = ["cat", "column_stack", "concat", "concatenate", "dstack", "hstack", "row_stack", "stack", "vstack"]


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
    if isinstance(tensors, Tensor) or not isinstance(tensors, Iterable):
        raise TypeError(f"{name}: expected a list of tensors, got {type(tensors).__name__}; write {name}([x, y])")
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
    first = tuple(next((x for x in given if x.ndim != 1 or len(x)), given[0]).shape)
    dim = one_dim(dim, len(first))
    for i, x in enumerate(given):
        shape = tuple(x.shape)
        if shape == (0,) != first:  # PyTorch lets empty vectors join anything
            given[i] = x.reshape(*first[:dim], 0, *first[dim + 1 :])
            continue
        if not shape:
            raise RuntimeError(f"cat: tensor {i} has no dims; use stack for 0-d tensors")
        if len(shape) != len(first) or (shape[:dim], shape[dim + 1 :]) != (first[:dim], first[dim + 1 :]):
            raise RuntimeError(f"cat: sizes must match except in dim {dim}: {first} and {shape} (tensor {i})")
    return apply(Cat, *given, dim=dim)


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


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Side by side: along dim 1, vectors along dim 0."""
    given = [atleast_1d(x) for x in _tensors("hstack", tensors)]
    return cat(given, 0 if given[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """One above the other: along dim 0, vectors as rows.

    >>> import candle
    >>> candle.vstack([candle.tensor([1, 2]), candle.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat([atleast_2d(x) for x in _tensors("vstack", tensors)], 0)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """One behind the other: along dim 2."""
    return cat([atleast_3d(x) for x in _tensors("dstack", tensors)], 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Side by side along dim 1, vectors as columns."""
    return cat([x if x.ndim > 1 else x.reshape(-1, 1) for x in _tensors("column_stack", tensors)], 1)


concat = concatenate = cat
row_stack = vstack
