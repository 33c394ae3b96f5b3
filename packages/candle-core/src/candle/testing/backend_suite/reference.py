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


def index_combine(x: Array, indices: tuple[Array, ...], values: Array, how: str) -> Array:
    out = x.copy()
    {"prod": np.multiply, "max": np.maximum, "min": np.minimum}[how].at(out, indices, values)
    return out


def take_strided(x: Array, *, shape: tuple[int, ...], start: tuple[int, ...], steps: Any) -> Array:
    places = [[first + np.dot(row, i) for first, row in zip(start, steps, strict=True)] for i in np.ndindex(shape)]
    return np.array([x[tuple(place)] for place in places], dtype=x.dtype).reshape(shape)


def add_strided(x: Array, values: Array, *, start: tuple[int, ...], steps: Any) -> Array:
    out = x.copy()
    for i in np.ndindex(values.shape):
        place = tuple(int(first + np.dot(row, i)) for first, row in zip(start, steps, strict=True))
        out[place] += values[i]
    return out


def check(condition: Array, message: str) -> None:
    assert condition.all()


def sigmoid(x: Array) -> Array:
    """By the exponential that is at most 1, so that nothing overflows."""
    power = np.exp(np.where(np.real(x) < 0, x, -x))
    return np.where(np.real(x) < 0, power, 1) / (1 + power)


def erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[float])(x) if x.size else x


def lgamma(x: Array) -> Array:
    return np.vectorize(math.lgamma, otypes=[float])(x) if x.size else x


def digamma(x: Array) -> Array:
    return polygamma(0, x)


def polygamma(n: int, x: Array) -> Array:
    """The series 1/k and (x + k)^-(n+1), and what is left of it by the Euler-Maclaurin formula."""
    k = np.arange(3000.0)
    a = x[..., None] + k
    end = x + 3000
    if n == 0:
        return np.log(end) - 1 / (2 * end) - 1 / (12 * end**2) - np.sum(1 / a, axis=-1)
    rest = end ** -float(n) / n + end ** -float(n + 1) / 2 + (n + 1) * end ** -float(n + 2) / 12
    return np.asarray((-1) ** (n + 1) * math.factorial(n) * (np.sum(a ** -float(n + 1), axis=-1) + rest))


def i0e(x: Array) -> Array:
    t = np.linspace(0, math.pi, 401)
    return np.trapezoid(np.exp(np.abs(x)[..., None] * (np.cos(t) - 1)), t) / math.pi


def i1e(x: Array) -> Array:
    t = np.linspace(0, math.pi, 401)
    size = np.abs(x)[..., None]
    return np.sign(x) * np.trapezoid(np.exp(size * (np.cos(t) - 1)) * np.cos(t), t) / math.pi


def i0(x: Array) -> Array:
    return i0e(x) * np.exp(np.abs(x))


def i1(x: Array) -> Array:
    return i1e(x) * np.exp(np.abs(x))


def as_real(x: Array) -> Array:
    return np.stack([x.real, x.imag], axis=-1)


def as_complex(x: Array) -> Array:
    return x[..., 0] + 1j * x[..., 1]


def bound(name: str) -> Any:
    """The meaning of a name."""
    return globals().get(name) or getattr(np, name)
