"""PyTorch's name for `candle.utils.data.loader`."""

from candle.utils.data.collate import default_collate
from candle.utils.data.loader import DataLoader

__all__ = ["DataLoader", "default_collate"]
