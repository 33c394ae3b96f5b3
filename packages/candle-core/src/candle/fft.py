"""Discrete Fourier transforms, as in `torch.fft`.

>>> import candle
>>> candle.fft.irfft(candle.fft.rfft(candle.tensor([1.0, 2.0, 3.0, 4.0])))
tensor([1., 2., 3., 4.])
"""

from candle.ops import fourier as _fourier
from candle.ops import frequencies as _frequencies
from candle.ops.fourier import *  # noqa: F403
from candle.ops.frequencies import *  # noqa: F403

__all__: list[str] = []
__all__ += _fourier.__all__
__all__ += _frequencies.__all__
