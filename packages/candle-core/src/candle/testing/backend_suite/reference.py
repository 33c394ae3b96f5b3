"""What each name of the contract means, in plain NumPy; where NumPy has the name, it is NumPy's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any


def argsort(x: Array, *, axis: int = -1, descending: bool = False) -> Array:
    """Stable both ways: equal values keep their order."""
    return np.asarray(np.argsort(-x if descending else x, axis=axis, kind="stable"))


def sort(x: Array, *, axis: int = -1, descending: bool = False) -> Array:
    return np.take_along_axis(x, argsort(x, axis=axis, descending=descending), axis=axis)


def topk(x: Array, k: int, *, axis: int, largest: bool = True) -> tuple[Array, Array]:
    order = np.take(argsort(x, axis=axis, descending=largest), range(k), axis=axis)
    return np.take_along_axis(x, order, axis=axis), order


def index(x: Array, *indices: Array) -> Array:
    return x[indices]


def index_put(x: Array, indices: tuple[Array, ...], values: Array) -> Array:
    out = x.copy()
    out[indices] = values
    return out


def index_add(x: Array, indices: tuple[Array, ...], values: Array) -> Array:
    out = x.copy()
    np.add.at(out, indices, values)
    return out


def slice_put(x: Array, key: tuple[Any, ...], value: Array) -> Array:
    out = x.copy()
    out[key] = value
    return out


def check(condition: Array, message: str) -> None:
    assert condition.all()


def erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[float])(x) if x.size else x


def bound(name: str) -> Any:
    """The meaning of a name."""
    return globals().get(name) or getattr(np, name)
