"""resample: a product with the matrix that the rule makes of the identity, where that has other elements than zeros."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from candle._numpy_kernels.dtypes import FLOATS
from candle.kernels import Kernel
from candle.op import OPS
from candle.plugins import backend_of

Array = Any
Bands = list[tuple[int, int, int, int, Array]]

WIDTH = 64  # columns of the matrix that are looked at together


class Resample(Kernel):
    op, priority = "resample", -1  # behind compiled ones

    def forward(self, x: Array, *, dim: int, size: int, **how: Any) -> Any:
        if x.dtype not in FLOATS or x.ndim <= dim or not x.size or not size or not finite(x):
            return NotImplemented
        return product(x, size, bands(x.dtype.char, x.shape[dim], size, False, **how), dim), None

    def vjp(self, needs: Any, grad: Array, residuals: Any, out: Any, x: Any, *, dim: int, size: int, **how: Any) -> Any:
        if not finite(grad):
            return NotImplemented
        old = x.shape[dim]
        return (product(grad, old, bands(grad.dtype.char, old, size, True, **how), dim),)


def finite(x: Array) -> bool:
    """Zeros of the matrix would make nan of infinities (a sum out of range is none the worse for the rule)."""
    return math.isfinite(np.add.reduce(x, None))


@functools.lru_cache(maxsize=32)
def bands(dtype: str, old: int, new: int, turned: bool, **how: Any) -> Bands:
    """The matrix (old, new), or with `turned` its transpose, in groups of columns: which, from which rows, and what."""
    matrix = OPS["resample"].forward(backend_of("cpu").xp, np.eye(old, dtype=dtype), dim=1, size=new, **how)
    matrix = matrix.T if turned else matrix
    found = []
    for start in range(0, matrix.shape[1], WIDTH):
        part = matrix[:, start : start + WIDTH]
        (used,) = part.any(1).nonzero()
        low, high = (used[0], used[-1] + 1) if used.size else (0, 0)
        found.append((start, start + part.shape[1], low, high, np.array(part[low:high], order="C")))
    return found


def product(x: Array, size: int, bands: Bands, dim: int) -> Array:
    """x, along a dim, times the matrix."""
    before, behind = x.shape[:dim], x.shape[dim + 1 :]
    rows = x.reshape(math.prod(before), x.shape[dim], math.prod(behind))
    out = np.empty((len(rows), size, rows.shape[2]), x.dtype)
    for start, stop, low, high, part in bands:
        if rows.shape[2] == 1:
            np.matmul(rows[:, low:high, 0], part, out=out[:, start:stop, 0])
        else:
            np.matmul(part.T, rows[:, low:high], out=out[:, start:stop])
    return out.reshape(*before, size, *behind)
