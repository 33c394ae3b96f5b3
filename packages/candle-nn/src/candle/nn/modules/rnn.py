"""PyTorch's name for `candle.nn.modules.recurrent` and its cells."""

from candle.nn.modules.recurrent import *  # noqa: F403
from candle.nn.modules.recurrent_cells import *  # noqa: F403
