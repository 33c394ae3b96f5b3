"""The categorical distribution: one of several, by number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import candle
from candle import Size, Tensor
from candle.distributions.bernoulli import inside, one_given
from candle.distributions.distribution import NONE, Distribution


class Categorical(Distribution):
    """P(i) = probs[..., i] / probs.sum(-1) = softmax(logits)[..., i]

    >>> import candle
    >>> choice = candle.distributions.Categorical(candle.tensor([1.0, 3.0]))
    >>> choice.log_prob(candle.tensor(1)).exp()
    tensor(0.7500)
    """

    parameters = ("probs", "logits")

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        one_given("Categorical", probs, logits)
        given = logits if probs is None else probs
        if not given.ndim:
            raise ValueError("Categorical: the parameter needs a dim, along which its numbers stand")
        super().__init__(given.shape[:-1], validate_args=validate_args)
        if probs is None:
            self._require("logits", given == given, "numbers", given)
            self.logits = given - given.logsumexp(-1, keepdim=True)
        else:
            self._require("probs", given >= 0, "not negative", given)
            self.probs = given / given.sum(-1, keepdim=True)
            self._require("probs", self.probs == self.probs, "numbers, not all of them 0", given)

    @cached_property
    def probs(self) -> Tensor:
        return self.logits.softmax(-1)

    @cached_property
    def logits(self) -> Tensor:
        return inside(self.probs).log()

    @property
    def mean(self) -> Tensor:
        return candle.full(self.batch_shape, candle.nan, dtype=self.probs.dtype, device=self.probs.device)  # type: ignore[no-any-return]

    variance = mean

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    def sample(self, sample_shape: Sequence[int] = NONE) -> Tensor:
        rows = self.probs.detach().reshape(-1, self.probs.shape[-1])
        drawn = rows.multinomial(Size(sample_shape).numel(), replacement=True)
        return drawn.T.reshape(self._extended(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        n = self.logits.shape[-1]
        self._require("a value", (value >= 0) & (value < n) & (value == value.long()), f"0 to {n - 1}", value)
        places, logits = candle.broadcast_tensors(value.long()[..., None], self.logits)
        return logits.gather(-1, places[..., :1]).squeeze(-1)  # type: ignore[no-any-return]

    def entropy(self) -> Tensor:
        logs = self.logits.clamp(min=candle.finfo(self.logits.dtype).min)  # 0 log 0 is 0
        return -(self.probs * logs).sum(-1)
