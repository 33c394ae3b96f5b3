"""Differences, derivatives by differences, and integrals by trapezoids, along a dim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from candle import _dtypes
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import many_dims, one_dim
from candle.ops.cumulative import cumsum
from candle.ops.joining import cat
from candle.ops.slicing import slice_dim

__all__ = ["cumulative_trapezoid", "diff", "gradient", "trapezoid", "trapz"]


def _neighbours(input: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """All elements but the first, and all but the last."""
    size = input.shape[dim]
    return slice_dim(input, dim, min(1, size), size), slice_dim(input, dim, 0, max(size - 1, 0))


@method()
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The n-th differences of neighbours along a dim; `prepend` and `append` are joined to it first.

    >>> import candle
    >>> candle.tensor([1, 4, 9, 16]).diff()
    tensor([3, 5, 7])
    """
    if not input.ndim:
        raise RuntimeError("diff: a 0-d tensor has no neighbours")
    if n < 0:
        raise RuntimeError(f"diff: the order must not be negative, got {n}")
    dim = one_dim(dim, input.ndim)
    parts = [x for x in (prepend, input, append) if x is not None]
    result = cat(parts, dim) if len(parts) > 1 and n else input.clone() if not n else input
    for _ in range(min(n, result.shape[dim])):
        after, before = _neighbours(result, dim)
        result = after.logical_xor(before) if result.dtype is _dtypes.bool_ else after - before
    return result


def _panels(name: str, y: Tensor, x: Tensor | None, dx: Any, dim: int) -> tuple[Tensor, int]:
    """Twice the areas between neighbours; as floats, since two small integers' sum may not be one."""
    dim = one_dim(dim, y.ndim)
    if y.dtype.category < _dtypes.FLOAT:
        y = y.to(_dtypes.get_default_dtype() if x is None or x.dtype.category < _dtypes.FLOAT else x.dtype)
    after, before = _neighbours(y, dim)
    if x is None:
        return (after + before) * (1 if dx is None else dx), dim
    if dx is not None:
        raise TypeError(f"{name}: give either x or dx, not both")
    if x.ndim == 1 and x.shape[0] != y.shape[dim]:
        raise RuntimeError(f"{name}: {x.shape[0]} places for {y.shape[dim]} values along dim {dim}")
    widths = diff(x, dim=-1).reshape(-1, *(1,) * (y.ndim - 1 - dim)) if x.ndim == 1 else diff(x, dim=dim - y.ndim)
    return (after + before) * widths, dim


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral of y along a dim: the sum of the trapezoids between values at places x, or dx apart.

    >>> import candle
    >>> candle.trapezoid(candle.tensor([1.0, 2.0, 4.0]))
    tensor(4.5000)
    """
    if not y.shape[one_dim(dim, y.ndim)] if y.ndim else False:
        return y.sum(dim)
    areas, dim = _panels("trapezoid", y, x, dx, dim)
    return areas.sum(dim - y.ndim) / 2.0


trapz = trapezoid


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral of y up to each place but the first."""
    areas, dim = _panels("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(areas, dim - y.ndim) / 2.0


def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> list[Tensor]:
    """The derivative of sampled values along each dim, by central differences; one-sided at the ends.

    `spacing` is the distance of samples (for all dims, or one for each), or the places themselves.

    >>> import candle
    >>> candle.gradient(candle.tensor([1.0, 4.0, 9.0, 16.0]))
    [tensor([3., 4., 6., 7.])]
    """
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    dims = many_dims(dim, input.ndim) or tuple(range(input.ndim))
    spacing = 1 if spacing is None else spacing
    steps = list(spacing) if isinstance(spacing, Sequence) else [spacing] * len(dims)
    if isinstance(spacing, Sequence) and len(steps) != len(dims):
        raise RuntimeError(f"gradient: {len(steps)} spacings for {len(dims)} dims; give one for each, or one number")
    return [_slope(input, step, d, edge_order) for step, d in zip(steps, dims, strict=True)]


def _slope(input: Tensor, spacing: Any, dim: int, edge_order: int) -> Tensor:
    size = input.shape[dim]
    if size <= edge_order:
        raise RuntimeError(f"gradient: dim {dim} needs at least {edge_order + 1} samples, has {size}")
    gaps = spacing
    if isinstance(spacing, Tensor) and spacing.ndim:
        if spacing.shape != (size,):
            raise RuntimeError(f"gradient: {tuple(spacing.shape)} places for {size} samples along dim {dim}")
        gaps = spacing.diff().reshape([-1 if d == dim else 1 for d in range(input.ndim)])
    slopes = diff(input, dim=dim) / gaps
    right, left = _neighbours(slopes, dim)
    right_gap, left_gap = _neighbours(gaps, dim) if gaps is not spacing else (gaps, gaps)
    middle = (right * left_gap + left * right_gap) / (left_gap + right_gap)  # of the parabola through three samples
    start, end = slice_dim(slopes, dim, 0, 1), slice_dim(slopes, dim, size - 2, size - 1)
    if edge_order == 2:  # that parabola's slope is linear: as far from its chord as the chord from the middle
        start, end = 2 * start - slice_dim(middle, dim, 0, 1), 2 * end - slice_dim(middle, dim, size - 3, size - 2)
    return cat([start, middle, end], dim)
