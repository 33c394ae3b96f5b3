"""Normalization over groups of channels, as one op: what is per channel comes first, a pass over x costs more."""

from __future__ import annotations

from typing import Any

from candle.op import Op
from candle.ops.normalization import moments

Array = Any


class GroupNorm(Op):
    """n w + b, n = (x - mean) / std of each group;  dx = (g - mean(g) - n mean(g n)) / std, g = grad w"""

    name, promotes, autocast = "group_norm", "x weight bias", "float32 off cpu"
    floats = real = True
    reads = {"x": "x weight", "weight": "x", "bias": ""}

    def forward(xp, x, weight, bias, *, groups, eps):
        """(N, C, L), (C), (C) -> (N, C, L)."""
        centred, inverse = parted(xp, x, groups, eps)
        factor = each_channel(xp, inverse, weight, x)
        if bias is None:
            return xp.reshape(centred, x.shape) * factor
        return xp.reshape(centred, x.shape) * factor + xp.reshape(bias, (-1, 1))  # in one expression: then in place

    def vjp(xp, needs, grad, out, x, weight, bias, *, groups, eps):
        dx = d_weight = None
        total = xp.sum(grad, axis=2, keepdims=True)  # (N, C, 1)
        if needs[0] or needs[1]:
            centred, inverse = parted(xp, x, groups, eps)
            along = dots(xp, grad, xp.reshape(centred, x.shape))
        if needs[0]:
            mean, product = (group_mean(xp, each, weight, centred) for each in (total, along))
            rest = centred * (product * inverse * inverse * inverse) + mean * inverse
            dx = grad * each_channel(xp, inverse, weight, x) - xp.reshape(rest, x.shape)
        if needs[1]:
            d_weight = xp.sum(along * each_channel(xp, inverse, None, x), axis=(0, 2))
        return dx, d_weight, xp.sum(total, axis=(0, 2)) if needs[2] else None


def parted(xp: Any, x: Array, groups: int, eps: float) -> tuple[Array, Array]:
    """The groups (N, G, C/G L) with mean 0, and one over their standard deviations (N, G, 1)."""
    n, channels, length = x.shape
    return moments(xp, xp.reshape(x, (n, groups, channels // groups * length)), 1, eps)


def each_channel(xp: Any, of_group: Array, weight: Array | None, x: Array) -> Array:
    """(N, G, 1), times (C), as (N, C, 1)."""
    n, groups, _ = of_group.shape
    channels = x.shape[1]
    if weight is None:
        spread = xp.broadcast_to(of_group, (n, groups, channels // groups))
    else:
        spread = of_group * xp.reshape(weight, (groups, channels // groups))
    return xp.reshape(spread, (n, channels, 1))


def group_mean(xp: Any, of_channel: Array, weight: Array | None, groups: Array) -> Array:
    """Sums (N, C, 1), times weight, to means of the groups (N, G, 1)."""
    weighed = of_channel if weight is None else of_channel * xp.reshape(weight, (-1, 1))
    n, count, size = groups.shape
    return xp.sum(xp.reshape(weighed, (n, count, weighed.shape[1] // count)), axis=2, keepdims=True) / size


def dots(xp: Any, x: Array, y: Array) -> Array:
    """The scalar products of rows: (N, C, L), (N, C, L) -> (N, C, 1)."""
    n, channels, length = x.shape
    if length < 32:
        return xp.sum(x * y, axis=2, keepdims=True)
    rows, columns = xp.reshape(x, (n, channels, 1, length)), xp.reshape(y, (n, channels, length, 1))
    return xp.reshape(xp.matmul(rows, columns), (n, channels, 1))
