"""`candle.signal`: windows for signal processing. Loaded on first use."""

from candle.signal import windows

__all__ = ["windows"]
