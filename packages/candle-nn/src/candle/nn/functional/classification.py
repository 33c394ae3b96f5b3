"""Losses of scores or probabilities against classes."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle._apply import apply
from candle.nn.functional._common import expect_tensors, in_float32, reduced, reduction_of
from candle.nn.functional.linear import linear
from candle.op import Op
from candle.ops._common import unsupported

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "linear_cross_entropy",
    "nll_loss",
]


class BinaryCrossEntropy(Op):
    """-(t log(x) + (1 - t) log(1 - x)), logs >= -100;  dx = grad (x - t) / (x (1 - x)), dt = grad log((1 - x) / x)"""

    name, promotes, floats, autocast = "binary_cross_entropy", "x t", True, "float32"
    reads = {"x": "x t", "t": "x"}

    def forward(xp, x, t):
        log, log_rest = logarithms(xp, x)
        return (t - 1) * log_rest - t * log

    def vjp(xp, needs, grad, out, x, t):
        dx = dt = None
        if needs[0]:
            dx = grad * (x - t) / xp.maximum(x * (1 - x), xp.full((), 1e-12, dtype=x.dtype))
        if needs[1]:
            log, log_rest = logarithms(xp, x)
            dt = grad * (log_rest - log)
        return dx, dt


def logarithms(xp: Any, x: Any) -> tuple[Any, Any]:
    """log(x) and log(1 - x), both at least -100; no logarithm of 0 is asked for, which NumPy would warn of."""
    low, half = (xp.full((), value, dtype=x.dtype) for value in (-100.0, 0.5))
    some, rest = xp.not_equal(x, 0), xp.not_equal(x, 1)
    log, log_rest = xp.log(xp.where(some, x, half)), xp.log1p(-xp.where(rest, x, half))
    return xp.where(some, xp.maximum(log, low), low), xp.where(rest, xp.maximum(log_rest, low), low)


class BinaryCrossEntropyWithLogits(Op):
    """log(1 + e^x) - t x;  dx = grad * (sigmoid(x) - t), dt = -grad x"""

    name, promotes, floats, autocast = "binary_cross_entropy_with_logits", "x t", True, "float32"
    reads = {"x": "x t", "t": "x"}

    def forward(xp, x, t):
        return xp.logaddexp(x, xp.zeros((), dtype=x.dtype)) - t * x

    def vjp(xp, needs, grad, out, x, t):
        dx = grad * (xp.sigmoid(x) - t) if needs[0] else None
        return dx, -grad * x if needs[1] else None


# What users call


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input)[target]; the target holds classes, or a probability for every class.

    Shapes: input (C) or (N, C, ...), target () or (N, ...) of classes, or input's shape of probabilities.
    """
    expect_tensors("cross_entropy", input=input, target=target)
    if ignore_index >= 0 and target.dtype.is_floating_point:
        raise RuntimeError(
            f"cross_entropy: ignore_index={ignore_index} names a class, but the target holds "
            f"probabilities ({target.dtype})"
        )
    return candle.cross_entropy(
        input,
        target,
        weight,
        ignore_index=ignore_index,
        reduction=reduction_of("cross_entropy", size_average, reduce, reduction),
        label_smoothing=label_smoothing,
    )


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """cross_entropy of linear(input, linear_weight, linear_bias). Shapes: (N, in) or (in), (C, ..., in), as there."""
    name = "linear_cross_entropy"
    unsupported(name, options=options)
    expect_tensors(name, input=input, linear_weight=linear_weight, target=target)
    inside = linear_weight.shape[:-1]  # (C, ...)
    if input.ndim not in (1, 2) or linear_weight.ndim < 2 or input.shape[-1] != linear_weight.shape[-1]:
        raise RuntimeError(
            f"{name}: an input of shape {tuple(input.shape)} does not fit a linear_weight of shape "
            f"{tuple(linear_weight.shape)}: expected (N, in) or (in), and (C, ..., in)"
        )
    if input.ndim == 1 and len(inside) > 1:
        raise RuntimeError(f"{name}: a linear_weight of more than two dims needs a batch, got {tuple(input.shape)}")
    if linear_bias is not None and linear_bias.shape != inside:
        raise RuntimeError(f"{name}: linear_bias must have shape {tuple(inside)}, got {tuple(linear_bias.shape)}")
    flat = linear_weight.reshape(-1, linear_weight.shape[-1])
    bias = linear_bias if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, flat, bias).reshape(*input.shape[:-1], *inside)
    ignored = -100 if ignore_index is None else ignore_index
    if ignore_index is not None and target.dtype.is_floating_point:
        raise RuntimeError(f"{name}: ignore_index={ignore_index} names a class, but the target holds probabilities")
    return cross_entropy(
        logits, target, weight, ignore_index=ignored, reduction=reduction, label_smoothing=label_smoothing
    )


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-input[target] where input holds log-probabilities. Shapes: (C) or (N, C, ...), () or (N, ...)."""
    reduction = reduction_of("nll_loss", size_average, reduce, reduction)
    expect_tensors("nll_loss", input=input, target=target)
    (input,) = in_float32(input)
    return candle.nll_loss(input, target, weight, ignore_index=ignore_index, reduction=reduction)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(target log(input) + (1 - target) log(1 - input)): both are probabilities; logarithms are at least -100.

    >>> import candle
    >>> binary_cross_entropy(candle.tensor([0.5, 0.0]), candle.tensor([1.0, 0.0]), reduction="none")
    tensor([0.6931, 0.0000])
    """
    name = "binary_cross_entropy"
    reduction = reduction_of(name, size_average, reduce, reduction)
    _same_shape(name, input, target)
    for what, x in (("input", input), ("target", target)):
        inside = (x >= 0) & (x <= 1)
        try:
            x._backend.xp.check(inside.current(), f"{name}: all elements of {what} must lie between 0 and 1")
        except IndexError as error:
            raise RuntimeError(str(error)) from None
    return reduced(name, _times(apply(BinaryCrossEntropy, input, target), weight), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """binary_cross_entropy of sigmoid(input), without its rounding; `pos_weight` multiplies the part of target 1."""
    name = "binary_cross_entropy_with_logits"
    reduction = reduction_of(name, size_average, reduce, reduction)
    _same_shape(name, input, target)
    if pos_weight is None:
        losses = apply(BinaryCrossEntropyWithLogits, input, target)
    else:
        losses = (1 - target) * input - (1 + (pos_weight - 1) * target) * candle.logsigmoid(input)
    return reduced(name, _times(losses, weight), reduction)


def _same_shape(name: str, input: Tensor, target: Tensor) -> None:
    expect_tensors(name, input=input, target=target)
    if input.shape != target.shape:
        raise ValueError(
            f"{name}: the target must have the input's shape {tuple(input.shape)}, got {tuple(target.shape)}"
        )


def _times(losses: Tensor, weight: Tensor | None) -> Tensor:
    return losses if weight is None else losses * weight
