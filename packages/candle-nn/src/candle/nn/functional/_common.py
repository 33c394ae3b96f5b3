"""What the families share: writing in place, and how losses end."""

from __future__ import annotations

import warnings
from typing import Any

import candle
from candle import Tensor
from candle._views import assign
from candle.ops._common import HALVES, expect_tensor


def written(input: Tensor, result: Tensor, inplace: bool, name: str) -> Tensor:
    """The result; with `inplace`, the input after the result was written into it."""
    return assign(input, result, name) if inplace else result


def expect_tensors(name: str, **given: Any) -> None:
    """Refuse arrays, lists and None, by the argument's name."""
    for what, x in given.items():
        expect_tensor(name, x, what)


def reduction_of(name: str, size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """How a loss is reduced, also where PyTorch's deprecated `size_average` and `reduce` say it."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(
            f"{name}: size_average and reduce are deprecated; use reduction={reduction!r}",
            DeprecationWarning,
            stacklevel=3,
        )
    return reduction


def in_float32(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors; under autocast those of 16 bits in float32, in which losses are computed then."""
    return tuple(t.float() if t.dtype in HALVES and candle.is_autocast_enabled(t.device.type) else t for t in tensors)


def reduced(name: str, losses: Tensor, reduction: str) -> Tensor:
    """All losses, their mean or their sum."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{name}: {reduction!r} is not a reduction: expected 'none', 'mean' or 'sum'")
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()
