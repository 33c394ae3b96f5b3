"""`candle.cuda` where candle-cuda is not installed: there is no GPU, and whoever needs one is told what brings it."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

from candle.amp import GradScaler, autocast

# Their older place; they do nothing on a CPU, and training scripts ask for them disabled
amp = SimpleNamespace(GradScaler=functools.partial(GradScaler, "cuda"), autocast=functools.partial(autocast, "cuda"))


def is_available() -> bool:
    """False: candle-cuda is not installed."""
    return False


def device_count() -> int:
    """0: candle-cuda is not installed."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no generator to seed."""


manual_seed_all = manual_seed


def __getattr__(name: str) -> Any:
    from candle import _missing

    raise AttributeError(_missing(f"candle.cuda.{name}", "candle-cuda"))
