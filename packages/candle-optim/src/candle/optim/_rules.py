"""What the steps of several optimizers share: functions of lists of arrays, one for each parameter."""

from __future__ import annotations

from typing import Any

Arrays = list[Any]


def uphill(params: Arrays, grads: Arrays, weight_decay: float, maximize: bool) -> Arrays:
    """What to go against: g (to maximize, -g) + weight_decay p."""
    if maximize:
        grads = [-g for g in grads]
    if weight_decay:
        grads = [g + p * weight_decay for g, p in zip(grads, params, strict=True)]
    return grads


def running(means: Arrays, values: Arrays, beta: float) -> Arrays:
    """m beta + x (1 - beta): the running means after the new values."""
    return [m * beta + x * (1 - beta) for m, x in zip(means, values, strict=True)]


def running_squares(squares: Arrays, values: Arrays, beta: float) -> Arrays:
    """v beta + x^2 (1 - beta)."""
    return [v * beta + x * x * (1 - beta) for v, x in zip(squares, values, strict=True)]
