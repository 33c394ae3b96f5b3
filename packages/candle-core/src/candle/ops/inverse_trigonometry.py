"""Inverse trigonometric and hyperbolic functions."""

from __future__ import annotations

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import Unary

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atanh",
]


class Acos(Unary):
    """acos(x);  dx = -grad / sqrt(1 - x^2)"""

    name, contract, reads = "acos", "acos", {"x": "x"}

    def forward(xp, x):
        return xp.acos(x)

    def vjp(xp, needs, grad, out, x):
        return (-grad / xp.conj(xp.sqrt(1 - x * x)),)


class Asin(Unary):
    """asin(x);  dx = grad / sqrt(1 - x^2)"""

    name, contract, reads = "asin", "asin", {"x": "x"}

    def forward(xp, x):
        return xp.asin(x)

    def vjp(xp, needs, grad, out, x):
        return (grad / xp.conj(xp.sqrt(1 - x * x)),)


class Atan(Unary):
    """atan(x);  dx = grad / (1 + x^2)"""

    name, contract, reads = "atan", "atan", {"x": "x"}

    def forward(xp, x):
        return xp.atan(x)

    def vjp(xp, needs, grad, out, x):
        return (grad / xp.conj(1 + x * x),)


class Acosh(Unary):
    """acosh(x);  dx = grad / sqrt(x^2 - 1)"""

    name, contract, reads = "acosh", "acosh", {"x": "x"}

    def forward(xp, x):
        return xp.acosh(x)

    def vjp(xp, needs, grad, out, x):
        return (grad / xp.conj(xp.sqrt(x - 1) * xp.sqrt(x + 1)),)


class Asinh(Unary):
    """asinh(x);  dx = grad / sqrt(x^2 + 1)"""

    name, contract, reads = "asinh", "asinh", {"x": "x"}

    def forward(xp, x):
        return xp.asinh(x)

    def vjp(xp, needs, grad, out, x):
        return (grad / xp.conj(xp.sqrt(x * x + 1)),)


class Atanh(Unary):
    """atanh(x);  dx = grad / (1 - x^2)"""

    name, contract, reads = "atanh", "atanh", {"x": "x"}

    def forward(xp, x):
        return xp.atanh(x)

    def vjp(xp, needs, grad, out, x):
        return (grad / xp.conj(1 - x * x),)


# What users call


@method("acos", "arccos", inplace=True)
def acos(input: Tensor) -> Tensor:
    """The angle from 0 to pi whose cosine this is."""
    return apply(Acos, input)


@method("asin", "arcsin", inplace=True)
def asin(input: Tensor) -> Tensor:
    """The angle from -pi/2 to pi/2 whose sine this is."""
    return apply(Asin, input)


@method("atan", "arctan", inplace=True)
def atan(input: Tensor) -> Tensor:
    """The angle from -pi/2 to pi/2 whose tangent this is."""
    return apply(Atan, input)


@method("acosh", "arccosh", inplace=True)
def acosh(input: Tensor) -> Tensor:
    """The number from 0 on whose hyperbolic cosine this is."""
    return apply(Acosh, input)


@method("asinh", "arcsinh", inplace=True)
def asinh(input: Tensor) -> Tensor:
    """The number whose hyperbolic sine this is."""
    return apply(Asinh, input)


@method("atanh", "arctanh", inplace=True)
def atanh(input: Tensor) -> Tensor:
    """The number whose hyperbolic tangent this is."""
    return apply(Atanh, input)


arccos, arcsin, arctan, arccosh, arcsinh, arctanh = acos, asin, atan, acosh, asinh, atanh
