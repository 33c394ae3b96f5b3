"""Window functions: M weights that rise from the edges to the middle.

A symmetric window (`sym=True`) is for designing filters; a periodic one, which is the symmetric one of M + 1 points
without its last, for spectra. In the formulas n = 0, ..., M - 1 and N = M - 1 (symmetric) or M (periodic).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from candle import _dtypes
from candle._tensor import Tensor
from candle.ops import arange, i0, ones

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def _window(name: str, shape: Callable[[Tensor, int], Tensor], M: int, sym: bool, options: dict[str, Any]) -> Tensor:
    """shape(n, N), once the arguments have been looked at."""
    dtype, device = options.pop("dtype", None) or _dtypes.get_default_dtype(), options.pop("device", None)
    layout, requires_grad = options.pop("layout", "strided"), options.pop("requires_grad", False)
    if options:
        raise TypeError(f"{name}: unexpected arguments {', '.join(options)}")
    if M < 0:
        raise ValueError(f"{name}: the length M must not be negative, got {M}")
    if layout != "strided":
        raise ValueError(f"{name}: the only layout is candle.strided, got {layout}")
    if dtype not in (_dtypes.float32, _dtypes.float64):
        raise ValueError(f"{name}: expected dtype float32 or float64, got {dtype}")
    if M < 2:
        return ones(M, dtype=dtype, device=device, requires_grad=requires_grad)
    n = arange(M, dtype=dtype, device=device)
    return shape(n, M - 1 if sym else M).requires_grad_(requires_grad)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """A triangle: 1 - |2n/N - 1|.

    >>> import candle
    >>> candle.signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    return _window("bartlett", lambda n, N: 1 - (2 * n / N - 1).abs(), M, sym, options)


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """exp(-|n - center| / tau); the center is N/2 if not given."""
    if tau <= 0:
        raise ValueError(f"exponential: tau must be positive, got {tau}")
    if sym and center is not None:
        raise ValueError("exponential: a symmetric window has its center in the middle; use sym=False to give one")

    def shape(n: Tensor, N: int) -> Tensor:
        return (-(n - (N / 2 if center is None else center)).abs() / tau).exp()

    return _window("exponential", shape, M, sym, options)


def cosine(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Half a wave: sin(pi (n + 1/2) / (N + 1))."""
    return _window("cosine", lambda n, N: (math.pi / (N + 1) * (n + 0.5)).sin(), M, sym, options)


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """exp(-(n - N/2)^2 / (2 std^2))."""
    if std <= 0:
        raise ValueError(f"gaussian: std must be positive, got {std}")
    return _window("gaussian", lambda n, N: (-(((n - N / 2) / std) ** 2) / 2).exp(), M, sym, options)


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Tensor:
    """I_0(beta sqrt(1 - (2n/N - 1)^2)) / I_0(beta)."""
    if beta < 0:
        raise ValueError(f"kaiser: beta must not be negative, got {beta}")

    def shape(n: Tensor, N: int) -> Tensor:
        return i0(beta * (1 - (2 * n / N - 1) ** 2).clamp(min=0).sqrt()) / i0(n[:1] * 0 + beta)

    return _window("kaiser", shape, M, sym, options)


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, **options: Any) -> Tensor:
    """The sum of (-1)^i a_i cos(2 pi i n / N)."""
    if not isinstance(a, Iterable):
        raise TypeError(f"general_cosine: a must be a list of coefficients, got {a!r}")
    weights = list(a)
    if not weights:
        raise ValueError("general_cosine: a must have at least one coefficient")

    def shape(n: Tensor, N: int) -> Tensor:
        waves = [(-1) ** i * w * (2 * math.pi * i / N * n).cos() for i, w in enumerate(weights)]
        return sum(waves[1:], waves[0])

    return _window("general_cosine", shape, M, sym, options)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Tensor:
    """alpha - (1 - alpha) cos(2 pi n / N)."""
    return general_cosine(M, a=[alpha, 1 - alpha], sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.54 - 0.46 cos(2 pi n / N)."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """(1 - cos(2 pi n / N)) / 2."""
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)."""
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Nuttall's four terms with the lowest side lobes."""
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, **options)
