"""Dropout: of elements or of whole channels, to 0 or to where selu saturates."""

from __future__ import annotations

import math
import warnings

import candle
from candle import Tensor
from candle._apply import apply
from candle.nn.functional._common import written
from candle.ops.dropping import Dropout

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, elements are zero with probability p and the others grow by 1 / (1 - p)."""
    return candle.dropout(input, p, training, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """dropout of whole channels. Shape: (N, C, L) or (C, L)."""
    return _of_channels("dropout1d", 1, input, p, training, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """dropout of whole channels. Shape: (N, C, H, W); of (N, C, L), too, the channels are C, as in PyTorch.

    >>> import candle
    >>> dropped = dropout2d(candle.ones(1, 4, 2, 2))
    >>> bool((dropped == dropped[:, :, :1, :1]).all())
    True
    """
    return _of_channels("dropout2d", 2, input, p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """dropout of whole channels. Shape: (N, C, D, H, W) or (C, D, H, W)."""
    return _of_channels("dropout3d", 3, input, p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Elements go to where selu saturates, and all are scaled so that mean 0 and variance 1 stay what they are.

    Klambauer et al. (2017), "Self-normalizing neural networks", section 2.
    """
    return _alpha("alpha_dropout", input, tuple(input.shape), p, training, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """alpha_dropout of whole channels. Shape: (N, C, ...)."""
    if training and p and input.ndim < 2:
        raise RuntimeError(f"feature_alpha_dropout: needs two dims at least, got shape {tuple(input.shape)}")
    return _alpha("feature_alpha_dropout", input, _one_per_channel(input), p, training, inplace)


def _of_channels(name: str, spatial: int, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    _check(name, p)
    batched = spatial + 2
    if input.ndim not in (batched - 1, batched):
        told = f"{name}: expected {batched - 1} or {batched} dims, got shape {tuple(input.shape)}"
        if name == "dropout1d":
            raise RuntimeError(told)
        warnings.warn(told, stacklevel=3)
    if not training or not p:
        return input
    # PyTorch takes three dims for (N, C, L) in dropout2d, but four for (C, D, H, W) in dropout3d
    single = input.ndim == batched - 1 and name != "dropout2d"
    shape = (input.shape[0], *(1,) * (input.ndim - 1)) if single else _one_per_channel(input)
    result: Tensor = apply(Dropout, input, _kept(input, shape, p), p=float(p))
    return written(input, result, inplace, name)


def _alpha(name: str, input: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool) -> Tensor:
    _check(name, p)
    if not training or not p:
        return input
    if p == 1:
        return written(input, input * 0, inplace, name)
    low = -1.7580993408473766  # selu(-infinity)
    scale = 1 / math.sqrt((low * low * p + 1) * (1 - p))
    kept = _kept(input, shape, p).to(input.dtype)
    return written(input, input * (kept * scale) + ((1 - kept) * low - low * p) * scale, inplace, name)


def _kept(input: Tensor, shape: tuple[int, ...], p: float) -> Tensor:
    return candle.rand(shape, device=input.device) >= p


def _one_per_channel(input: Tensor) -> tuple[int, ...]:
    return (*input.shape[:2], *(1,) * (input.ndim - 2))


def _check(name: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: the probability must lie between 0 and 1, got {p}")
