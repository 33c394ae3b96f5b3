"""Means and norms of what each window sees."""

from __future__ import annotations

import functools
import math
import operator
from math import prod
from typing import Any

from candle import Tensor
from candle._apply import apply
from candle.nn.functional._windows import Array, Sizes, Widths, batched, narrowed, overlap_add, sizes_of, widened
from candle.nn.functional.pooling import max_pool, pool_options, starts
from candle.op import Op

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d"]


class AvgPool(Op):
    """out_i = sum over k of x[stride i + k - padding] / count_i;  dx = grad_i / count_i, at all that window i sees

    count_i is `divisor`, or else how many of those lie inside of x and `margin` elements around it.
    """

    name, promotes, floats = "avg_pool", "x", True

    def forward(xp, x, *, kernel, stride, padding, divisor, margin):
        sizes, total = x.shape[2:], widened(xp, x, padding)
        if tuple(total.shape[2:]) == kernel:  # one window sees all
            total = xp.sum(total, axis=tuple(range(2, x.ndim)), keepdims=True)
        else:
            for d, (k, s) in enumerate(zip(kernel, stride, strict=True), 2):  # the sum over one dim after the other
                total = summed(total, d, k, s)
        return total / (divisor or counted(xp, total, sizes, kernel, stride, padding, margin))

    def vjp(xp, needs, grad, out, x, *, kernel, stride, padding, divisor, margin):
        sizes, dims = tuple(x.shape[2:]), len(kernel)
        share = grad / (divisor or counted(xp, grad, sizes, kernel, stride, padding, margin))
        (n, c, *places), wide = share.shape, [sum(each, n) for n, each in zip(sizes, padding, strict=True)]
        seen = xp.broadcast_to(xp.reshape(share, (n, c, *(1,) * dims, *places)), (n, c, *kernel, *places))
        return (narrowed(xp, overlap_add(xp, seen, tuple(wide), stride, (1,) * dims), padding),)


def summed(x: Array, d: int, k: int, stride: int) -> Array:
    """The sums of k neighbours along a dim; at stride 1 made of the sums of k // 2, in log k steps."""
    reach = (x.shape[d] - k) // stride * stride + 1

    def at(i: int, of: Array) -> Array:
        return of[(*(slice(None),) * d, slice(i, i + reach, stride), ...)]

    if stride > 1 or k < 4:
        return functools.reduce(operator.add, [at(i, x) for i in range(k)])
    halves = summed(x, d, k // 2, 1)
    total = at(0, halves) + at(k // 2, halves)
    return total + at(k - 1, x) if k % 2 else total


def counted(xp: Any, out: Array, sizes: Sizes, kernel: Sizes, stride: Sizes, padding: Widths, margin: Sizes) -> Array:
    """How many elements of each window count."""
    count: Any = 1
    for d, size in enumerate(sizes):
        first = starts(xp, out, d, stride, padding)
        last = xp.minimum(first + kernel[d], size + margin[d])
        count = count * (last - xp.maximum(first, -margin[d]))
    return xp.astype(count, out.dtype)


# What users call


def avg_pool(
    name: str,
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Over any number of dims. Windows that reach behind the padding (ceil_mode) count only what is before its end."""
    if divisor_override == 0:
        raise RuntimeError(f"{name}: divisor_override must not be zero")
    x, single = batched(name, input, dims)
    options = pool_options(name, x, kernel_size, stride, padding, 1, ceil_mode)
    del options["dilation"]
    margin = sizes_of(name, "padding", padding, dims, least=0) if count_include_pad else (0,) * dims
    whole = all(max(widths) <= most for widths, most in zip(options["padding"], margin, strict=True))
    divisor = divisor_override or (prod(options["kernel"]) if whole else None)
    exact = x.dtype.is_floating_point or x.dtype.is_complex
    out: Tensor = apply(AvgPool, x if exact else x.double(), **options, divisor=divisor, margin=margin)
    out = out if exact else out.trunc().to(x.dtype)
    return out.squeeze(0) if single else out


def _lp_pool(
    name: str, dims: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    """The mean of the powers, times the size of a window that is whole (so PyTorch, also at the end with ceil_mode)."""
    if math.isinf(norm_type):  # the largest absolute value, or the smallest
        sign = math.copysign(1.0, norm_type)
        return sign * max_pool(name, dims, sign * input.abs(), kernel_size, stride, 0, 1, ceil_mode, False)
    size = prod(sizes_of(name, "kernel_size", kernel_size, dims))
    mean = avg_pool(name, dims, input**norm_type, kernel_size, stride, 0, ceil_mode)
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
    return avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


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
    return avg_pool(
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
    return avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norm (sum x^p)^(1/p) of each window, over one dim; for p = inf the largest |x|."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norm (sum x^p)^(1/p) of each window, over two dims."""
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norm (sum x^p)^(1/p) of each window, over three dims."""
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)
