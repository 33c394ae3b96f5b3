"""Max pooling: the largest of what each window sees, and where it stands."""

from __future__ import annotations

from math import prod
from typing import Any

import candle
from candle import Tensor
from candle._apply import apply
from candle.nn.functional._windows import (
    Array,
    Sizes,
    Widths,
    batched,
    covered,
    namespace,
    narrowed,
    overlap_add,
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

    name, reads = "max_pool", {"x": "x out"}

    def forward(xp, x, *, kernel, stride, padding, dilation):
        return xp.max(elements(xp, x, kernel, stride, padding, dilation), axis=0)

    def vjp(xp, needs, grad, out, x, *, kernel, stride, padding, dilation):
        order, first = first_largest(xp, x, out, kernel, stride, padding, dilation)
        shares = xp.where(xp.equal(order, first), grad, xp.zeros((), dtype=grad.dtype))
        shares = xp.permute_dims(shares, (1, 2, 0, *range(3, shares.ndim)))
        seen = xp.reshape(shares, (*out.shape[:2], *kernel, *out.shape[2:]))
        sizes = tuple(n + before + after for n, (before, after) in zip(x.shape[2:], padding, strict=True))
        return (narrowed(xp, overlap_add(xp, seen, sizes, stride, dilation), padding),)


def elements(xp: Any, x: Array, kernel: Sizes, stride: Sizes, padding: Widths, dilation: Sizes) -> Array:
    """The first element of each window, the second, and so on: (N, C, *sizes) -> (prod(kernel), N, C, *places)."""
    seen = windows(xp, widened(xp, x, padding, lowest(xp, x.dtype)), kernel, stride, dilation)
    dims = len(kernel)
    seen = xp.permute_dims(seen, (*range(2, 2 + dims), 0, 1, *range(2 + dims, 2 + 2 * dims)))
    return xp.reshape(seen, (prod(kernel), *seen.shape[dims:]))


def lowest(xp: Any, dtype: Any) -> Any:
    """What no element is smaller than."""
    for bits in (8, 16, 32, 64):
        if dtype == getattr(xp, f"int{bits}", None):
            return -(2 ** (bits - 1))
        if dtype == getattr(xp, f"uint{bits}", None):
            return 0
    return -float("inf")


def first_largest(
    xp: Any, x: Array, out: Array, kernel: Sizes, stride: Sizes, padding: Widths, dilation: Sizes
) -> tuple[Array, Array]:
    """A number for each element of a window, in order, and that of the first which is the largest.

    Elements of the padding have the number behind all others.
    """
    count = prod(kernel)
    dtype = xp.int8 if count < 128 else xp.int32
    beyond = xp.full((), count, dtype=dtype)
    order = xp.reshape(xp.arange(count, dtype=dtype), (*kernel, *(1,) * out.ndim))
    if any(map(any, padding)):
        for d, place in enumerate(positions(xp, out.shape[2:], kernel, stride, padding, dilation)):
            inside = xp.logical_and(xp.less(-1, place), xp.less(place, x.shape[2 + d]))
            order = xp.where(inside, order, beyond)
    order = xp.reshape(order, (count, *order.shape[len(kernel) :]))
    seen = elements(xp, x, kernel, stride, padding, dilation)
    largest = xp.logical_or(xp.equal(seen, out), xp.isnan(seen))
    return order, xp.min(xp.where(largest, order, beyond), axis=0)


def positions(xp: Any, places: Sizes, kernel: Sizes, stride: Sizes, padding: Widths, dilation: Sizes) -> list[Array]:
    """For each dim, where the elements of the windows stand in it: (*kernel, 1, 1, *places), ones in other dims."""
    dims, found = len(kernel), []
    for d in range(dims):
        ones = [1] * (2 + 2 * dims)
        taps, starts = xp.arange(kernel[d]) * dilation[d], xp.arange(places[d]) * stride[d] - padding[d][0]
        ones[d] = kernel[d]
        taps = xp.reshape(taps, tuple(ones))
        ones[d], ones[2 + dims + d] = 1, places[d]
        found.append(taps + xp.reshape(starts, tuple(ones)))
    return found


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
    xp = namespace(x)
    first = first_largest(xp, x.detach(), out.detach(), kernel, stride, padding, dilation)[1].to(candle.int64)
    index = candle.zeros_like(first)
    starts = positions(xp, tuple(out.shape[2:]), (1,) * len(kernel), stride, padding, dilation)
    for d, start in enumerate(starts):
        tap = first // prod(kernel[d + 1 :]) % kernel[d]
        index = index * x.shape[2 + d] + (start.reshape(start.shape[len(kernel) :]) + tap * dilation[d])
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
