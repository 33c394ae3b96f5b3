"""Images of another size: each new element is weighed from a few old ones, one dim after the other."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from candle import Tensor
from candle.nn.functional._resampling import TAPS, resample
from candle.nn.functional.adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from candle.ops._common import integers, unsupported

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

DIMS = {"linear": (1,), "bilinear": (2,), "bicubic": (2,), "trilinear": (3,)}  # others take any of 1, 2 and 3


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Shrink or enlarge: (N, C, *sizes) -> (N, C, *size), or sizes times scale_factor.

    mode is "nearest" (or "nearest-exact"), "area", "linear" (3 dims), "bilinear" or "bicubic" (4), "trilinear" (5).
    With align_corners the outermost elements' centres keep their places, else the image's borders do.

    >>> import candle
    >>> x = candle.tensor([[[0.0, 4.0]]])
    >>> candle.nn.functional.interpolate(x, scale_factor=2)
    tensor([[[0., 0., 4., 4.]]])
    >>> candle.nn.functional.interpolate(x, size=3, mode="linear", align_corners=True)
    tensor([[[0., 2., 4.]]])
    """
    unsupported("interpolate", antialias=antialias)
    dims = _check(input, mode, align_corners)
    sizes, scales = _sizes("interpolate", tuple(input.shape[2:]), size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1](input, sizes)
    out = input
    for d, (new, scale) in enumerate(zip(sizes, scales, strict=True), 2):
        old = input.shape[d]
        if (new == old and mode.endswith("linear")) or (new in (old, 2 * old) and mode == "nearest" and dims == 2):
            scale = None  # so PyTorch, which here looks at the sizes alone
        if new == old and scale in (None, 1.0):
            continue
        out = resample(out, d, new, mode, scale, bool(align_corners))
    return out.clone() if out is input else out


def _check(input: Tensor, mode: str, align_corners: bool | None) -> int:
    if mode not in TAPS:
        raise NotImplementedError(f"interpolate: mode must be one of {', '.join(TAPS)}; got {mode!r}")
    if align_corners is not None and mode not in DIMS:
        raise ValueError(f"interpolate: align_corners is for modes {', '.join(DIMS)}, got mode={mode!r}")
    dims = input.ndim - 2
    if dims not in DIMS.get(mode, (1, 2, 3)):
        raise (NotImplementedError if dims in (1, 2, 3) else ValueError)(
            f"interpolate: mode {mode!r} is for {' or '.join(str(d + 2) for d in DIMS.get(mode, (1, 2, 3)))} dims, "
            f"got an input of shape {tuple(input.shape)}"
        )
    if mode in DIMS and not input.dtype.is_floating_point:
        raise NotImplementedError(f"interpolate: mode {mode!r} is for floating-point inputs, got {input.dtype}")
    if 0 in input.shape[1:]:
        raise RuntimeError(f"interpolate: only the batch may be empty, got an input of shape {tuple(input.shape)}")
    return dims


def _sizes(
    name: str, old: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The sizes wanted; and the factors, where they and not the sizes say how far apart the new elements are."""
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{name}: give either size or scale_factor, got {size} and {scale_factor}")
    given = size if size is not None else scale_factor
    each = tuple(given) if isinstance(given, Sequence | Tensor) else (given,) * len(old)
    if len(each) != len(old):
        raise ValueError(f"{name}: expected {len(old)} numbers for an image of {old}, got {given}")
    if size is not None and recompute:
        raise ValueError(f"{name}: recompute_scale_factor is for scale_factor, got size={size}")
    factors: tuple[float | None, ...] = (None,) * len(old)
    if size is not None:
        new = integers(name, each)
    else:
        new = tuple(int(n * float(factor)) for n, factor in zip(old, each, strict=True))
        factors = factors if recompute else tuple(float(factor) for factor in each)
    if min(new) < 1:
        raise RuntimeError(f"{name}: the new sizes must be positive, got {new} from {old}")
    return new, factors


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate` under its older name."""
    warnings.warn("upsample: deprecated; use interpolate", DeprecationWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "nearest", under its older name."""
    warnings.warn("upsample_nearest: deprecated; use interpolate", DeprecationWarning, stacklevel=2)
    return interpolate(input, size, scale_factor)


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "bilinear" and aligned corners, under its older name."""
    warnings.warn("upsample_bilinear: deprecated; use interpolate", DeprecationWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)
