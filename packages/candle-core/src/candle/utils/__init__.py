"""Utilities; candle-data adds `candle.utils.data`."""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)

from typing import Any as _Any


def __getattr__(name: str) -> _Any:
    if name == "data":
        from importlib import import_module

        try:
            return import_module("candle.utils.data")
        except ModuleNotFoundError as error:
            if error.name != "candle.utils.data":
                raise
            raise AttributeError(
                "candle.utils.data is part of the distribution candle-data, which is not installed: install it as the "
                "README shows (pip install ./packages/candle-core ./packages/candle-data)"
            ) from None
    raise AttributeError(f"module 'candle.utils' has no attribute {name!r}")
