"""Pooling into as many even parts as one wants: part i of n is from floor(i size / n) to ceil((i + 1) size / n)."""

from __future__ import annotations

from math import prod
from typing import Any

import candle
from candle import Tensor
from candle.nn.functional._resampling import resample
from candle.nn.functional._windows import Sizes, batched
from candle.nn.functional.averages import avg_pool
from candle.nn.functional.pooling import max_pool

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
]


def _wanted(name: str, x: Tensor, output_size: Any) -> Sizes:
    """The sizes asked for; None keeps one."""
    sizes, dims = tuple(x.shape[2:]), x.ndim - 2
    given = (output_size,) * dims if isinstance(output_size, int) or output_size is None else tuple(output_size)
    given = given * dims if len(given) == 1 else given
    if len(given) != dims or any(n is not None and n < 0 for n in given):
        raise RuntimeError(f"{name}: output_size must be {dims} sizes, got {output_size}")
    if not prod(sizes):
        raise RuntimeError(f"{name}: nothing to pool in an input of shape {tuple(x.shape)}")
    return tuple(n if wanted is None else wanted for n, wanted in zip(sizes, given, strict=True))


def _even(x: Tensor, wanted: Sizes) -> Sizes | None:
    """The size of the parts, where all have one."""
    pairs = list(zip(x.shape[2:], wanted, strict=True))
    return tuple(n // count for n, count in pairs) if all(count and n % count == 0 for n, count in pairs) else None


def parts(size: int, count: int, device: Any) -> Tensor:
    """Where the elements of each part stand, (count, most); a shorter one repeats its last."""
    i = candle.arange(count, device=device).reshape(-1, 1)
    starts, ends = i * size // max(count, 1), -(-(i + 1) * size // max(count, 1))
    most = max((-(-(k + 1) * size // count) - k * size // count for k in range(count)), default=1)
    return (starts + candle.arange(most, device=device)).minimum(ends - 1)


def _adaptive_avg_pool(name: str, dims: int, input: Tensor, output_size: Any) -> Tensor:
    """Windows side by side where the sizes divide; else, the mean over a box is that over one dim after the other."""
    x, single = batched(name, input, dims)
    wanted = _wanted(name, x, output_size)
    if kernel := _even(x, wanted):
        return avg_pool(name, dims, input, kernel)
    x = x if x.dtype.is_floating_point or x.dtype.is_complex else x.float()
    for d, count in enumerate(wanted, 2):
        x = resample(x, d, count, "area") if count else x.narrow(d, 0, 0)
    return x.squeeze(0) if single else x


def _largest(x: Tensor, wanted: Sizes) -> Tensor:
    """Where the first of each part's largest stands, in row-major order: found in the last dim, then in others."""
    stands = candle.arange(prod(x.shape[2:]), device=x.device).reshape(1, 1, *x.shape[2:])
    for d in reversed(range(2, x.ndim)):
        places = parts(x.shape[d], wanted[d - 2], x.device)
        rows, there = x.movedim(d, 0).contiguous(), stands.movedim(d, 0)
        best, where = (each.index_select(0, places[:, 0]) for each in (rows, there))
        for place in places[:, 1:].unbind(1):
            each = rows.index_select(0, place)
            wins = (each > best) | (each.isnan() & ~best.isnan())
            best = candle.where(wins, each, best)
            where = candle.where(wins, there.index_select(0, place), where)
        x, stands = best.movedim(0, d), where.movedim(0, d)
    return stands.expand(x.shape)


def _adaptive_max_pool(name: str, dims: int, input: Tensor, output_size: Any, return_indices: bool = True) -> Any:
    x, single = batched(name, input, dims)
    wanted = _wanted(name, x, output_size)
    if kernel := _even(x, wanted):
        return max_pool(name, dims, input, kernel, return_indices=return_indices)
    indices = _largest(x.detach(), wanted)
    out = x.flatten(2).take_along_dim(indices.flatten(2), 2).reshape(indices.shape)
    out, indices = (out.squeeze(0), indices.squeeze(0)) if single else (out, indices)
    return (out, indices) if return_indices else out


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each part: (N, C, L) -> (N, C, output_size).

    >>> import candle
    >>> candle.nn.functional.adaptive_avg_pool1d(candle.tensor([[1.0, 3.0, 2.0]]), 2)
    tensor([[2.0000, 2.5000]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each part: (N, C, H, W) -> (N, C, *output_size); None keeps a size."""
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each part: (N, C, D, H, W) -> (N, C, *output_size); None keeps a size."""
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of each part: (N, C, L) -> (N, C, output_size). With return_indices, also where they stand."""
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = True
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` that always says where the largest stand, too."""
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of each part: (N, C, H, W) -> (N, C, *output_size); with return_indices, also where they stand."""
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = True
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` that always says where the largest stand, too."""
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of each part: (N, C, D, H, W) -> (N, C, *output_size); with return_indices, also where they stand."""
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = True
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` that always says where the largest stand, too."""
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size)
