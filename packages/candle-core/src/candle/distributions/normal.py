"""The normal distribution, every element on its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import candle
from candle import Tensor
from candle.distributions.distribution import NONE, Distribution, broadcast_all


class Normal(Distribution):
    """p(x) = exp(-((x - loc) / scale)^2 / 2) / (scale sqrt(2 pi))

    >>> import candle
    >>> candle.distributions.Normal(0.0, 1.0)
    Normal(loc: 0.0, scale: 1.0)
    """

    has_rsample, parameters = True, ("loc", "scale")

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)
        self._require("loc", self.loc == self.loc, "a number", self.loc)
        self._require("scale", self.scale > 0, "positive", self.scale)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return self.scale**2

    def rsample(self, sample_shape: Sequence[int] = NONE) -> Tensor:
        noise = candle.randn(self._extended(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + noise * self.scale  # type: ignore[no-any-return]

    def log_prob(self, value: Any) -> Tensor:
        z: Tensor = (value - self.loc) / self.scale
        self._require("a value", z == z, "a number", value)
        return -(z**2) / 2 - self.scale.log() - math.log(2 * math.pi) / 2

    def cdf(self, value: Any) -> Tensor:
        """The probability of at most `value`."""
        return (1 + ((value - self.loc) / (self.scale * math.sqrt(2))).erf()) / 2  # type: ignore[no-any-return]

    def icdf(self, value: Any) -> Tensor:
        """The value that is not exceeded with this probability."""
        return self.loc + self.scale * math.sqrt(2) * (2 * value - 1).erfinv()  # type: ignore[no-any-return]

    def entropy(self) -> Tensor:
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()
