"""Rounding: step functions, whose slope is 0."""

from __future__ import annotations

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import HALVES, Unary

__all__ = ["ceil", "fix", "floor", "round", "trunc"]


class Step(Unary):
    """A step function, flat between its jumps;  dx = 0"""

    floats, real = False, True

    def vjp(xp, needs, grad, out, x):
        return (grad * 0,)


class Floor(Step):
    """The largest integer not above x;  dx = 0"""

    name, contract = "floor", "floor"

    def forward(xp, x):
        return xp.floor(x)


class Ceil(Step):
    """The smallest integer not below x;  dx = 0"""

    name, contract = "ceil", "ceil"

    def forward(xp, x):
        return xp.ceil(x)


class Trunc(Step):
    """x without its fraction;  dx = 0"""

    name, contract = "trunc", "trunc"

    def forward(xp, x):
        return xp.trunc(x)


class Round(Step):
    """The nearest integer, halves to the even one;  dx = 0"""

    name, contract = "round", "round"

    def forward(xp, x):
        return xp.round(x)


# What users call


@method(inplace=True)
def floor(input: Tensor) -> Tensor:
    """The largest integer not above input."""
    return apply(Floor, input)


@method(inplace=True)
def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below input."""
    return apply(Ceil, input)


@method("trunc", "fix", inplace=True)
def trunc(input: Tensor) -> Tensor:
    """The integer part."""
    return apply(Trunc, input)


@method(inplace=True)
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest integer, or the nearest number with `decimals` digits after the point."""
    if not decimals:
        return apply(Round, input)
    if input.dtype in HALVES:  # which need not hold the scaled numbers
        return round(input.to(_dtypes.float32), decimals=decimals).to(input.dtype)
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return apply(Round, input * scale) / scale
    return apply(Round, input / scale) * scale


fix = trunc
