"""Neural-network layers, losses and initialization, with `torch.nn`'s names.

from candle import nn

model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
"""

from candle.nn import functional, init, utils
from candle.nn._summary import summary
from candle.nn.modules import *  # noqa: F403
from candle.nn.parameter import Buffer, Parameter

__all__ = ["Buffer", "Parameter", "functional", "init", "summary", "utils"]
