"""Dropout as layers."""

from __future__ import annotations

from typing import Any

from candle import Tensor
from candle.nn import functional as F
from candle.nn.modules.module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class Drops(Module):
    """A layer that drops with probability p in training and is the identity in evaluation."""

    function: Any

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: the probability must lie between 0 and 1, got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, self.p, self.training, self.inplace)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(Drops):
    """In training, elements are zero with probability p and the others grow by 1 / (1 - p)."""

    function = staticmethod(F.dropout)


class Dropout1d(Drops):
    """Dropout of whole channels. Shape: (N, C, L) or (C, L)."""

    function = staticmethod(F.dropout1d)


class Dropout2d(Drops):
    """Dropout of whole channels. Shape: (N, C, H, W) or (N, C, L)."""

    function = staticmethod(F.dropout2d)


class Dropout3d(Drops):
    """Dropout of whole channels. Shape: (N, C, D, H, W) or (C, D, H, W)."""

    function = staticmethod(F.dropout3d)


class AlphaDropout(Drops):
    """Dropout for networks of SELU: elements go to where it saturates; mean 0 and variance 1 stay what they are."""

    function = staticmethod(F.alpha_dropout)


class FeatureAlphaDropout(Drops):
    """AlphaDropout of whole channels. Shape: (N, C, ...)."""

    function = staticmethod(F.feature_alpha_dropout)
