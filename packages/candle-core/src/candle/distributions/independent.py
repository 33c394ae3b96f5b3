"""Several draws as one event."""

from __future__ import annotations

from collections.abc import Sequence

from candle import Tensor
from candle.distributions.distribution import NONE, Distribution


class Independent(Distribution):
    """The last `reinterpreted_batch_ndims` dims of the batch belong to the event: p(x) = prod of the base's p(x_i).

    >>> import candle
    >>> base = candle.distributions.Normal(candle.zeros(3), 1.0)
    >>> candle.distributions.Independent(base, 1).log_prob(candle.zeros(3))
    tensor(-2.7568)
    """

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ):
        batch, n = base_distribution.batch_shape, reinterpreted_batch_ndims
        if n > len(batch):
            raise ValueError(
                f"Independent: expected at most the {len(batch)} dims of the batch {tuple(batch)}, got {n}"
            )
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, n
        kept = len(batch) - n
        super().__init__(batch[:kept], batch[kept:] + base_distribution.event_shape, validate_args)
        self.has_rsample = base_distribution.has_rsample

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Sequence[int] = NONE) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = NONE) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return self._summed(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self._summed(self.base_dist.entropy())

    def _summed(self, x: Tensor) -> Tensor:
        """Over the dims that belong to the event."""
        n = self.reinterpreted_batch_ndims
        return x.sum(tuple(range(-n, 0))) if n else x

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"
