"""Elements at computed places: on a lattice of regular steps, or reduced where an index says."""

from __future__ import annotations

import math
from typing import Any

Array = Any


def lattice(xp: Any, shape: tuple[int, ...], wanted: Any, start: Any, steps: Any) -> Array:
    """Row-major positions in an array of `shape` of the elements at start + steps @ i, for all i in `wanted`."""
    sizes = [math.prod(shape[d + 1 :]) for d in range(len(shape))]
    places = xp.full((1,) * len(wanted), sum(n * size for n, size in zip(start, sizes, strict=True)), dtype=xp.int64)
    for k, size in enumerate(wanted):
        along = tuple(-1 if k == other else 1 for other in range(len(wanted)))
        step = sum(row[k] * each for row, each in zip(steps, sizes, strict=True))
        places = places + xp.reshape(xp.arange(size) * step, along)
    return places


def take_strided(xp: Any, x: Array, *, shape: Any, start: Any, steps: Any) -> Array:
    """x[start + steps @ i] for all i in `shape`: what regular strides over the axes of x reach.

    A copy here; a library whose arrays have strides can answer with a view, as NumPy does.
    """
    places = xp.reshape(lattice(xp, x.shape, shape, start, steps), (-1,))
    return xp.reshape(xp.take(xp.reshape(x, (-1,)), places, axis=0), shape)


def add_strided(xp: Any, x: Array, values: Array, *, start: Any, steps: Any) -> Array:
    """A copy of x with values[i] added at start + steps @ i, for all i: what take_strided took, given back."""
    places = xp.reshape(lattice(xp, x.shape, values.shape, start, steps), (-1,))
    return xp.reshape(xp.index_add(xp.reshape(x, (-1,)), (places,), xp.reshape(values, (-1,))), x.shape)


def slice_put(xp: Any, x: Array, key: tuple[Any, ...], value: Array) -> Array:
    """A copy of x with x[key] = value, for a key of slices, integers and None."""
    key = key if ... in key else (*key, ...)
    places = xp.reshape(xp.arange(math.prod(x.shape)), x.shape)[key]
    values = xp.reshape(xp.broadcast_to(value, places.shape), (-1,))
    flat = xp.index_put(xp.reshape(x, (-1,)), (xp.reshape(places, (-1,)),), values)
    return xp.reshape(flat, x.shape)


def rows_at(xp: Any, x: Array, indices: Any) -> tuple[Array, Array]:
    """x with the indexed leading axes as one, and the indices as positions along that."""
    depth = len(indices)
    place: Any = 0
    for size, i in zip(x.shape[:depth], indices, strict=True):
        place = place * size + xp.where(xp.less(i, 0), i + size, i)
    return xp.reshape(x, (math.prod(x.shape[:depth]), *x.shape[depth:])), place


def index_combine(xp: Any, x: Array, indices: Any, values: Array, how: str) -> Array:
    """A copy of x with values multiplied into x[i, j, ...] ("prod"), or taken there if larger ("max") or smaller.

    Values are sorted by their places; a scan by doubling then reduces each run of one place into its last value.
    """
    rows, place = rows_at(xp, x, indices)
    size, width, n = rows.shape[0], rows.shape[1:], math.prod(place.shape)
    if not n:
        return xp.asarray(x, copy=True)
    combine = {"prod": xp.multiply, "max": xp.maximum, "min": xp.minimum}[how]
    values = xp.reshape(xp.broadcast_to(values, (*place.shape, *width)), (n, *width))
    order = xp.argsort(xp.reshape(place, (-1,)), axis=0)
    place, values = xp.take(xp.reshape(place, (-1,)), order, axis=0), xp.take(values, order, axis=0)
    for reach in [2**i for i in range((n - 1).bit_length())]:
        same = xp.reshape(xp.equal(place[reach:], place[:-reach]), (-1, *(1,) * len(width)))
        early, late = values[:-reach, ...], values[reach:, ...]
        values = xp.concat([values[:reach, ...], xp.where(same, combine(early, late), late)], axis=0)
    ends = xp.concat([xp.not_equal(place[1:], place[:-1]), xp.full((1,), True, dtype=xp.bool)], axis=0)
    values = combine(xp.take(rows, place, axis=0), values)
    spare = xp.concat([rows, xp.zeros((1, *width), dtype=x.dtype)], axis=0)  # one row more, for all but the last
    target = xp.where(ends, place, xp.full((), size, dtype=place.dtype))
    return xp.reshape(xp.index_put(spare, (target,), values)[:size, ...], x.shape)
