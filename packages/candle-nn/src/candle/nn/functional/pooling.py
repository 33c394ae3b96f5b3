"""Max pooling: the largest of what each window sees, and where it stands."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import candle
from candle import Tensor
from candle._apply import apply
from candle.nn.functional._tiles import laid, large_tiles, tiled, tiles
from candle.nn.functional._windows import (
    Array,
    Sizes,
    Widths,
    _steps,
    batched,
    covered,
    namespace,
    narrowed,
    sizes_of,
    widened,
    windows,
)
from candle.op import Op

__all__ = [
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
]


class MaxPool(Op):
    """out_i = max over k of x[stride i + dilation k - padding];  dx = grad, at the first of each window's largest"""

    name, reads = "max_pool", {"x": "x"}  # out may be written into meanwhile: ReLU(inplace=True) follows often

    def forward(xp, x, *, kernel, stride, padding, dilation):
        if large_tiles(kernel, stride, padding, dilation):
            return xp.max(tiles(xp, x, kernel, padding), axis=-1)
        return functools.reduce(xp.maximum, elements(xp, x, kernel, stride, padding, dilation))

    def vjp(xp, needs, grad, out, x, *, kernel, stride, padding, dilation):
        if large_tiles(kernel, stride, padding, dilation):
            seen = tiles(xp, x, kernel, padding)
            first = xp.equal(xp.arange(seen.shape[-1]), xp.argmax(seen, axis=-1, keepdims=True))
            shares = xp.where(first, xp.reshape(grad, (*grad.shape, 1)), xp.zeros((), dtype=grad.dtype))
            return (narrowed(xp, laid(xp, shares, kernel), padding),)
        out = MaxPool.forward(xp, x, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        zero = xp.zeros((), dtype=grad.dtype)
        shares = (xp.where(first, grad, zero) for first in largest(xp, x, out, kernel, stride, padding, dilation))
        if kernel == stride and max(dilation) == 1:
            return (narrowed(xp, tiled(xp, [*shares], kernel), padding),)
        sizes = tuple(n + before + after for n, (before, after) in zip(x.shape[2:], padding, strict=True))
        dx, apart = xp.zeros((*x.shape[:2], *sizes), dtype=grad.dtype), (1,) * len(kernel)
        for tap, share in zip(product(*map(range, kernel)), shares, strict=True):
            share = xp.reshape(share, (*out.shape[:2], *apart, *out.shape[2:]))
            start = (0, 0, *(k * d for k, d in zip(tap, dilation, strict=True)))
            dx = xp.add_strided(dx, share, start=start, steps=_steps(stride, dilation))
        return (narrowed(xp, dx, padding),)


def elements(xp: Any, x: Array, kernel: Sizes, stride: Sizes, padding: Widths, dilation: Sizes) -> Iterator[Array]:
    """The first element of each window, the second, and so on: each (N, C, *places)."""
    seen = windows(xp, widened(xp, x, padding, lowest(xp, x.dtype)), kernel, stride, dilation)
    return (seen[(slice(None), slice(None), *tap, ...)] for tap in product(*map(range, kernel)))


def lowest(xp: Any, dtype: Any) -> Any:
    """What no element is smaller than."""
    for bits in (8, 16, 32, 64):
        if dtype == getattr(xp, f"int{bits}", None):
            return -(2 ** (bits - 1))
        if dtype == getattr(xp, f"uint{bits}", None):
            return 0
    return -float("inf")


def largest(
    xp: Any, x: Array, out: Array, kernel: Sizes, stride: Sizes, padding: Widths, dilation: Sizes
) -> Iterator[Array]:
    """For the first element of each window, the second, and so on: where it is the first that is the largest.

    Elements of the padding never are.
    """
    found = None
    inside = within(xp, x, out, kernel, stride, padding, dilation)
    for each, real in zip(elements(xp, x, kernel, stride, padding, dilation), inside, strict=True):
        hit = xp.logical_or(xp.equal(each, out), xp.isnan(each))
        hit = hit if real is None else xp.logical_and(hit, real)
        yield hit if found is None else xp.logical_and(hit, xp.logical_not(found))
        found = hit if found is None else xp.logical_or(hit, found)


def within(
    xp: Any, x: Array, out: Array, kernel: Sizes, stride: Sizes, padding: Widths, dilation: Sizes
) -> Iterator[Array | None]:
    """Where each of them is no padding; None: everywhere."""
    for tap in product(*map(range, kernel)):
        real = None
        for d in range(len(kernel)):
            if any(padding[d]):
                place = starts(xp, out, d, stride, padding) + tap[d] * dilation[d]
                here = xp.logical_and(xp.less(-1, place), xp.less(place, x.shape[2 + d]))
                real = here if real is None else xp.logical_and(real, here)
        yield real


def starts(xp: Any, out: Array, d: int, stride: Sizes, padding: Widths) -> Array:
    """Where the windows begin in a dim of the input: its number of places, along that dim."""
    places = xp.arange(out.shape[2 + d]) * stride[d] - padding[d][0]
    return xp.reshape(places, tuple(-1 if i == 2 + d else 1 for i in range(out.ndim)))


# What users call


def pool_options(
    name: str, x: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> dict[str, Any]:
    """The attrs of a pooling op: `padding` is what makes the windows cover exactly what they see."""
    dims = x.ndim - 2
    kernel, dilation = sizes_of(name, "kernel_size", kernel, dims), sizes_of(name, "dilation", dilation, dims)
    stride = kernel if stride is None or stride in ((), []) else sizes_of(name, "stride", stride, dims)
    padding = sizes_of(name, "padding", padding, dims, least=0)
    if any(2 * p > d * (k - 1) + 1 for p, k, d in zip(padding, kernel, dilation, strict=True)):
        raise RuntimeError(f"{name}: padding must be half the kernel at most, got {padding} for a kernel of {kernel}")
    sizes = tuple(x.shape[2:])
    places = []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        steps = n + 2 * p - d * (k - 1) - 1
        count = (steps + (s - 1 if ceil_mode else 0)) // s + 1
        places.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)  # none begins in the padding
    if min(places) < 1:
        raise RuntimeError(f"{name}: windows of {kernel} do not fit an input of {sizes} with padding {padding}")
    stride = tuple(k if n == 1 else s for s, k, n in zip(stride, kernel, places, strict=True))  # the same windows
    reach = covered(places, kernel, stride, dilation)
    widths = tuple((p, r - n - p) for p, r, n in zip(padding, reach, sizes, strict=True))
    return {"kernel": kernel, "stride": stride, "padding": widths, "dilation": dilation}


def max_pool(
    name: str,
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> Any:
    """Over any number of dims."""
    x, single = batched(name, input, dims)
    options = pool_options(name, x, kernel_size, stride, padding, dilation, ceil_mode)
    out = apply(MaxPool, x, **options)
    results: tuple[Tensor, ...] = (out, _indices(x, out, **options)) if return_indices else (out,)
    results = tuple(each.squeeze(0) for each in results) if single else results
    return results if return_indices else results[0]


@candle.no_grad()
def _indices(x: Tensor, out: Tensor, *, kernel: Sizes, stride: Sizes, padding: Widths, dilation: Sizes) -> Tensor:
    """Where the first of each window's largest stands, counted in row-major order: (N, C, *places)."""
    xp, seen, index = namespace(x), x.detach(), candle.zeros(out.shape, dtype=candle.int64, device=x.device)
    if large_tiles(kernel, stride, padding, dilation):
        inside, index = tiles(xp, seen, kernel, padding).argmax(-1), index[:1, :1]
        for d, size in enumerate(x.shape[2:]):
            offset = inside // prod(kernel[d + 1 :]) % kernel[d]
            index = index * size + starts(xp, out, d, stride, padding) + offset
        return index
    hits = largest(xp, seen, out.detach(), kernel, stride, padding, dilation)
    for tap, hit in zip(product(*map(range, kernel)), hits, strict=True):
        place = candle.zeros((), dtype=candle.int64, device=x.device)
        for d, step in enumerate(dilation):
            place = place * x.shape[2 + d] + starts(xp, out, d, stride, padding) + tap[d] * step
        index = candle.where(hit, place, index)
    return index


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest in each window: (N, C, L) -> (N, C, L'). With return_indices, also where they stand.

    >>> import candle
    >>> candle.nn.functional.max_pool1d(candle.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    tensor([[3., 5.]])
    """
    return max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest in each window: (N, C, H, W) -> (N, C, H', W'). With return_indices, also where they stand in H W."""
    return max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest in each window: (N, C, D, H, W) -> (N, C, D', H', W')."""
    return max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Tensor, Tensor]:
    """`max_pool1d` that always says where the largest stand, too."""
    return max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d` that always says where the largest stand, too."""
    return max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Tensor, Tensor]:
    """`max_pool3d` that always says where the largest stand, too."""
    return max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode)
