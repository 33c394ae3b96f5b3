"""Pooling into as many even parts as one wants: part i of n is from floor(i size / n) to ceil((i + 1) size / n)."""

from __future__ import annotations

from math import prod
from typing import Any

import candle
from candle import Tensor
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


def parts(size: int, count: int, device: Any) -> tuple[Tensor, Tensor]:
    """Where the elements of each part stand, (count, most), and which of them repeat its last one."""
    i = candle.arange(count, device=device).reshape(-1, 1)
    starts, ends = i * size // max(count, 1), -(-(i + 1) * size // max(count, 1))
    most = max((-(-(k + 1) * size // count) - k * size // count for k in range(count)), default=1)
    places = starts + candle.arange(most, device=device)
    return places.minimum(ends - 1), places >= ends


def _adaptive_avg_pool(name: str, dims: int, input: Tensor, output_size: Any) -> Tensor:
    """Windows side by side where the sizes divide; else, the mean over a box is that over one dim after the other."""
    x, single = batched(name, input, dims)
    wanted = _wanted(name, x, output_size)
    if kernel := _even(x, wanted):
        return avg_pool(name, dims, input, kernel)
    for d, count in enumerate(wanted, 2):
        places, repeated = parts(x.shape[d], count, x.device)
        seen = x.index_select(d, places.reshape(-1)).reshape(*x.shape[:d], *places.shape, *x.shape[d + 1 :])
        behind = (1,) * (x.ndim - d - 1)
        lengths = (~repeated).sum(1).reshape(-1, *behind).to(x.dtype)
        x = seen.masked_fill(repeated.reshape(*places.shape, *behind), 0).sum(d + 1) / lengths
    return x.squeeze(0) if single else x


def _adaptive_max_pool(name: str, dims: int, input: Tensor, output_size: Any, return_indices: bool = True) -> Any:
    x, single = batched(name, input, dims)
    wanted = _wanted(name, x, output_size)
    if kernel := _even(x, wanted):
        return max_pool(name, dims, input, kernel, return_indices=return_indices)
    stands = candle.zeros((), dtype=candle.int64, device=x.device)  # each element's place, in row-major order
    seen = x
    for d, count in enumerate(wanted):
        places = parts(x.shape[2 + d], count, x.device)[0]
        at = 2 + 2 * d
        seen = seen.index_select(at, places.reshape(-1)).reshape(*seen.shape[:at], *places.shape, *seen.shape[at + 1 :])
        stands = (stands * x.shape[2 + d]).reshape(*stands.shape, 1, 1) + places
    order = (*range(2, 2 + 2 * dims, 2), *range(3, 3 + 2 * dims, 2))
    seen = seen.permute(0, 1, *order).flatten(2 + dims)
    stands = stands.permute([each - 2 for each in order]).flatten(dims)
    best = seen.detach().argmax(-1, keepdim=True)
    out = seen.take_along_dim(best, -1).squeeze(-1)
    indices = stands.expand(seen.shape).take_along_dim(best, -1).squeeze(-1)
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
