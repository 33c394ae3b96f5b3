"""In place: random numbers of some distribution instead of the values, by inversion (Devroye 1986, ch. 2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from candle import _dtypes
from candle import random as source
from candle._attach import method
from candle._tensor import Tensor
from candle.ops.random import drawn, normal_numbers, uniform_numbers

__all__: list[str] = []


def _fill(input: Tensor, draw: Callable[[tuple[int, ...]], Any]) -> Tensor:
    return input.copy_(drawn(draw, input.shape, input.dtype, input.device))


def _require(name: str, condition: bool, what: str, given: Any) -> None:
    if not condition:
        raise RuntimeError(f"{name}: {what}, got {given}")


def _refuse_integers(name: str, input: Tensor) -> None:
    _require(name, input.dtype.category >= _dtypes.FLOAT, "needs a floating-point or complex tensor", input.dtype)


def _refuse_whole(name: str, input: Tensor) -> None:
    _require(name, input.dtype.is_floating_point, "needs a floating-point tensor", input.dtype)


@method()
def uniform_(
    input: Tensor, low: float = 0.0, high: float = 1.0, *, generator: source.Generator | None = None, **ends: float
) -> Tensor:
    """In place: uniform numbers from `low` up to (not including) `high`; PyTorch calls them `from` and `to`."""
    low, high = ends.pop("from", low), ends.pop("to", high)
    if ends:
        raise TypeError(f"uniform_: unknown options {', '.join(ends)}")
    _refuse_integers("uniform_", input)
    _require("uniform_", low <= high, "from must not lie above to", (low, high))
    return _fill(input, lambda shape: low + (high - low) * uniform_numbers(shape, input.dtype, generator))


@method()
def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: source.Generator | None = None) -> Tensor:
    """In place: normal numbers."""
    _refuse_integers("normal_", input)
    _require("normal_", std >= 0, "the standard deviation must not be negative", std)
    return _fill(input, lambda shape: mean + std * normal_numbers(shape, input.dtype, generator))


@method()
def log_normal_(
    input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: source.Generator | None = None
) -> Tensor:
    """In place: numbers whose logarithms are normal."""
    import numpy as np

    _refuse_whole("log_normal_", input)
    _require("log_normal_", std > 0, "the standard deviation must be positive", std)
    return _fill(input, lambda shape: np.exp(mean + std * normal_numbers(shape, input.dtype, generator)))


@method()
def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: source.Generator | None = None) -> Tensor:
    """In place: 1 with probability p, else 0."""
    chance = p.detach().cpu().numpy() if isinstance(p, Tensor) else p
    return _fill(input, lambda shape: uniform_numbers(shape, _dtypes.float64, generator) < chance)


@method()
def exponential_(input: Tensor, lambd: float = 1.0, *, generator: source.Generator | None = None) -> Tensor:
    """In place: waiting times between events that come `lambd` times per unit."""
    import numpy as np

    _refuse_whole("exponential_", input)
    _require("exponential_", lambd > 0, "lambd must be positive", lambd)
    return _fill(input, lambda shape: -np.log1p(-uniform_numbers(shape, _dtypes.float64, generator)) / lambd)


@method()
def geometric_(input: Tensor, p: float, *, generator: source.Generator | None = None) -> Tensor:
    """In place: how many trials the first success takes, each succeeding with probability p."""
    import numpy as np

    _require("geometric_", 0 < p < 1, "p must lie between 0 and 1", p)

    def trials(shape: tuple[int, ...]) -> Any:
        return np.maximum(np.ceil(np.log1p(-uniform_numbers(shape, _dtypes.float64, generator)) / math.log1p(-p)), 1)

    return _fill(input, trials)


@method()
def cauchy_(
    input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: source.Generator | None = None
) -> Tensor:
    """In place: ratios of normal numbers, around `median` and `sigma` wide."""
    import numpy as np

    _refuse_whole("cauchy_", input)
    _require("cauchy_", sigma > 0, "sigma must be positive", sigma)

    def ratios(shape: tuple[int, ...]) -> Any:
        return median + sigma * np.tan(np.pi * (uniform_numbers(shape, _dtypes.float64, generator) - 0.5))

    return _fill(input, ratios)
