"""Windows under their older names: periodic unless told otherwise. Loaded on first use."""

from __future__ import annotations

from typing import Any

from candle._tensor import Tensor
from candle.signal import windows

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """`signal.windows.hann`.

    >>> import candle
    >>> candle.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return windows.hann(window_length, sym=not periodic, **options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any
) -> Tensor:
    """alpha - beta cos(2 pi n / N)."""
    return windows.general_cosine(window_length, a=[alpha, beta], sym=not periodic, **options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """`signal.windows.blackman`."""
    return windows.blackman(window_length, sym=not periodic, **options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """`signal.windows.bartlett`."""
    return windows.bartlett(window_length, sym=not periodic, **options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any) -> Tensor:
    """`signal.windows.kaiser`."""
    return windows.kaiser(window_length, sym=not periodic, beta=beta, **options)
