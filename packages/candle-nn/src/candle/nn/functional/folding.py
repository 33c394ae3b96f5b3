"""Windows of an image as columns, and columns back into an image."""

from __future__ import annotations

from math import prod
from typing import Any

from candle import Tensor
from candle.nn.functional._windows import (
    Sizes,
    batched,
    counts,
    namespace,
    narrowed,
    overlap_add,
    sizes_of,
    widened,
    windows,
)

__all__ = ["fold", "unfold"]


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of an image, each as a column: (N, C, H, W) -> (N, C Kh Kw, places).

    >>> import candle
    >>> candle.nn.functional.unfold(candle.arange(6.0).reshape(1, 2, 3), (2, 2))
    tensor([[0., 1.],
            [1., 2.],
            [3., 4.],
            [4., 5.]])
    """
    x, single = batched("unfold", input, 2)
    kernel, stride, dilation, padding = _window_options("unfold", kernel_size, stride, dilation, padding)
    xp = namespace(x)
    x = widened(xp, x, tuple((n, n) for n in padding))
    places = counts(x.shape[2:], kernel, stride, dilation)
    if min(places) < 1:
        raise RuntimeError(f"unfold: windows of {kernel} with dilation {dilation} do not fit {tuple(x.shape[2:])}")
    out: Tensor = windows(xp, x, kernel, stride, dilation).reshape(x.shape[0], x.shape[1] * prod(kernel), prod(places))
    return out.squeeze(0) if single else out


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Columns back into an image, added up where windows overlap: (N, C Kh Kw, places) -> (N, C, H, W)."""
    x, single = batched("fold", input, 1)
    kernel, stride, dilation, padding = _window_options("fold", kernel_size, stride, dilation, padding)
    sizes = sizes_of("fold", "output_size", output_size, 2)
    wide = tuple(n + 2 * p for n, p in zip(sizes, padding, strict=True))
    places = counts(wide, kernel, stride, dilation)
    if x.shape[1] % prod(kernel) or x.shape[2] != prod(places) or min(places) < 1:
        raise RuntimeError(
            f"fold: windows of {kernel} in an image of {sizes} make (N, C * {prod(kernel)}, {prod(places)}), "
            f"got an input of shape {tuple(input.shape)}"
        )
    xp = namespace(x)
    seen = x.reshape(x.shape[0], x.shape[1] // prod(kernel), *kernel, *places)
    out: Tensor = narrowed(xp, overlap_add(xp, seen, wide, stride, dilation), tuple((n, n) for n in padding))
    return out.squeeze(0) if single else out


def _window_options(name: str, kernel: Any, stride: Any, dilation: Any, padding: Any) -> tuple[Sizes, ...]:
    return (
        sizes_of(name, "kernel_size", kernel, 2),
        sizes_of(name, "stride", stride, 2),
        sizes_of(name, "dilation", dilation, 2),
        sizes_of(name, "padding", padding, 2, least=0),
    )
