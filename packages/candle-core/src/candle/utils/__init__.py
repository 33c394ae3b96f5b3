"""Utilities; candle-data adds `candle.utils.data`."""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)
