"""Channels into space and back, channels in another order, and padding."""

from __future__ import annotations

from candle import Tensor
from candle.ops.padding import pad

__all__ = ["channel_shuffle", "pad", "pixel_shuffle", "pixel_unshuffle"]


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """r r channels as a tile of r x r pixels: (..., C r r, H, W) -> (..., C, H r, W r).

    >>> import candle
    >>> candle.nn.functional.pixel_shuffle(candle.arange(4).reshape(4, 1, 1), 2)
    tensor([[[0, 1],
             [2, 3]]])
    """
    r = _factor("pixel_shuffle", "upscale_factor", input, upscale_factor)
    *lead, channels, height, width = input.shape
    if channels % (r * r):
        raise RuntimeError(f"pixel_shuffle: {channels} channels do not divide by upscale_factor^2 = {r * r}")
    tiles = input.reshape(*lead, channels // (r * r), r, r, height, width)
    n = len(lead)
    tiles = tiles.permute(*range(n + 1), n + 3, n + 1, n + 4, n + 2)
    return tiles.reshape(*lead, channels // (r * r), height * r, width * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """The opposite: (..., C, H r, W r) -> (..., C r r, H, W)."""
    r = _factor("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    *lead, channels, height, width = input.shape
    if height % r or width % r:
        raise RuntimeError(f"pixel_unshuffle: an image of {(height, width)} does not divide by downscale_factor = {r}")
    tiles = input.reshape(*lead, channels, height // r, r, width // r, r)
    n = len(lead)
    tiles = tiles.permute(*range(n + 1), n + 2, n + 4, n + 1, n + 3)
    return tiles.reshape(*lead, channels * r * r, height // r, width // r)


def _factor(name: str, option: str, input: Tensor, factor: int) -> int:
    if input.ndim < 3:
        raise RuntimeError(f"{name}: expected (..., channels, height, width), got shape {tuple(input.shape)}")
    if factor < 1:
        raise RuntimeError(f"{name}: {option} must be positive, got {factor}")
    return factor.__index__()


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The first channel of every group, then the second of every group, and so on: (N, C, ...) -> (N, C, ...).

    >>> import candle
    >>> candle.nn.functional.channel_shuffle(candle.arange(4).reshape(1, 4, 1), 2).reshape(-1)
    tensor([0, 2, 1, 3])
    """
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle: expected (N, C, ...), got shape {tuple(input.shape)}")
    if groups < 1 or input.shape[1] % groups:
        raise RuntimeError(f"channel_shuffle: groups must divide the {input.shape[1]} channels, got {groups}")
    parts = input.reshape(input.shape[0], groups, input.shape[1] // groups, *input.shape[2:])
    return parts.transpose(1, 2).reshape(input.shape)
