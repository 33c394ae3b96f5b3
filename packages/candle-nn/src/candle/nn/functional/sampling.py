"""Images looked at elsewhere: values between the pixels (grid_sample), and the places an affine map asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

import candle
from candle import Tensor
from candle.nn.functional._resampling import cubic_weights

__all__ = ["affine_grid", "grid_sample"]


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The image at other places: input (N, C, H, W), grid (N, H', W', 2) of x and y in [-1, 1] -> (N, C, H', W').

    Or (N, C, D, H, W) and (N, D', H', W', 3), of x, y and z. -1 and 1 are the borders of the image, or with
    align_corners the centres of its outermost pixels. mode is "bilinear", "nearest" or (of images) "bicubic";
    what lies outside is zero, or by padding_mode "border" or "reflection" what lies inside.
    """
    _check(input, grid, mode, padding_mode)
    sizes, aligned = tuple(input.shape[2:]), bool(align_corners)
    n, channels = input.shape[:2]
    pixels = input.movedim(1, -1).reshape(n * prod(sizes), channels)
    table = candle.cat([pixels, pixels.new_zeros(1, channels)])  # its last row stands for all that is outside
    # From x to the last dim, y to the one before: (N, places) for each dim of the image
    spots = [_pixels(grid[..., -1 - d].flatten(1), size, aligned) for d, size in enumerate(sizes)]
    if mode != "bicubic":
        spots = [_inside(spot, size, padding_mode, aligned) for spot, size in zip(spots, sizes, strict=True)]
    total = None
    for places, weight in TAPS[mode](spots):
        if mode == "bicubic":
            places = [_inside(each, size, padding_mode, aligned) for each, size in zip(places, sizes, strict=True)]
        part = _values(table, places, weight, sizes)
        total = part if total is None else total + part
    return total.reshape(n, *grid.shape[1:-1], channels).movedim(-1, 1).contiguous()  # type: ignore[union-attr]


def _check(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    shapes = f"an input of shape {tuple(input.shape)} and a grid of shape {tuple(grid.shape)}"
    dims = input.ndim - 2
    if dims not in (2, 3) or grid.ndim != input.ndim or grid.shape[-1] != dims or grid.shape[0] != input.shape[0]:
        raise RuntimeError(
            f"grid_sample: expected (N, C, H, W) and (N, H', W', 2), or (N, C, D, H, W) and (N, D', H', W', 3), "
            f"got {shapes}"
        )
    if mode not in TAPS or (mode == "bicubic" and dims == 3):
        raise (ValueError if mode not in TAPS else RuntimeError)(
            f"grid_sample: mode must be 'bilinear', 'nearest' or (of 4 dims) 'bicubic', got {mode!r} for {shapes}"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(f"grid_sample: padding_mode must be 'zeros', 'border' or 'reflection', got {padding_mode!r}")
    if input.dtype is not grid.dtype:
        raise RuntimeError(f"grid_sample: input and grid must have one dtype, got {input.dtype} and {grid.dtype}")
    if 0 in input.shape[2:]:
        raise RuntimeError(f"grid_sample: there is nothing to look at in {shapes}")


def _pixels(x: Tensor, size: int, aligned: bool) -> Tensor:
    """From -1 .. 1 to pixels, which lie at 0 .. size - 1."""
    return (x + 1) / 2 * (size - 1) if aligned else ((x + 1) * size - 1) / 2


def _inside(x: Tensor, size: int, padding_mode: str, aligned: bool) -> Tensor:
    """Places outside of the image as places inside it, or as they are."""
    if padding_mode == "zeros":
        return x
    if padding_mode == "reflection":
        low, span = (0.0, size - 1.0) if aligned else (-0.5, float(size))
        if not span:
            return candle.zeros_like(x)
        far = x - low
        far = candle.where(far < 0, -far, far)
        turns = (far / span).detach().floor()
        rest = far - turns * span
        x = candle.where(turns % 2 == 0, rest, span - rest) + low
    return candle.where((x > 0) & (x < size - 1), x, x.detach().nan_to_num(0.0).clamp(0, size - 1))


def _values(table: Tensor, places: Sequence[Tensor], weight: Tensor | None, sizes: Sequence[int]) -> Tensor:
    """Weighed pixels, (N * places, C); zero outside of the image."""
    n = places[0].shape[0]
    index, seen = candle.arange(n, device=table.device).unsqueeze(1), candle.ones_like(places[0], dtype=candle.bool)
    for place, size in zip(places, sizes, strict=True):
        place = place.detach()
        within = (place > -1) & (place < size)
        seen = seen & within
        index = index * size + candle.where(within, place, 0.0).to(candle.int64)
    found = table.index_select(0, candle.where(seen, index, n * prod(sizes)).reshape(-1))
    return found if weight is None else found * weight.masked_fill(~seen, 0.0).reshape(-1, 1)


Corner = tuple[list[Tensor], Tensor | None]  # where pixels stand in each dim, and what they count for


def _nearest(spots: list[Tensor]) -> Iterator[Corner]:
    yield [spot.detach().round() for spot in spots], None


def _linear(spots: list[Tensor]) -> Iterator[Corner]:
    """The two neighbours in each dim, the nearer the more."""
    lefts = [spot.detach().floor() for spot in spots]
    yield from _corners(lefts, [(1 - (spot - left), spot - left) for spot, left in zip(spots, lefts, strict=True)])


def _cubic(spots: list[Tensor]) -> Iterator[Corner]:
    """The four neighbours in each dim, by a cubic."""
    lefts = [spot.detach().floor() for spot in spots]
    weights = [cubic_weights(spot - left) for spot, left in zip(spots, lefts, strict=True)]
    yield from _corners([left - 1 for left in lefts], weights)


def _corners(firsts: list[Tensor], weights: Sequence[Sequence[Tensor]]) -> Iterator[Corner]:
    for taps in product(range(len(weights[0])), repeat=len(firsts)):
        weight = weights[0][taps[0]]
        for each, tap in zip(weights[1:], taps[1:], strict=True):
            weight = weight * each[tap]
        yield [first + tap for first, tap in zip(firsts, taps, strict=True)], weight


TAPS = {"nearest": _nearest, "bilinear": _linear, "bicubic": _cubic}


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The grid of an affine map: theta (N, 2, 3), size (N, C, H, W) -> (N, H, W, 2); or (N, 3, 4) and five sizes.

    Place (x, y) of the result is looked for at theta (x, y, 1).

    >>> import candle
    >>> candle.nn.functional.affine_grid(candle.tensor([[[1.0, 0, 0], [0, 1, 0]]]), (1, 1, 1, 2), align_corners=True)
    tensor([[[[-1.,  0.],
              [ 1.,  0.]]]])
    """
    dims = len(size) - 2
    if dims not in (2, 3) or tuple(theta.shape) != (size[0], dims, dims + 1):
        raise RuntimeError(
            f"affine_grid: expected theta (N, 2, 3) for a size (N, C, H, W), or (N, 3, 4) for (N, C, D, H, W), "
            f"got {tuple(theta.shape)} and {tuple(size)}"
        )
    if not theta.dtype.is_floating_point:
        raise ValueError(f"affine_grid: theta must be floating-point, got {theta.dtype}")
    if min(size) < 1:
        raise ValueError(f"affine_grid: sizes must be positive, got {tuple(size)}")
    grid = theta[:, :, dims].reshape(-1, *(1,) * dims, dims)
    for d, n in enumerate(size[2:]):
        count = candle.arange(n, dtype=theta.dtype, device=theta.device)
        centres = (2 * count + 1 - n) / max(n - 1 if align_corners else n, 1)
        along = centres.reshape(-1, *(1,) * (dims - d))
        grid = grid + along * theta[:, :, dims - 1 - d].reshape(-1, *(1,) * dims, dims)
    return grid
