"""What losses as layers have in common."""

from __future__ import annotations

from candle import Tensor
from candle.nn.functional._common import reduction_of
from candle.nn.modules.module import Module


class Loss(Module):
    """A loss and how it is reduced: "none", "mean" or "sum"."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"):
        super().__init__()
        self.reduction = reduction_of(type(self).__name__, size_average, reduce, reduction)


class WeightedLoss(Loss):
    """A loss with a weight for every class, a buffer."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


_Loss, _WeightedLoss = Loss, WeightedLoss  # PyTorch's names
