"""Utilities; candle-data adds `candle.utils.data`."""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)

from importlib import import_module as _import
from typing import Any as _Any


def __getattr__(name: str) -> _Any:
    if name == "data":
        from candle import _sibling

        return _sibling("candle.utils.data", "candle-data")
    if name in ("checkpoint", "dlpack"):
        return _import(f"candle.utils.{name}")
    raise AttributeError(f"module 'candle.utils' has no attribute {name!r}")
