"""The standard's Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from candle import fft as fourier
from candle._dtypes import dtype as Dtype
from candle._tensor import Tensor
from candle.array_api._dtypes import expect

ALONG_ONE = {
    **dict.fromkeys(("fft", "ifft", "irfft", "hfft"), "complex floating"),
    **dict.fromkeys(("rfft", "ihfft"), "real floating"),
}
ALONG_SOME = {**dict.fromkeys(("fftn", "ifftn", "irfftn"), "complex floating"), "rfftn": "real floating"}


def _along_one(name: str, kind: str) -> Callable[..., Tensor]:
    def call(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
        expect(name, kind, x)
        return getattr(fourier, name)(x, n, axis, norm)

    return _named(call, name)


def _along_some(name: str, kind: str) -> Callable[..., Tensor]:
    def call(
        x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
    ) -> Tensor:
        expect(name, kind, x)
        return getattr(fourier, name)(x, s, axes, norm)

    return _named(call, name)


def _named(call: Any, name: str) -> Callable[..., Tensor]:
    call.__name__ = call.__qualname__ = name
    call.__doc__ = (getattr(fourier, name).__doc__ or "").strip().split("\n")[0]
    return call


for _name, _kind in ALONG_ONE.items():
    globals()[_name] = _along_one(_name, _kind)
for _name, _kind in ALONG_SOME.items():
    globals()[_name] = _along_some(_name, _kind)


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """The frequencies of fft's results."""
    return fourier.fftfreq(n, d, dtype=dtype, device=device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """The frequencies of rfft's results."""
    return fourier.rfftfreq(n, d, dtype=dtype, device=device)


def fftshift(x: Tensor, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """Frequency zero in the middle."""
    expect("fftshift", "floating", x)
    return fourier.fftshift(x, axes)


def ifftshift(x: Tensor, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """Frequency zero at the front again."""
    expect("ifftshift", "floating", x)
    return fourier.ifftshift(x, axes)
