"""Functions of the contract that choose between elements, where NumPy's own are slow."""

from __future__ import annotations

import math
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
    """As NumPy's, which makes an index for every dim; of many elements, the places in memory are found at once."""
    axis %= x.ndim
    before, size, behind = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    alike = (before, behind) == (indices.shape[:axis], indices.shape[axis + 1 :])
    if not alike or indices.size < 512 or indices.dtype != np.int64 or not x.flags.c_contiguous:
        if x.ndim == 2 and axis == 1 and indices.shape[0] == x.shape[0]:
            return x[np.arange(x.shape[0])[:, None], indices]
        return np.take_along_axis(x, indices, axis)
    if (low := indices.min()) < -size or (high := indices.max()) >= size:
        raise IndexError(f"index {low if low < -size else high} is out of bounds for axis {axis} with size {size}")
    rows, step = math.prod(before), math.prod(behind)
    places = indices.reshape(rows, -1, step) * step
    if low < 0:
        places += (places < 0) * (size * step)
    places += np.arange(0, rows * size * step, size * step)[:, None, None]
    places += np.arange(step)
    return x.reshape(-1).take(places).reshape(indices.shape)
