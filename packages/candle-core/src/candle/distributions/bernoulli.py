"""The Bernoulli distribution: yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import candle
from candle import Tensor
from candle.distributions.distribution import NONE, Distribution, broadcast_all


def one_given(name: str, probs: Any, logits: Any) -> None:
    """A distribution is given its probabilities or their logits."""
    if (probs is None) == (logits is None):
        raise ValueError(f"{name}: give either probs or logits, not {'none' if probs is None else 'both'}")


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)), without overflow."""
    return candle.logaddexp(x, candle.zeros_like(x))  # type: ignore[no-any-return]


def inside(probs: Tensor) -> Tensor:
    """Kept off 0 and 1 by the dtype's rounding, so that logarithms are finite."""
    eps = candle.finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


class Bernoulli(Distribution):
    """P(1) = probs = sigmoid(logits), P(0) = 1 - probs"""

    parameters = ("probs", "logits")

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        one_given("Bernoulli", probs, logits)
        (given,) = broadcast_all(logits if probs is None else probs)
        super().__init__(given.shape, validate_args=validate_args)
        if probs is None:
            self._require("logits", given == given, "numbers", given)
            self.logits = given
        else:
            self._require("probs", (given >= 0) & (given <= 1), "between 0 and 1", given)
            self.probs = given

    @cached_property
    def probs(self) -> Tensor:
        return self.logits.sigmoid()

    @cached_property
    def logits(self) -> Tensor:
        p = inside(self.probs)
        return p.log() - (-p).log1p()

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = NONE) -> Tensor:
        return self.probs.detach().expand(self._extended(sample_shape)).bernoulli()

    def log_prob(self, value: Any) -> Tensor:
        (value,) = broadcast_all(value)
        self._require("a value", (value == 0) | (value == 1), "0 or 1", value)
        return value * self.logits - softplus(self.logits)  # type: ignore[no-any-return]

    def entropy(self) -> Tensor:
        return softplus(self.logits) - self.probs * self.logits
