"""The short-time Fourier transform: transforms of overlapping pieces of a signal."""

from __future__ import annotations

import candle
from candle import _dtypes
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import unsupported
from candle.ops.complexes import view_as_real
from candle.ops.creation import arange, ones
from candle.ops.joining import cat
from candle.ops.padding import pad

__all__ = ["istft", "stft"]


def _prepared(
    name: str, input: Tensor, n_fft: int, hop: int | None, win_length: int | None, window: Tensor | None
) -> tuple[int, Tensor]:
    """The distance between pieces, and a window of n_fft."""
    hop = n_fft // 4 if hop is None else hop
    win_length = n_fft if win_length is None else win_length
    if hop < 1 or not 0 < win_length <= n_fft:
        raise RuntimeError(f"{name}: expected hop_length > 0 and 0 < win_length <= {n_fft}, got {hop} and {win_length}")
    if window is None:
        real = input.dtype.to_real() if name == "istft" else input.dtype
        window = ones(win_length, dtype=real, device=input.device)
    if tuple(window.shape) != (win_length,):
        raise RuntimeError(f"{name}: expected a window of shape ({win_length},), got {tuple(window.shape)}")
    left = (n_fft - win_length) // 2
    parts = [window.new_zeros(left), window, window.new_zeros(n_fft - win_length - left)]
    return hop, window if win_length == n_fft else cat(parts)


def _places(frames: int, hop: int, n_fft: int, like: Tensor) -> Tensor:
    """Which elements of the signal make each piece, one piece after the other."""
    starts = arange(frames, device=like.device).reshape(frames, 1) * hop
    return (starts + arange(n_fft, device=like.device)).reshape(-1)


@method()
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The Fourier transforms of pieces of n_fft elements, `hop_length` apart: (batch, frequencies, pieces)."""
    unsupported("stft", align_to_window=align_to_window)
    if input.ndim not in (1, 2) or input.dtype.category < _dtypes.FLOAT:
        raise RuntimeError(f"stft: expected (batch, length) of floats, got {tuple(input.shape)} {input.dtype}")
    hop, weights = _prepared("stft", input, n_fft, hop_length, win_length, window)
    is_complex = input.dtype.is_complex or weights.dtype.is_complex
    if return_complex is None and not is_complex:
        raise RuntimeError("stft: give return_complex for real input; True is the one to use")
    x = input if input.ndim == 2 else input[None]
    if center:
        x = pad(x[:, None], [n_fft // 2, n_fft // 2], pad_mode)[:, 0]
    if not 0 < n_fft <= x.shape[-1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {x.shape[-1]}, the length of the signal, got {n_fft}")
    frames = 1 + (x.shape[-1] - n_fft) // hop
    pieces = x.index_select(-1, _places(frames, hop, n_fft, x)).reshape(-1, frames, n_fft) * weights
    if onesided and is_complex:
        raise RuntimeError("stft: the transform of complex input has two sides; use onesided=False")
    transform = candle.fft.fft if is_complex or onesided is False else candle.fft.rfft
    out = transform(pieces, norm="ortho" if normalized else None).transpose(-2, -1)
    out = out if input.ndim == 2 else out[0]
    return out if return_complex or return_complex is None else view_as_real(out)


@method()
def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal of `stft`: the pieces transformed back, and added where they overlap.

    Griffin and Lim, "Signal estimation from modified short-time Fourier transform" (1984), equation 6.
    """
    if input.ndim not in (2, 3) or not input.dtype.is_complex or not input.numel():
        raise RuntimeError(
            f"istft: expected complex (batch, frequencies, pieces), got {tuple(input.shape)} {input.dtype}"
        )
    hop, weights = _prepared("istft", input, n_fft, hop_length, win_length, window)
    x = (input if input.ndim == 3 else input[None]).transpose(-2, -1)
    frames, found = x.shape[-2:]
    onesided = found != n_fft if onesided is None else onesided
    if found != (n_fft // 2 + 1 if onesided else n_fft):
        raise RuntimeError(f"istft: {found} frequencies do not fit n_fft={n_fft} and onesided={onesided}")
    if return_complex and onesided:
        raise RuntimeError("istft: one side makes a real signal; use onesided=False with return_complex")
    norm = "ortho" if normalized else None
    if return_complex:
        pieces = candle.fft.ifft(x, norm=norm)
    else:  # of a real signal, half the transform is enough
        pieces = candle.fft.irfft(x[..., : n_fft // 2 + 1], n_fft, norm=norm)
    full, places = n_fft + hop * (frames - 1), _places(frames, hop, n_fft, x)
    pieces = (pieces * weights).reshape(x.shape[0], -1)
    signal = pieces.new_zeros(x.shape[0], full).index_add(1, places, pieces)
    squares = (weights * weights).expand(frames, n_fft).reshape(-1)
    envelope = squares.new_zeros(full).index_add(0, places, squares)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else full - start
    signal, envelope = signal[:, start:end], envelope[start:end]
    if bool((envelope.abs() < 1e-11).any()):
        raise RuntimeError("istft: some elements are in no piece (the squared windows there add up to 0)")
    signal = signal / envelope
    if end > full:
        signal = cat([signal, signal.new_zeros(x.shape[0], end - full)], -1)
    return signal if input.ndim == 3 else signal[0]
