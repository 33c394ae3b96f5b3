"""Losses of numbers against numbers."""

from __future__ import annotations

import math
import warnings

import candle
from candle import Tensor
from candle.nn.functional._common import expect_tensors, in_float32, reduced, reduction_of
from candle.ops.loss import warn_of_broadcasting

__all__ = [
    "l1_loss",
    "mse_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "poisson_nll_loss",
    "gaussian_nll_loss",
]


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input - target|, weighted."""
    reduction = reduction_of("l1_loss", size_average, reduce, reduction)
    warn_of_broadcasting("l1_loss", input, target)
    input, target = in_float32(input, target)
    return _weighted("l1_loss", (input - target).abs(), weight, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input - target)^2, weighted."""
    reduction = reduction_of("mse_loss", size_average, reduce, reduction)
    return candle.mse_loss(*_numbers("mse_loss", input, target), reduction=reduction, weight=weight)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d^2 / (2 beta) where d = |input - target| is below beta, d - beta / 2 elsewhere.

    >>> import candle
    >>> smooth_l1_loss(candle.tensor([0.5, 3.0]), candle.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    reduction = reduction_of("smooth_l1_loss", size_average, reduce, reduction)
    warn_of_broadcasting("smooth_l1_loss", input, target)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    input, target = _numbers("smooth_l1_loss", input, target)
    d = (input - target).abs()
    losses = candle.where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta) if beta else d
    return reduced("smooth_l1_loss", losses, reduction)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """d^2 / 2 where d = |input - target| is at most delta, delta (d - delta / 2) elsewhere; weighted."""
    warn_of_broadcasting("huber_loss", input, target)
    if delta <= 0:
        raise RuntimeError(f"huber_loss: delta must be positive, got {delta}")
    input, target = _numbers("huber_loss", input, target)
    d = (input - target).abs()
    losses = candle.where(d <= delta, d * d * 0.5, (d - 0.5 * delta) * delta).to(input.dtype)
    if weight is None:
        return reduced("huber_loss", losses, reduction)
    if weight.shape != input.shape:
        raise ValueError(
            f"huber_loss: weight must have the input's shape {tuple(input.shape)}, got {tuple(weight.shape)}"
        )
    return reduced("huber_loss", losses * weight, reduction)  # the mean of all, as in PyTorch, not a weighted one


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """target (log target - input): input holds log-probabilities, target probabilities or their logarithms.

    The divergence of Kullback and Leibler is reduction="batchmean", the sum over the first size;
    "mean" is over all elements.
    """
    if size_average is None and reduce is None and reduction == "mean":
        warnings.warn(
            "kl_div: reduction='mean' divides by the number of all elements; 'batchmean' is the divergence per example",
            stacklevel=2,
        )
    reduction = reduction_of("kl_div", size_average, reduce, reduction)
    warn_of_broadcasting("kl_div", input, target)
    input, target = in_float32(input, target)
    losses = target.exp() * (target - input) if log_target else target.xlogy(target) - target * input
    if reduction == "batchmean":
        return losses.sum() / (input.shape[0] if input.ndim else 1)
    return reduced("kl_div", losses, reduction)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """rate - target log(rate): input is log(rate), or (log_input=False) the rate itself, to which eps is added.

    With `full`, also Stirling's approximation of log(target!), where target > 1.
    """
    reduction = reduction_of("poisson_nll_loss", size_average, reduce, reduction)
    warn_of_broadcasting("poisson_nll_loss", input, target)
    input, target = in_float32(input, target)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses = losses + stirling.masked_fill(target <= 1, 0).to(losses.dtype)
    return reduced("poisson_nll_loss", losses, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(log(var) + (input - target)^2 / var) / 2, var at least eps; with `full`, plus log(2 pi) / 2.

    Shapes: var as input, or 1 in the last dim, or without it.
    """
    warn_of_broadcasting("gaussian_nll_loss", input, target)
    var = var if isinstance(var, Tensor) else candle.full_like(input, var)
    if bool((var < 0).any()):
        raise ValueError("gaussian_nll_loss: var has negative entries")
    if var.shape != input.shape:
        if tuple(var.shape) == tuple(input.shape[:-1]):
            var = var.unsqueeze(-1)
        elif var.ndim != input.ndim or [b for a, b in zip(input.shape, var.shape) if a != b] != [1]:
            raise ValueError(
                f"gaussian_nll_loss: var of shape {tuple(var.shape)} does not fit "
                f"an input of shape {tuple(input.shape)}"
            )
    bounded = var + (var.clamp_min(eps) - var).detach()  # bounded, but with var's own gradient everywhere
    losses = 0.5 * (bounded.log() + (input - target).square() / bounded)
    return reduced("gaussian_nll_loss", losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _numbers(name: str, input: Tensor, target: Tensor) -> tuple[Tensor, ...]:
    """Truth values as numbers of the other's dtype: they cannot be subtracted. Complex numbers have no such loss."""
    expect_tensors(name, input=input, target=target)
    if input.dtype.is_complex or target.dtype.is_complex:
        told = f"{input.dtype} and {target.dtype}"
        raise RuntimeError(f"{name}: not for complex numbers, got {told}; compare (input - target).abs() with zeros")
    if candle.bool in (input.dtype, target.dtype):
        common = candle.promote_types(input.dtype, target.dtype)
        input, target = input.to(common), target.to(common)
    return in_float32(input, target)


def _weighted(name: str, losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    if weight is None:
        return reduced(name, losses, reduction)
    losses = losses * weight
    if reduction == "mean":
        return losses.sum() / weight.expand(losses.shape).sum()
    return reduced(name, losses, reduction)
