"""`candle.cuda` where candle-cuda is not installed: there is no GPU, and whoever needs one is told what brings it.

This folder is the last place in which `import candle.cuda` looks.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def is_available() -> bool:
    """False: candle-cuda is not installed."""
    return False


def is_initialized() -> bool:
    """False: candle-cuda is not installed."""
    return False


def is_bf16_supported() -> bool:
    """False: candle-cuda is not installed."""
    return False


def device_count() -> int:
    """0: candle-cuda is not installed."""
    return 0


def memory_allocated(device: Any = None) -> int:
    """0: there is no memory of a GPU."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def empty_cache() -> None:
    """Nothing: there is no cache."""


def manual_seed(seed: int) -> None:
    """Nothing: there is no generator to seed."""


manual_seed_all = manual_seed


def __getattr__(name: str) -> Any:
    if name == "amp":
        return import_module("candle.cuda.amp")
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from candle import _missing

    raise AttributeError(_missing(f"candle.cuda.{name}", "candle-cuda"))
