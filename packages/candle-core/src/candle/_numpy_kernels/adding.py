"""Functions of the contract that add, where NumPy's own go from element to element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from candle._numpy_kernels.dtypes import FLOATS, is_half

Array = Any

WIDE = 64  # elements of a row: shorter ones are added one by one
MANY = 32  # rows added to one place: from there on they are summed first


def logaddexp(x: Array, y: Array) -> Array:
    """high + log(1 + e^-|x - y|)"""
    if x.dtype not in FLOATS or x.dtype != y.dtype or x.size + y.size < 128:
        return np.logaddexp(x, y)
    gap = np.asarray(x - y)
    np.abs(gap, out=gap)
    np.negative(gap, out=gap)
    np.fmax(gap, -1000, out=gap)  # of two infinities it is nan, and may be anything
    np.exp(gap, out=gap)
    np.log1p(gap, out=gap)
    gap += np.maximum(x, y)
    return gap


def index_add(x: Array, indices: tuple[Array, ...], values: Array) -> Array:
    """A copy of x with values added at x[i, j, ...], once for every time an index appears."""
    if is_half(x):
        return index_add(x.astype(np.float32), indices, values).astype(x.dtype)
    out = np.array(x, order="C")
    depth = len(indices)
    width = math.prod(out.shape[depth:])
    places = flat_places(indices, out.shape[:depth])
    values = np.broadcast_to(values, (*places.shape, *out.shape[depth:]))
    places, rows = places.reshape(-1), values.reshape(places.size, width)
    if width < WIDE:
        along = places if width == 1 else places[:, None] * width + np.arange(width)
        np.add.at(out.reshape(-1), along.reshape(-1), rows.reshape(-1))
    elif places.size:
        add_rows(out.reshape(-1, width), places, rows)
    return out


def flat_places(indices: tuple[Array, ...], sizes: tuple[int, ...]) -> Array:
    """Row-major places of elements in an array of these sizes; negative indices count from the end."""
    places: Any = 0
    for i, size in zip(indices, sizes, strict=True):
        i = np.asarray(i)
        i = i if i.dtype == np.int64 else i.astype(np.int64)
        if i.size:
            low, high = i.min(), i.max()
            if low < -size or high >= size:
                raise IndexError(f"index_add: index {low if low < -size else high} is out of bounds for size {size}")
            i = np.where(i < 0, i + size, i) if low < 0 else i
        places = places * size + i
    return places


def add_rows(out: Array, places: Array, values: Array) -> None:
    """All rows that come first to their place in one stroke, then all second ones, and so on."""
    order = np.argsort(places, kind="stable")
    starts = np.flatnonzero(np.diff(places[order], prepend=-1))
    counts = np.diff(starts, append=len(order))
    few = counts < MANY
    if not few.all():
        ordered = values[order]
        for start, count in zip(starts[~few].tolist(), counts[~few].tolist(), strict=True):
            out[places[order[start]]] += np.add.reduce(ordered[start : start + count], 0, out.dtype)
    starts, counts = starts[few], counts[few]
    for turn in range(counts.max(initial=0)):
        here = order[starts[counts > turn] + turn]
        out[places[here]] += values[here]
