"""Bounds from below and from above, and the larger and smaller of pairs where nan does not count."""

from __future__ import annotations

from typing import Any

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import Binary, Number
from candle.ops.extremes import clamp

__all__ = ["clamp_max", "clamp_min", "fmax", "fmin"]


class Fmax(Binary):
    """max(x, y), the other where one is nan;  the larger gets grad, x of equal ones"""

    name, numbers = "fmax", False
    real = True
    reads = {"x": "x y", "y": "x y"}

    def forward(xp, x, y):
        return xp.where(first(xp, xp.greater_equal(x, y), y), x, y)

    def vjp(xp, needs, grad, out, x, y):
        wins = first(xp, xp.greater_equal(x, y), y)
        return xp.where(wins, grad, grad * 0), xp.where(wins, grad * 0, grad)


class Fmin(Binary):
    """min(x, y), the other where one is nan;  the smaller gets grad, x of equal ones"""

    name, numbers = "fmin", False
    real = True
    reads = {"x": "x y", "y": "x y"}

    def forward(xp, x, y):
        return xp.where(first(xp, xp.less_equal(x, y), y), x, y)

    def vjp(xp, needs, grad, out, x, y):
        wins = first(xp, xp.less_equal(x, y), y)
        return xp.where(wins, grad, grad * 0), xp.where(wins, grad * 0, grad)


def first(xp: Any, wins: Any, y: Any) -> Any:
    """Where x is taken: it wins, or y is nan (not itself)."""
    return xp.logical_or(wins, xp.not_equal(y, y))


# What users call


@method()
def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of each pair; nan only where both are.

    >>> import candle
    >>> candle.fmax(candle.tensor([1.0, float("nan")]), candle.tensor([2.0, 3.0]))
    tensor([2., 3.])
    """
    return apply(Fmax, input, other)


@method()
def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of each pair; nan only where both are."""
    return apply(Fmin, input, other)


@method(inplace=True)
def clamp_min(input: Tensor, min: Number) -> Tensor:
    """input, no smaller than `min`."""
    return clamp(input, min=min)


@method(inplace=True)
def clamp_max(input: Tensor, max: Number) -> Tensor:
    """input, no larger than `max`."""
    return clamp(input, max=max)
