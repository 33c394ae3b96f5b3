"""Means and norms of what each window sees."""

from __future__ import annotations

from math import prod
from typing import Any

import candle
from candle import Tensor
from candle.nn.functional._windows import batched, namespace, sizes_of, widened, windows
from candle.nn.functional.pooling import pool_options

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d"]


def _avg_pool(
    name: str,
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> Tensor:
    """Windows that reach behind the padding (ceil_mode) count only what lies before its end."""
    if divisor_override == 0:
        raise RuntimeError(f"{name}: divisor_override must not be zero")
    x, single = batched(name, input, dims)
    options = pool_options(name, x, kernel_size, stride, padding, 1, ceil_mode)
    kernel, stride = options["kernel"], options["stride"]
    seen = windows(namespace(x), widened(namespace(x), x, options["padding"]), kernel, stride, (1,) * dims)
    places = tuple(seen.shape[2 + dims :])
    seen = seen.permute(*range(2, 2 + dims), 0, 1, *range(2 + dims, 2 + 2 * dims))
    total = seen.reshape(prod(kernel), *x.shape[:2], *places).sum(0, dtype=x.dtype)  # quick as the copy is in order
    out = _divided(total, divisor_override or prod(kernel))
    if divisor_override is None and any(map(any, options["padding"])):
        most = sizes_of(name, "padding", padding, dims, least=0) if count_include_pad else (0,) * dims
        sizes = candle.ones((), dtype=candle.int64, device=x.device)
        for d, (before, _) in enumerate(options["padding"]):
            starts = candle.arange(total.shape[2 + d], device=x.device) * stride[d] - before
            ends = (starts + kernel[d]).clamp(max=x.shape[2 + d] + most[d])
            sizes = sizes.unsqueeze(-1) * (ends - starts.clamp(min=-most[d]))
        out = _divided(total, sizes.to(x.dtype))
    return out.squeeze(0) if single else out


def _divided(total: Tensor, sizes: Any) -> Tensor:
    return total / sizes if total.dtype.is_floating_point else total.div(sizes, rounding_mode="trunc").to(total.dtype)


def _lp_pool(
    name: str, dims: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    """The mean of the powers, times the size of a window that is whole (so PyTorch, also at the end with ceil_mode)."""
    size = prod(sizes_of(name, "kernel_size", kernel_size, dims))
    mean = _avg_pool(name, dims, input**norm_type, kernel_size, stride, 0, ceil_mode, True)
    return (mean.sign() * mean.abs().relu() * size) ** (1.0 / norm_type)


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window: (N, C, L) or (C, L) -> (N, C, L') or (C, L').

    >>> import candle
    >>> candle.nn.functional.avg_pool1d(candle.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    tensor([[2.0000, 3.5000]])
    """
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: (N, C, H, W) -> (N, C, H', W').

    count_include_pad: the zeros of the padding count; divisor_override: what to divide the sums by.
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: (N, C, D, H, W) -> (N, C, D', H', W')."""
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norm (sum x^p)^(1/p) of each window, over one dim."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norm (sum x^p)^(1/p) of each window, over two dims."""
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norm (sum x^p)^(1/p) of each window, over three dims."""
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)
