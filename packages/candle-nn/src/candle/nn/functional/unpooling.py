"""Max pooling undone: what was the largest goes back to where it stood, among zeros."""

from __future__ import annotations

from math import prod
from typing import Any

import candle
from candle import Tensor
from candle.nn.functional._windows import batched, sizes_of

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def _max_unpool(
    name: str,
    dims: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    if input.shape != indices.shape:
        raise RuntimeError(
            f"{name}: input and indices must have one shape, got {tuple(input.shape)} and {tuple(indices.shape)}"
        )
    if indices.dtype is not candle.int64:
        raise RuntimeError(f"{name}: indices must be int64, got {indices.dtype}")
    x, single = batched(name, input, dims)
    kernel = sizes_of(name, "kernel_size", kernel_size, dims)
    stride = kernel if stride is None or stride in ((), []) else sizes_of(name, "stride", stride, dims)
    padding = sizes_of(name, "padding", padding, dims, least=0)
    sizes = tuple((n - 1) * s - 2 * p + k for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True))
    if output_size is not None:
        wanted = tuple(output_size)[-dims:]
        if len(output_size) not in (dims, dims + 1, dims + 2) or any(
            not n - s < w < n + s for n, s, w in zip(sizes, stride, wanted, strict=True)
        ):
            raise ValueError(f"{name}: output_size must lie within a stride of {sizes}, got {tuple(output_size)}")
        sizes = wanted
    lead = tuple(x.shape[:2])
    flat, places = x.reshape(*lead, prod(x.shape[2:])), indices.reshape(*lead, prod(x.shape[2:]))
    if places.numel() and (int(places.min()) < 0 or int(places.max()) >= prod(sizes)):
        raise RuntimeError(f"{name}: indices must lie in an output of {sizes}; give the output_size that was pooled")
    out = x.new_zeros(*lead, prod(sizes)).scatter(2, places, flat).reshape(*lead, *sizes)
    return out.squeeze(0) if single else out


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """What `max_pool1d(..., return_indices=True)` gave, put back; the rest is zero.

    >>> import candle
    >>> from candle.nn import functional as F
    >>> F.max_unpool1d(*F.max_pool1d(candle.tensor([[1.0, 3.0, 2.0, 5.0]]), 2, return_indices=True), 2)
    tensor([[0., 3., 0., 5.]])
    """
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """What `max_pool2d(..., return_indices=True)` gave, put back; the rest is zero."""
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """What `max_pool3d(..., return_indices=True)` gave, put back; the rest is zero."""
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)
