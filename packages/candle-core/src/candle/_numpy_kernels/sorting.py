"""Functions of the contract that put elements in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from candle._numpy_kernels.choosing import take_along_axis

Array = Any


def topk(x: Array, k: int, *, axis: int, largest: bool = True) -> tuple[Array, Array]:
    """Only the k are put in order, unless more are equal to the last of them than fit (or nan): the first win."""
    n = x.shape[axis]
    if 0 < k < n:
        parted = np.argpartition(x, n - k if largest else k - 1, axis=axis)
        where = np.sort(parted.take(np.arange(n - k, n) if largest else np.arange(k), axis=axis), axis=axis)
        chosen = take_along_axis(x, where, axis=axis)
        last = chosen.min(axis, keepdims=True) if largest else chosen.max(axis, keepdims=True)
        if not np.isnan(last).any() and ((x == last).sum(axis) == (chosen == last).sum(axis)).all():
            order = argsort(chosen, axis=axis, descending=largest)
            return take_along_axis(chosen, order, axis=axis), take_along_axis(where, order, axis=axis)
    where = argsort(x, axis=axis, descending=largest).take(np.arange(k), axis=axis)
    return take_along_axis(x, where, axis=axis), where


def argsort(x: Array, *, axis: int = -1, descending: bool = False) -> Array:
    """Stable, also when descending: equal values keep their order."""
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    flipped = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return x.shape[axis] - 1 - np.flip(flipped, axis)


def sort(x: Array, *, axis: int = -1, descending: bool = False) -> Array:
    ordered = np.sort(x, axis=axis, kind="stable")
    return np.flip(ordered, axis) if descending else ordered
