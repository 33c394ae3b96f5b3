"""Functions of the contract that choose between elements, where NumPy's own are slow."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any

BITS = {np.dtype(name): np.dtype(f"int{name[-2:]}") for name in ("float32", "float64", "int32", "int64")}


def where(condition: Array, x: Array, y: Array) -> Array:
    """y ^ ((x ^ y) & mask), on the bits: np.where guesses at a branch for each element, and takes ten times as long."""
    if condition.size < 4096 or condition.dtype != np.bool_ or type(x) is not np.ndarray or type(y) is not np.ndarray:
        return np.where(condition, x, y)
    dtype = x.dtype
    if dtype != y.dtype or (bits := BITS.get(dtype)) is None:
        return np.where(condition, x, y)
    mask = condition.astype(bits)
    np.negative(mask, out=mask)  # all ones where true
    x, y = x.view(bits), y.view(bits)
    if not y.ndim and not y:
        return (x & mask).view(dtype)
    return (y ^ ((x ^ y) & mask)).view(dtype)


def take_along_axis(x: Array, indices: Array, *, axis: int = -1) -> Array:
    """As NumPy's, which takes ten microseconds to find what to index with, where rows are looked into."""
    if x.ndim == 2 and axis in (1, -1) and indices.shape[0] == x.shape[0]:
        return x[np.arange(x.shape[0])[:, None], indices]
    return np.take_along_axis(x, indices, axis)
