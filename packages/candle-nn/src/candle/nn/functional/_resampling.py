"""Another number of elements along a dim: each new element is weighed from a few old ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle import Tensor
from candle._apply import apply
from candle.op import Op

Array = Any
Taps = list[tuple[Array, Array]]  # for each new element, where an old one stands, and its weight

CUBIC = -0.75  # of the family of cubic kernels (Keys 1981), PyTorch's choice


class Resample(Op):
    """out_j = sum over k of w_kj x at p_kj, along a dim;  dx = grad weighed the same, added at these places"""

    name = "resample"

    def forward(xp, x, *, dim, size, mode, scale, aligned):
        shape = tuple(-1 if d == dim else 1 for d in range(x.ndim))
        parts = [
            xp.take(x, place, axis=dim) * xp.reshape(weight, shape)
            for place, weight in taps(xp, x, dim, size, mode, scale, aligned)
        ]
        return sum(parts[1:], parts[0])

    def vjp(xp, needs, grad, out, x, *, dim, size, mode, scale, aligned):
        first = (dim, *(d for d in range(x.ndim) if d != dim))
        back = tuple(first.index(d) for d in range(x.ndim))
        grad = xp.permute_dims(grad, first)
        dx = xp.zeros(tuple(x.shape[d] for d in first), dtype=grad.dtype)
        for place, weight in taps(xp, x, dim, size, mode, scale, aligned):
            dx = xp.index_add(dx, (place,), grad * xp.reshape(weight, (-1, *(1,) * (x.ndim - 1))))
        return (xp.permute_dims(dx, back),)


def taps(xp: Any, x: Array, dim: int, size: int, mode: str, scale: float | None, aligned: bool) -> Taps:
    """Found in single precision, as in PyTorch, unless x is in double."""
    count = xp.arange(size, dtype=xp.float64 if x.dtype == xp.float64 else xp.float32)
    found = TAPS[mode](xp, count, x.shape[dim], scale, aligned)
    return [(xp.astype(place, xp.int64), xp.astype(weight, x.dtype)) for place, weight in found]


def between(xp: Any, x: Array, low: float, high: float) -> Array:
    low, high = (xp.full((), bound, dtype=x.dtype) for bound in (low, high))
    return xp.minimum(xp.maximum(x, low), high)


def _nearest(xp: Any, count: Array, old: int, scale: float | None, aligned: bool, shift: float = 0.0) -> Taps:
    places = xp.floor((count + shift) * (1 / scale if scale else old / count.shape[0]))
    return [(between(xp, places, 0, old - 1), count * 0 + 1)]


def _nearest_exact(xp: Any, count: Array, old: int, scale: float | None, aligned: bool) -> Taps:
    return _nearest(xp, count, old, scale, aligned, 0.5)


def _centres(count: Array, old: int, scale: float | None, aligned: bool) -> Array:
    """Where the new elements lie among the old, which lie at 0, 1, 2, ..."""
    new = count.shape[0]
    if aligned:
        return count * ((old - 1) / (new - 1) if new > 1 else 0.0)
    return (count + 0.5) * (1 / scale if scale else old / new) - 0.5


def _linear(xp: Any, count: Array, old: int, scale: float | None, aligned: bool) -> Taps:
    """Between the two neighbours: (1 - t) a + t b."""
    centres = between(xp, _centres(count, old, scale, aligned), 0, old - 1)
    left = xp.floor(centres)
    t = centres - left
    return [(left, 1 - t), (between(xp, left + 1, 0, old - 1), t)]


def _cubic(xp: Any, count: Array, old: int, scale: float | None, aligned: bool) -> Taps:
    """A cubic through four neighbours."""
    centres = _centres(count, old, scale, aligned)
    left = xp.floor(centres)
    weights = cubic_weights(centres - left)
    return [(between(xp, left + i, 0, old - 1), weight) for i, weight in enumerate(weights, -1)]


def cubic_weights(t: Any) -> list[Any]:
    """Of the elements at -1, 0, 1 and 2, for what lies at t between 0 and 1; they add up to 1."""

    def near(s: Any) -> Any:
        return ((CUBIC + 2) * s - (CUBIC + 3)) * s * s + 1

    def far(s: Any) -> Any:
        return ((CUBIC * s - 5 * CUBIC) * s + 8 * CUBIC) * s - 4 * CUBIC

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _mean(xp: Any, count: Array, old: int, scale: float | None, aligned: bool) -> Taps:
    """Of even parts: part i of n is from floor(i old / n) to ceil((i + 1) old / n)."""
    new, i = count.shape[0], xp.arange(count.shape[0])
    starts, ends = i * old // new, -(-(i + 1) * old // new)
    most = max((-(-(k + 1) * old // new) - k * old // new for k in range(new)), default=0)
    share = 1 / xp.astype(ends - starts, count.dtype)
    none = xp.zeros((), dtype=count.dtype)
    last = ends - 1
    return [(xp.minimum(starts + k, last), xp.where(xp.less(starts + k, ends), share, none)) for k in range(most)]


TAPS: dict[str, Callable[..., Taps]] = {
    "nearest": _nearest,
    "nearest-exact": _nearest_exact,
    "linear": _linear,
    "bilinear": _linear,
    "trilinear": _linear,
    "bicubic": _cubic,
    "area": _mean,
}


def resample(x: Tensor, dim: int, size: int, mode: str, scale: float | None = None, aligned: bool = False) -> Tensor:
    """Shapes: (..., old, ...) -> (..., size, ...)."""
    result: Tensor = apply(Resample, x, dim=dim, size=size.__index__(), mode=mode, scale=scale, aligned=aligned)
    return result
