"""The frequencies that a Fourier transform's results stand for, and their order."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._tensor import Tensor
from candle.ops import creation
from candle.ops._common import Dims, integers
from candle.ops.joining import cat

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


def _frequencies(n: int, d: float, half: bool, options: dict[str, Any]) -> Tensor:
    if n < 1:
        raise RuntimeError(f"fftfreq: n must be positive, got {n}")
    last = n // 2 if half else (n - 1) // 2
    first = [] if half else range(-(n // 2), 0)
    options["dtype"] = options["dtype"] or _dtypes.get_default_dtype()
    return creation.tensor([k / (n * d) for k in (*range(last + 1), *first)], **options)


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The frequencies of `fft` of n samples at distances d: 0, 1, ..., -2, -1 over n d."""
    return _frequencies(n, d, False, {"dtype": dtype, "device": device, "requires_grad": requires_grad})


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The frequencies of `rfft`: those of `fft` that are not negative, and the middle one."""
    return _frequencies(n, d, True, {"dtype": dtype, "device": device, "requires_grad": requires_grad})


def _shifted(input: Tensor, dim: Dims, back: bool) -> Tensor:
    for d in range(input.ndim) if dim is None else integers("fftshift", (dim,)):
        n = input.shape[d]
        first = n // 2 if back else n - n // 2
        input = cat([input.narrow(d, first, n - first), input.narrow(d, 0, first)], d)
    return input


def fftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The frequency 0 moved to the middle."""
    return _shifted(input, dim, back=False)


def ifftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The inverse of `fftshift`."""
    return _shifted(input, dim, back=True)
