"""Random whole numbers: in a range, and counts of events."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle import random as source
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import broadcast_shapes
from candle.ops.random import drawn

__all__ = ["binomial", "poisson"]

# Up to where a type holds every whole number; integers hold all
LARGEST = {"bool": 1, "float16": 2**11, "bfloat16": 2**8, "float32": 2**24, "float64": 2**53}


# What users call


@method()
def random_(input: Tensor, *bounds: int, generator: source.Generator | None = None, **ends: Any) -> Tensor:
    """In place: whole numbers below `to`, or from `from` up to (not including) `to`, or any that the dtype holds.

    >>> import candle
    >>> candle.empty(100).random_(2, 5).unique()
    tensor([2., 3., 4.])
    """
    low, high = (0, *bounds)[-2:] if bounds else (ends.pop("from", 0), ends.pop("to", None))
    if ends or len(bounds) > 2:
        raise TypeError(f"random_: expected at most `from` and `to`, got {(*bounds, *ends)}")
    _dtypes.refuse_complex("random_", input.dtype)
    if high is None:
        high = 1 + (LARGEST.get(input.dtype.name) or min(int(_dtypes.range_of(input.dtype)[1]), 2**63 - 1))
    if low >= high:
        raise RuntimeError(f"random_: from must be below to, got {low} and {high}")
    for x in (low, high - 1):
        if _dtypes.fitting("random_", x, input.dtype) != x:
            raise RuntimeError(f"random_: {x} is not a {input.dtype}")
    draw = source.draws_of(generator).integers
    kind = "uint64" if high > 2**63 else "int64"
    return input.copy_(
        drawn(lambda shape: draw(low, high - 1, shape, kind, endpoint=True), input.shape, input.dtype, input.device)
    )


def poisson(input: Tensor, generator: source.Generator | None = None) -> Tensor:
    """How many events happen where `input` are expected."""
    rate = _floats("poisson", input)
    if (rate < 0).any():
        raise RuntimeError("poisson: the rates must not be negative")
    draw = source.draws_of(generator).poisson
    return drawn(lambda shape: draw(rate, shape), input.shape, input.dtype, input.device)


def binomial(count: Tensor, prob: Tensor, generator: source.Generator | None = None) -> Tensor:
    """How many of `count` trials succeed, each with probability `prob`."""
    trials, chance = _floats("binomial", count), _floats("binomial", prob)
    if not ((chance >= 0) & (chance <= 1)).all() or (trials < 0).any():
        raise RuntimeError("binomial: counts must not be negative, and probabilities lie between 0 and 1")
    shape = broadcast_shapes("binomial", count.shape, prob.shape)
    draw = source.draws_of(generator).binomial
    return drawn(lambda shape: draw(trials.astype(int), chance, shape), shape, count.dtype, count.device)


def _floats(name: str, x: Tensor) -> Any:
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"{name}: expected a floating-point tensor, got {x.dtype}")
    return x.detach().cpu().double().numpy()
