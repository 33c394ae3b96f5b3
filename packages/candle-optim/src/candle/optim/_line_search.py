"""A step length by the strong Wolfe conditions: the loss falls enough, and its slope has flattened enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from candle import Tensor


class Point(NamedTuple):
    """The loss a distance t along the direction."""

    t: float
    loss: float
    grad: Tensor
    slope: float


def strong_wolfe(
    at: Callable[[float], tuple[float, Tensor]],
    t: float,
    direction: Tensor,
    loss: float,
    grad: Tensor,
    slope: float,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_ls: int = 25,
) -> tuple[float, Tensor, float, int]:
    """Loss, gradient and length of a good step, and how often `at(t)` was asked for the first two.

    Nocedal and Wright 2006, algorithms 3.5 (lengthen the step until an interval holds a good one) and 3.6 (narrow
    that interval), with PyTorch's safeguards.
    """

    def look(t: float) -> Point:
        loss, grad = at(t)
        return Point(t, loss, grad, float(grad.dot(direction)))

    def too_high(p: Point) -> bool:
        return p.loss > loss + c1 * p.t * slope

    start = before = Point(0.0, loss, grad, slope)
    here, asked, looks = look(t), 1, 0
    while looks < max_ls:
        if too_high(here) or (looks > 1 and here.loss >= before.loss):
            ends = [before, here]
            break
        if abs(here.slope) <= -c2 * slope:
            return here.loss, here.grad, here.t, asked
        if here.slope >= 0:
            ends = [before, here]
            break
        t = cubic(before, here, (here.t + 0.01 * (here.t - before.t), here.t * 10))
        before, here = here, look(t)
        asked, looks = asked + 1, looks + 1
    else:
        ends = [start, here]

    stuck, done = False, False
    i = 0 if ends[0].loss <= ends[1].loss else 1  # the lower end
    widest = float(direction.abs().max())
    while not done and looks < max_ls and abs(ends[1].t - ends[0].t) * widest >= tolerance_change:
        low, high = ends[i], ends[1 - i]
        left, right = sorted((low.t, high.t))
        t, margin = cubic(low, high), 0.1 * (right - left)
        crowded = min(right - t, t - left) < margin  # hardly narrower than before
        if crowded and (stuck or not left < t < right):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            crowded = False
        stuck = crowded
        here = look(t)
        asked, looks = asked + 1, looks + 1
        if too_high(here) or here.loss >= low.loss:
            ends[1 - i] = here
            i = 0 if ends[0].loss <= ends[1].loss else 1
        else:
            done = abs(here.slope) <= -c2 * slope
            if not done and here.slope * (high.t - low.t) >= 0:
                ends[1 - i] = low
            ends[i] = here
    return ends[i].loss, ends[i].grad, ends[i].t, asked


def cubic(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """The lowest place, within bounds, of the cubic through two points with their slopes (equation 3.59)."""
    low, high = bounds or sorted((a.t, b.t))
    a, b = sorted((a, b), key=lambda p: p.t)
    if a.t == b.t:
        return a.t
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    below = b.slope - a.slope + 2 * math.sqrt(square) if square >= 0 else 0.0
    if not below:
        return (low + high) / 2
    return min(max(b.t - (b.t - a.t) * (b.slope + math.sqrt(square) - d1) / below, low), high)
