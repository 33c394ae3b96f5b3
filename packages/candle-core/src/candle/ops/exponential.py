"""Exponentials, logarithms, roots and sigmoid."""

from __future__ import annotations

import math

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import Unary

__all__ = ["exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "rsqrt", "sigmoid", "sqrt"]


class Exp(Unary):
    """e^x;  dx = grad * out"""

    name, contract, reads = "exp", "exp", {"x": "out"}

    def forward(xp, x):
        return xp.exp(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.conj(out),)


class Expm1(Unary):
    """e^x - 1;  dx = grad * (out + 1)"""

    name, contract, reads = "expm1", "expm1", {"x": "out"}

    def forward(xp, x):
        return xp.expm1(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.conj(out + 1),)


class Log(Unary):
    """log(x);  dx = grad / x"""

    name, contract, reads = "log", "log", {"x": "x"}

    def forward(xp, x):
        return xp.log(x)

    def vjp(xp, needs, grad, out, x):
        return (grad / xp.conj(x),)


class Log1p(Unary):
    """log(1 + x);  dx = grad / (1 + x)"""

    name, contract, reads = "log1p", "log1p", {"x": "x"}

    def forward(xp, x):
        return xp.log1p(x)

    def vjp(xp, needs, grad, out, x):
        return (grad / xp.conj(1 + x),)


class Log2(Unary):
    """log2(x);  dx = grad / (x log 2)"""

    name, contract, reads = "log2", "log2", {"x": "x"}

    def forward(xp, x):
        return xp.log2(x)

    def vjp(xp, needs, grad, out, x):
        return (grad / xp.conj(x * math.log(2)),)


class Log10(Unary):
    """log10(x);  dx = grad / (x log 10)"""

    name, contract, reads = "log10", "log10", {"x": "x"}

    def forward(xp, x):
        return xp.log10(x)

    def vjp(xp, needs, grad, out, x):
        return (grad / xp.conj(x * math.log(10)),)


class Sqrt(Unary):
    """sqrt(x);  dx = grad / (2 out)"""

    name, contract, reads = "sqrt", "sqrt", {"x": "out"}

    def forward(xp, x):
        return xp.sqrt(x)

    def vjp(xp, needs, grad, out, x):
        return (grad / xp.conj(2 * out),)


class Exp2(Unary):
    """2^x;  dx = grad * out * log 2"""

    name, contract, reads = "exp2", "exp2", {"x": "out"}

    def forward(xp, x):
        return xp.exp2(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.conj(out) * math.log(2),)


class Rsqrt(Unary):
    """1 / sqrt(x);  dx = -grad * out^3 / 2"""

    name, reads = "rsqrt", {"x": "out"}

    def forward(xp, x):
        return 1 / xp.sqrt(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.conj(out * out * out) * -0.5,)


class Sigmoid(Unary):
    """1 / (1 + e^-x);  dx = grad * out * (1 - out)"""

    name, contract, reads = "sigmoid", "sigmoid", {"x": "out"}

    def forward(xp, x):
        return xp.sigmoid(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.conj(out * (1 - out)),)


# What users call


@method(inplace=True)
def exp(input: Tensor) -> Tensor:
    """e to the power of input.

    >>> import candle
    >>> candle.exp(candle.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return apply(Exp, input)


@method(inplace=True)
def expm1(input: Tensor) -> Tensor:
    """e^input - 1, precise near 0."""
    return apply(Expm1, input)


@method(inplace=True)
def log(input: Tensor) -> Tensor:
    """The natural logarithm."""
    return apply(Log, input)


@method(inplace=True)
def log1p(input: Tensor) -> Tensor:
    """log(1 + input), precise near 0."""
    return apply(Log1p, input)


@method(inplace=True)
def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2."""
    return apply(Log2, input)


@method(inplace=True)
def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10."""
    return apply(Log10, input)


@method(inplace=True)
def sqrt(input: Tensor) -> Tensor:
    """The square root."""
    return apply(Sqrt, input)


@method(inplace=True)
def exp2(input: Tensor) -> Tensor:
    """2 to the power of input."""
    return apply(Exp2, input)


@method(inplace=True)
def rsqrt(input: Tensor) -> Tensor:
    """1 / sqrt(input)."""
    return apply(Rsqrt, input)


@method(inplace=True)
def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e^-input).

    >>> import candle
    >>> candle.sigmoid(candle.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    return apply(Sigmoid, input)
