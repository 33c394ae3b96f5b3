"""The normal distribution of vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import candle
from candle import Size, Tensor
from candle.distributions.distribution import NONE, Distribution


class MultivariateNormal(Distribution):
    """p(x) = exp(-|L^-1 (x - loc)|^2 / 2) / (det L (2 pi)^(n/2)),  L = scale_tril, L L^T = covariance_matrix

    >>> import candle
    >>> candle.distributions.MultivariateNormal(candle.zeros(2), candle.eye(2)).entropy()
    tensor(2.8379)
    """

    has_rsample, parameters = True, ("loc", "scale_tril")

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ):
        given = [m for m in (covariance_matrix, precision_matrix, scale_tril) if m is not None]
        if len(given) != 1:
            raise ValueError(
                f"MultivariateNormal: give one of covariance_matrix, precision_matrix and scale_tril, got {len(given)}"
            )
        if scale_tril is None:
            scale_tril = candle.linalg.cholesky(given[0] if precision_matrix is None else given[0].inverse())
        batch = candle.broadcast_shapes(scale_tril.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand(*batch, loc.shape[-1])
        self.scale_tril = scale_tril.expand(*batch, *scale_tril.shape[-2:])
        super().__init__(Size(batch), self.loc.shape[-1:], validate_args)
        self._require("loc", loc == loc, "numbers", loc)
        self._require("the diagonal of scale_tril", self._diagonal > 0, "positive", scale_tril)

    @property
    def _diagonal(self) -> Tensor:
        return self.scale_tril.diagonal(dim1=-2, dim2=-1)

    @property
    def covariance_matrix(self) -> Tensor:
        return self.scale_tril @ self.scale_tril.mT

    @property
    def mean(self) -> Tensor:
        return self.loc

    mode = mean

    @property
    def variance(self) -> Tensor:
        return (self.scale_tril**2).sum(-1)

    def rsample(self, sample_shape: Sequence[int] = NONE) -> Tensor:
        noise = candle.randn(self._extended(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + (self.scale_tril @ noise[..., None]).squeeze(-1)  # type: ignore[no-any-return]

    def log_prob(self, value: Tensor) -> Tensor:
        self._require("a value", value == value, "numbers", value)
        off: Tensor = value - self.loc
        whitened = candle.linalg.solve_triangular(self.scale_tril, off[..., None], upper=False)
        return -(whitened**2).sum((-2, -1)) / 2 - self._log_volume()

    def entropy(self) -> Tensor:
        return self._log_volume() + self.loc.shape[-1] / 2

    def _log_volume(self) -> Tensor:
        return self._diagonal.log().sum(-1) + self.loc.shape[-1] / 2 * math.log(2 * math.pi)
