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
    seen, _ = columns(xp, x, kernel, groups=groups, **how)
    total = over_places(xp, seen, grad)  # (groups, C/groups * kernel, O/groups)
    return xp.reshape(transposed(xp, total), (grad.shape[1], x.shape[1] // groups, *kernel))


def over_places(xp: Any, seen: Array, x: Array) -> Array:
    """Products summed: (N, groups, K, places), (N, C, *sizes), as many as places -> (groups, K, C/groups)."""
    n, groups, _, places = seen.shape
    rows = xp.reshape(x, (n, groups, x.shape[1] // groups, places))
    return xp.sum(xp.matmul(seen, transposed(xp, rows)), axis=0)  # quicker than its transpose, rows @ seen^T


def scatter(
    xp: Any, grad: Array, weight: Array, sizes: Sizes, *, stride: Sizes, padding: Widths, dilation: Sizes, groups: int
) -> Array:
    """Each output's gradient to what it was made of: (N, O, *places), (O, C/groups, *kernel) -> (N, C, *sizes)."""
    if turns(grad, weight, stride, groups):
        around = outside(grad, weight, sizes, padding, dilation)
        return correlate(
            xp, grad, turned(xp, weight, groups), stride=stride, padding=around, dilation=dilation, groups=groups
        )
    n, outs, *places = grad.shape
    channels, kernel = weight.shape[1], tuple(weight.shape[2:])
    rows = xp.reshape(weight, (groups, outs // groups, channels * prod(kernel)))
    each = xp.matmul(transposed(xp, rows), xp.reshape(grad, (n, groups, outs // groups, prod(places))))
    each = xp.reshape(each, (n, groups * channels, *kernel, *places))
    wide = tuple(size + before + after for size, (before, after) in zip(sizes, padding, strict=True))
    return narrowed(xp, overlap_add(xp, each, wide, stride, dilation), padding)


def both(
    xp: Any, grad: Array, x: Array, weight: Array, *, stride: Sizes, padding: Widths, dilation: Sizes, groups: int
) -> tuple[Array, Array]:
    """`scatter` to x and `products` for weight, where `turns`: one look at the gradient's windows serves both."""
    channels, kernel = weight.shape[1], tuple(weight.shape[2:])
    around = outside(grad, weight, x.shape[2:], padding, dilation)
    seen, _ = columns(xp, grad, kernel, stride=stride, padding=around, dilation=dilation, groups=groups)
    rows = xp.reshape(turned(xp, weight, groups), (groups, channels, -1))
    dx = xp.reshape(xp.matmul(rows, seen), x.shape)
    total = xp.reshape(over_places(xp, seen, xp.conj(x)), (weight.shape[0], *kernel, channels))
    dims = range(1, 1 + len(kernel))
    return dx, xp.flip(xp.permute_dims(total, (0, 1 + len(kernel), *dims)), axis=tuple(1 + d for d in dims))


def turns(grad: Array, weight: Array, stride: Sizes, groups: int) -> bool:
    """Whether a gradient goes back quicker by a convolution with the kernel turned round."""
    return max(stride) == 1 and grad.shape[1] <= 2 * weight.shape[1] * groups


def turned(xp: Any, weight: Array, groups: int) -> Array:
    """The kernel back to front, and from outputs to inputs: (O, C/groups, *kernel) -> (C, O/groups, *kernel)."""
    outs, channels, *kernel = weight.shape
    dims = range(3, 3 + len(kernel))
    rows = xp.permute_dims(xp.reshape(weight, (groups, outs // groups, channels, *kernel)), (0, 2, 1, *dims))
    rows = xp.reshape(rows, (groups * channels, outs // groups, *kernel))
    return xp.flip(rows, axis=tuple(d - 1 for d in dims))


def outside(grad: Array, weight: Array, sizes: Sizes, padding: Widths, dilation: Sizes) -> Widths:
    """The padding with which the turned kernel gives back the input's sizes."""
    each = zip(sizes, grad.shape[2:], weight.shape[2:], padding, dilation, strict=True)
    return tuple((d * (k - 1) - before, n - places + before) for n, places, k, (before, _), d in each)


def plus(xp: Any, out: Array, bias: Array | None) -> Array:
    return out if bias is None else out + xp.reshape(bias, (-1, *(1,) * (out.ndim - 2)))


def over_channels(xp: Any, grad: Array) -> Array:
    return xp.sum(grad, axis=(0, *range(2, grad.ndim)))
