"""Neural-network layers, losses and initialization, with `torch.nn`'s names.

from candle import nn

model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
"""

from candle.nn._summary import summary
from candle.nn.modules import *  # noqa: F403

# isort: split
from candle.nn import attention, functional, init, utils  # after the layers: nn.modules has an `attention` too
from candle.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "attention",
    "functional",
    "init",
    "summary",
    "utils",
]
