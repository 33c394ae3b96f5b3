"""How many values there are of each kind: bincount and histograms."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from candle import _dtypes
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import several
from candle.ops.conditions import where
from candle.ops.searching import searchsorted
from candle.ops.spacing import linspace

__all__ = ["bincount", "histc", "histogram", "histogramdd"]

histogram_and_edges = namedtuple("histogram_and_edges", "hist bin_edges")


def _tally(place: Tensor, weights: Tensor, size: int) -> Tensor:
    """The sum of the weights at each place from 0 up to size."""
    return weights.new_zeros(size).index_add(0, place, weights)


@method()
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... appears, or the sum of the weights where it does.

    >>> import candle
    >>> candle.tensor([0, 2, 2]).bincount()
    tensor([1, 0, 2])
    """
    if input.ndim != 1 or input.dtype.category != _dtypes.INT:
        raise RuntimeError(f"bincount: expects a vector of integers, got {input.dtype} of shape {tuple(input.shape)}")
    if input._backend.level and not minlength:
        raise RuntimeError("bincount: inside vmap give minlength, so that all results have one size")
    known = not input._backend.level and input.numel()  # inside vmap values cannot be looked at
    if minlength < 0 or (known and int(input.min()) < 0):
        raise RuntimeError(f"bincount: nothing may be negative, neither minlength={minlength} nor the values")
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError(f"bincount: weights have shape {tuple(weights.shape)}, the values {tuple(input.shape)}")
    size = max(int(input.max()) + 1 if known else 0, minlength)
    if weights is None:
        weights = input.new_ones(input.shape, dtype=_dtypes.int64)
    elif weights.dtype is not _dtypes.float32:
        weights = weights.double()
    return _tally(input.long(), weights.detach(), size)


def _bounds(name: str, input: Tensor, low: Any, high: Any, around: float) -> tuple[Any, Any]:
    """The ends of the range, from the data where they are equal; `around` its value if it has only one."""
    if low == high and input._backend.level:  # inside vmap each example has a range of its own
        low, high = input.min(), input.max()
        return where(low == high, low - around, low), where(low == high, high + around, high)
    if low == high and input.numel():
        low, high = input.min().item(), input.max().item()
    if low == high:
        low, high = low - around, high + around
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        raise RuntimeError(f"{name}: the range from {low} to {high} is not finite and growing")
    return low, high


@method()
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many values lie in each of `bins` parts of [min, max]; of the data's own range where both are equal.

    >>> import candle
    >>> candle.tensor([1.0, 2.0, 1.0]).histc(bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    if bins <= 0:
        raise RuntimeError(f"histc: the number of bins must be positive, got {bins}")
    if input.dtype.is_complex or input.dtype is _dtypes.bool_:
        raise RuntimeError(f"histc: expects real numbers, got {input.dtype}")
    values = input.detach().reshape(-1)
    low, high = _bounds("histc", values, min, max, around=1)
    inside = (values >= low) & (values <= high)
    place = ((values - low) * (bins / (high - low))).where(inside, 0).floor().long().clamp(max=bins - 1)
    return _tally(place, inside.to(input.dtype), bins)


@method()
def histogram(
    input: Tensor,
    bins: Any,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """How many values (or what weight) lie in each bin, and the edges of the bins.

    `bins` is a number of equal parts of `range` (or of the data's own), or the edges themselves. With `density`,
    the shares over the widths of the bins: their integral is 1.
    """
    weight = None if weight is None else _weight_for(input.unsqueeze(-1), weight)
    hist, edges = _histogram("histogram", input.reshape(-1, 1), [bins], range, weight, density)
    return histogram_and_edges(hist, edges[0])


@method()
def histogramdd(
    input: Tensor,
    bins: Any,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """`histogram` of points: the last dim of `input` holds their coordinates, each with bins of its own."""
    if input.ndim < 2:
        raise RuntimeError(f"histogramdd: expects points in at least 2 dims, got shape {tuple(input.shape)}")
    weight = None if weight is None else _weight_for(input, weight)
    sides = list(bins) if several(bins) else [bins] * input.shape[-1]
    if len(sides) != input.shape[-1]:
        raise RuntimeError(f"histogramdd: bins for {len(sides)} coordinates of {input.shape[-1]}")
    points = input.reshape(-1, input.shape[-1])
    return histogram_and_edges(*_histogram("histogramdd", points, sides, range, weight, density))


def _weight_for(points: Tensor, weight: Tensor) -> Tensor:
    if weight.shape != points.shape[:-1] or weight.dtype is not points.dtype:
        raise RuntimeError(
            f"histogram: expected a weight of {points.dtype} {tuple(points.shape[:-1])}, "
            f"got {weight.dtype} {tuple(weight.shape)}"
        )
    return weight.reshape(-1)


def _edges(name: str, values: Tensor, bins: Any, span: Sequence[float]) -> Tensor:
    if isinstance(bins, Tensor):
        if bins.ndim != 1 or not bins.numel() or bins.dtype is not values.dtype:
            raise RuntimeError(
                f"{name}: edges must be a vector of {values.dtype}, got {bins.dtype} {tuple(bins.shape)}"
            )
        return bins
    if bins <= 0:
        raise RuntimeError(f"{name}: the number of bins must be positive, got {bins}")
    if not span and not values.numel():
        span = (0.0, 1.0)
    low, high = span or (0.0, 0.0)
    low, high = _bounds(name, values, low, high, around=0.5)
    return linspace(low, high, bins + 1, dtype=values.dtype, device=values.device)


def _histogram(
    name: str, points: Tensor, bins: list[Any], span: Sequence[float] | None, weight: Tensor | None, density: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    if span is not None and (len(span) != 2 * len(bins) or any(isinstance(b, Tensor) for b in bins)):
        raise RuntimeError(f"{name}: range needs two ends for each of {len(bins)} numbers of bins, got {tuple(span)}")
    weight = points.new_ones(points.shape[0]) if weight is None else weight
    place = points.new_zeros(points.shape[0], dtype=_dtypes.int64)
    edges = []
    for d, side in enumerate(bins):
        values = points[:, d].detach()
        ends = _edges(name, values, side, [] if span is None else span[2 * d : 2 * d + 2])
        inside = (values >= ends[0]) & (values <= ends[-1])
        at = (searchsorted(ends, values, right=True) - 1).clamp(0, ends.shape[0] - 2)  # the last bin has both its edges
        place, weight = place * (ends.shape[0] - 1) + at, where(inside, weight, 0)
        edges.append(ends)
    sizes = [e.shape[0] - 1 for e in edges]
    hist = _tally(place, weight, math.prod(sizes)).reshape(sizes)
    if density:
        hist = hist / hist.sum()
        for d, e in enumerate(edges):
            hist = hist / e.diff().reshape([-1 if k == d else 1 for k in range(len(sizes))])
    return hist, tuple(edges)
