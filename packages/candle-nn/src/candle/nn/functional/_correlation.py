"""The three products behind a convolution and its derivatives, each one matmul over windows.

Each takes two of x (N, C, *sizes), weight (O, C/groups, *kernel) and out (N, O, *places), and gives the third.
"""

from __future__ import annotations

from math import prod
from typing import Any

from candle.nn.functional._windows import Array, Sizes, Widths, narrowed, overlap_add, widened, windows
from candle.ops.linalg import transposed


def columns(
    xp: Any, x: Array, kernel: Sizes, *, stride: Sizes, padding: Widths, dilation: Sizes, groups: int
) -> tuple[Array, Sizes]:
    """What each output is made of: (N, C, *sizes) -> (N, groups, C/groups * kernel, places); and the places."""
    seen = windows(xp, widened(xp, x, padding), kernel, stride, dilation)
    n, channels = seen.shape[:2]
    places = tuple(seen.shape[2 + len(kernel) :])
    return xp.reshape(seen, (n, groups, channels // groups * prod(kernel), prod(places))), places


def correlate(xp: Any, x: Array, weight: Array, *, groups: int, **how: Any) -> Array:
    """(N, C, *sizes), (O, C/groups, *kernel) -> (N, O, *places), in one matmul."""
    seen, places = columns(xp, x, tuple(weight.shape[2:]), groups=groups, **how)
    rows = xp.reshape(weight, (groups, weight.shape[0] // groups, prod(weight.shape[1:])))
    return xp.reshape(xp.matmul(rows, seen), (x.shape[0], weight.shape[0], *places))


def products(xp: Any, x: Array, grad: Array, kernel: Sizes, *, groups: int, **how: Any) -> Array:
    """Each output's gradient times what it was made of: (N, C, *sizes), (N, O, *places) -> (O, C/groups, *kernel)."""
    seen, places = columns(xp, x, kernel, groups=groups, **how)
    n, outs = grad.shape[:2]
    each = xp.matmul(xp.reshape(grad, (n, groups, outs // groups, prod(places))), transposed(xp, seen))
    return xp.reshape(xp.sum(each, axis=0), (outs, x.shape[1] // groups, *kernel))


def scatter(
    xp: Any, grad: Array, weight: Array, sizes: Sizes, *, stride: Sizes, padding: Widths, dilation: Sizes, groups: int
) -> Array:
    """Each output's gradient to what it was made of: (N, O, *places), (O, C/groups, *kernel) -> (N, C, *sizes)."""
    n, outs, *places = grad.shape
    channels, kernel = weight.shape[1], tuple(weight.shape[2:])
    rows = xp.reshape(weight, (groups, outs // groups, channels, *kernel))
    if max(stride) == 1 and outs < 2 * channels * groups:  # quicker as a convolution with the kernel turned round
        dims = range(len(kernel))
        rows = xp.reshape(
            xp.permute_dims(rows, (0, 2, 1, *(3 + d for d in dims))), (groups * channels, outs // groups, *kernel)
        )
        before = tuple(dilation[d] * (kernel[d] - 1) - padding[d][0] for d in dims)
        after = tuple(sizes[d] - places[d] + padding[d][0] for d in dims)
        turned = xp.flip(rows, axis=tuple(2 + d for d in dims))
        around = tuple(zip(before, after, strict=True))
        return correlate(xp, grad, turned, stride=stride, padding=around, dilation=dilation, groups=groups)
    rows = xp.reshape(rows, (groups, outs // groups, channels * prod(kernel)))
    each = xp.matmul(transposed(xp, rows), xp.reshape(grad, (n, groups, outs // groups, prod(places))))
    each = xp.reshape(each, (n, groups * channels, *kernel, *places))
    wide = tuple(size + before + after for size, (before, after) in zip(sizes, padding, strict=True))
    return narrowed(xp, overlap_add(xp, each, wide, stride, dilation), padding)


def plus(xp: Any, out: Array, bias: Array | None) -> Array:
    return out if bias is None else out + xp.reshape(bias, (-1, *(1,) * (out.ndim - 2)))


def over_channels(xp: Any, grad: Array) -> Array:
    return xp.sum(grad, axis=(0, *range(2, grad.ndim)))
