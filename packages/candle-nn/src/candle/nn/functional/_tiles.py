"""Windows that lie side by side, as max pooling's mostly do: their elements are moved together, not gathered."""

from __future__ import annotations

from math import prod
from typing import Any

from candle.nn.functional._windows import Array, Sizes, Widths, widened

FEW = 16  # elements of a window, which may be looked at one after the other


def large_tiles(kernel: Sizes, stride: Sizes, padding: Widths, dilation: Sizes) -> bool:
    """Whether windows of many elements lie side by side: each can be a row then."""
    return prod(kernel) > FEW and kernel == stride and max(dilation) == 1 and max(map(max, padding)) <= 0


def tiles(xp: Any, x: Array, kernel: Sizes, padding: Widths) -> Array:
    """All windows, as rows: (N, C, *sizes) -> (N, C, *places, elements)."""
    x, dims = widened(xp, x, padding), len(kernel)
    pairs = (each for n, k in zip(x.shape[2:], kernel, strict=True) for each in (n // k, k))
    apart = xp.reshape(x, (*x.shape[:2], *pairs))
    apart = xp.permute_dims(apart, (0, 1, *range(2, 2 + 2 * dims, 2), *range(3, 3 + 2 * dims, 2)))
    return xp.reshape(apart, (*apart.shape[: 2 + dims], prod(kernel)))


def laid(xp: Any, rows: Array, kernel: Sizes) -> Array:
    """The opposite: (N, C, *places, elements) -> (N, C, *sizes)."""
    lead, places, dims = rows.shape[:2], rows.shape[2:-1], len(kernel)
    apart = xp.reshape(rows, (*lead, *places, *kernel))
    apart = xp.permute_dims(apart, (0, 1, *(d for i in range(dims) for d in (2 + i, 2 + dims + i))))
    return xp.reshape(apart, (*lead, *(n * k for n, k in zip(places, kernel, strict=True))))


def tiled(xp: Any, parts: list[Array], kernel: Sizes) -> Array:
    """The first elements of all windows, the second, and so on, as these lie side by side."""
    for d in reversed(range(len(kernel))):
        rows = [parts[i : i + kernel[d]] for i in range(0, len(parts), kernel[d])]
        shape = tuple(n * kernel[d] if i == 2 + d else n for i, n in enumerate(parts[0].shape))
        parts = [xp.reshape(xp.stack(row, axis=3 + d), shape) for row in rows]
    return parts[0]
