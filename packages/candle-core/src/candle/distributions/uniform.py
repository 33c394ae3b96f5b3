"""The uniform distribution on an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import candle
from candle import Tensor
from candle.distributions.distribution import NONE, Distribution, broadcast_all


class Uniform(Distribution):
    """p(x) = 1 / (high - low)  from low up to, not including, high"""

    has_rsample, parameters = True, ("low", "high")

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None):
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)
        self._require("low", self.low < self.high, "below high", f"{self.low} and {self.high}")

    @property
    def mean(self) -> Tensor:
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low) ** 2 / 12

    def rsample(self, sample_shape: Sequence[int] = NONE) -> Tensor:
        places = candle.rand(self._extended(sample_shape), dtype=self.low.dtype, device=self.low.device)
        return self.low + places * (self.high - self.low)  # type: ignore[no-any-return]

    def log_prob(self, value: Any) -> Tensor:
        (value,) = broadcast_all(value)
        self._require("a value", (self.low <= value) & (value <= self.high), "between low and high", value)
        inside = (self.low <= value) & (value < self.high)
        return candle.where(inside, 0.0, -candle.inf) - (self.high - self.low).log()  # type: ignore[no-any-return]

    def cdf(self, value: Any) -> Tensor:
        """The probability of at most `value`."""
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)  # type: ignore[no-any-return]

    def icdf(self, value: Any) -> Tensor:
        """The value that is not exceeded with this probability."""
        return self.low + value * (self.high - self.low)  # type: ignore[no-any-return]

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()
