"""Learning-rate schedules, with `torch.optim.lr_scheduler`'s names, and `WarmupLR`."""

from candle.optim.lr_scheduler._base import LRScheduler, _LRScheduler
from candle.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR, WarmupLR
from candle.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from candle.optim.lr_scheduler.cyclic import CyclicLR
from candle.optim.lr_scheduler.lambdas import LambdaLR, MultiplicativeLR
from candle.optim.lr_scheduler.one_cycle import OneCycleLR
from candle.optim.lr_scheduler.plateau import ReduceLROnPlateau
from candle.optim.lr_scheduler.ramps import LinearLR, PolynomialLR
from candle.optim.lr_scheduler.steps import ConstantLR, ExponentialLR, MultiStepLR, StepLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "WarmupLR",
]
