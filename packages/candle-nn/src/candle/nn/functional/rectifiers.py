"""Activations of straight pieces: relu and its like."""

from __future__ import annotations

import candle
from candle import Tensor
from candle._apply import apply
from candle.nn.functional._common import expect_tensors, written
from candle.op import Op
from candle.ops._common import Unary

__all__ = [
    "relu",
    "relu_",
    "relu6",
    "leaky_relu",
    "leaky_relu_",
    "prelu",
    "rrelu",
    "rrelu_",
    "threshold",
    "threshold_",
    "hardtanh",
    "hardtanh_",
    "hardsigmoid",
    "hardswish",
    "hardshrink",
    "softshrink",
]


class Hardtanh(Op):
    """x, but low below and high above;  dx = grad between the two"""

    name, promotes, real, reads = "hardtanh", "x", True, {"x": "x"}

    def forward(xp, x, *, low, high):
        low, high = (xp.full((), bound, dtype=x.dtype) for bound in (low, high))
        return xp.minimum(xp.maximum(x, low), high)

    def vjp(xp, needs, grad, out, x, *, low, high):
        inside = xp.logical_and(xp.greater(x, low), xp.less(x, high))
        return (xp.where(inside, grad, xp.zeros((), dtype=grad.dtype)),)


class Hardswish(Unary):
    """x clip(x / 6 + 1/2, 0, 1);  dx = grad * (x / 3 + 1/2) between -3 and 3, 0 below, grad above"""

    name, real, reads = "hardswish", True, {"x": "x"}

    def forward(xp, x):
        zero, one = xp.zeros((), dtype=x.dtype), xp.ones((), dtype=x.dtype)
        return x * xp.minimum(xp.maximum(x / 6 + 0.5, zero), one)

    def vjp(xp, needs, grad, out, x):
        above = xp.where(xp.less(x, 3), grad * (x / 3 + 0.5), grad)
        return (xp.where(xp.greater(x, -3), above, xp.zeros((), dtype=grad.dtype)),)


class Prelu(Op):
    """x where positive, slope * x elsewhere;  dx = grad, or slope * grad;  dslope = 0, or x * grad"""

    name, promotes, floats, autocast = "prelu", "x slope", True, "lower"
    reads = {"x": "x slope", "slope": "x"}

    def forward(xp, x, slope):
        return xp.where(xp.greater(x, 0), x, x * slope)

    def vjp(xp, needs, grad, out, x, slope):
        positive = xp.greater(x, 0)
        dx = xp.where(positive, grad, grad * slope) if needs[0] else None
        return dx, xp.where(positive, xp.zeros((), dtype=grad.dtype), grad * x) if needs[1] else None


# What users call


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return input.relu_() if inplace else candle.relu(input)


def relu_(input: Tensor) -> Tensor:
    """In place: relu."""
    return relu(input, inplace=True)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6)."""
    return hardtanh(input, 0, 6, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where positive, negative_slope * x elsewhere."""
    return candle.leaky_relu(input, negative_slope, inplace)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In place: leaky_relu."""
    return leaky_relu(input, negative_slope, inplace=True)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where positive, weight * x elsewhere. Shapes: input (N, C, ...), weight () or (1) or (C).

    >>> import candle
    >>> prelu(candle.tensor([[-1.0, -1.0]]), candle.tensor([0.5, 2.0]))
    tensor([[-0.5000, -2.0000]])
    """
    expect_tensors("prelu", input=input, weight=weight)
    if weight.numel() != 1:
        channels = input.shape[1] if input.ndim > 1 else 1
        if weight.ndim != 1 or weight.numel() != channels:
            raise RuntimeError(
                f"prelu: an input of shape {tuple(input.shape)} has {channels} channels; "
                f"weight must have shape (1) or ({channels}), got {tuple(weight.shape)}"
            )
        weight = weight.reshape(-1, *(1,) * (input.ndim - 2))
    elif weight.ndim > 1:
        raise RuntimeError(f"prelu: weight must have 0 or 1 dims, got shape {tuple(weight.shape)}")
    return apply(Prelu, input, weight.reshape(()) if not input.ndim else weight)


def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """leaky_relu with a slope between `lower` and `upper`: in training drawn for every element, else their mean."""
    if lower > upper:
        raise RuntimeError(f"rrelu: lower must not be above upper, got {lower} and {upper}")
    if training:
        slope = lower + (upper - lower) * candle.rand_like(input)
        return written(input, input * slope.masked_fill(input > 0, 1), inplace, "rrelu_")
    return leaky_relu(input, (lower + upper) / 2, inplace)


def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    """In place: rrelu."""
    return rrelu(input, lower, upper, training, inplace=True)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it is above `threshold`, `value` elsewhere."""
    expect_tensors("threshold", input=input)
    low = input <= threshold
    return input.masked_fill_(low, value) if inplace else input.masked_fill(low, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In place: threshold."""
    low = input <= threshold
    return input.masked_fill_(low, value)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x, but min_val below and max_val above."""
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val must not be above max_val, got {min_val} and {max_val}")
    return written(input, apply(Hardtanh, input, low=min_val, high=max_val), inplace, "hardtanh_")


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In place: hardtanh."""
    return hardtanh(input, min_val, max_val, inplace=True)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """clip(x / 6 + 1/2, 0, 1)."""
    return written(input, hardtanh(input + 3, 0, 6) / 6, inplace, "hardsigmoid")


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * hardsigmoid(x), from Howard et al. (2019), "Searching for MobileNetV3"."""
    return written(input, apply(Hardswish, input), inplace, "hardswish")


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 between -lambd and lambd, x outside."""
    expect_tensors("hardshrink", input=input)
    return input.masked_fill((input >= -lambd) & (input <= lambd), 0)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x, by lambd nearer to 0; 0 between -lambd and lambd."""
    expect_tensors("softshrink", input=input)
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd must not be negative, got {lambd}")
    return input - input.clamp(-lambd, lambd)
