"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

import math

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import Binary, Unary

__all__ = ["arctan2", "atan2", "cos", "cosh", "deg2rad", "hypot", "rad2deg", "sin", "sinc", "sinh", "tan", "tanh"]


class Sin(Unary):
    """sin(x);  dx = grad * cos(x)"""

    name, contract, reads = "sin", "sin", {"x": "x"}

    def forward(xp, x):
        return xp.sin(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.conj(xp.cos(x)),)


class Cos(Unary):
    """cos(x);  dx = -grad * sin(x)"""

    name, contract, reads = "cos", "cos", {"x": "x"}

    def forward(xp, x):
        return xp.cos(x)

    def vjp(xp, needs, grad, out, x):
        return (-grad * xp.conj(xp.sin(x)),)


class Tan(Unary):
    """tan(x);  dx = grad * (1 + out^2)"""

    name, contract, reads = "tan", "tan", {"x": "out"}

    def forward(xp, x):
        return xp.tan(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.conj(1 + out * out),)


class Sinh(Unary):
    """sinh(x);  dx = grad * cosh(x)"""

    name, contract, reads = "sinh", "sinh", {"x": "x"}

    def forward(xp, x):
        return xp.sinh(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.conj(xp.cosh(x)),)


class Cosh(Unary):
    """cosh(x);  dx = grad * sinh(x)"""

    name, contract, reads = "cosh", "cosh", {"x": "x"}

    def forward(xp, x):
        return xp.cosh(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.conj(xp.sinh(x)),)


class Tanh(Unary):
    """tanh(x);  dx = grad * (1 - out^2)"""

    name, contract, reads = "tanh", "tanh", {"x": "out"}

    def forward(xp, x):
        return xp.tanh(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.conj(1 - out * out),)


class Atan2(Binary):
    """the angle of the point (y, x);  dx = grad * y / (x^2 + y^2), dy = -grad * x / (x^2 + y^2), 0 at the origin"""

    name, contract, floats, numbers = "atan2", "atan2", True, False
    real = True
    reads = {"x": "x y", "y": "x y"}

    def forward(xp, x, y):
        return xp.atan2(x, y)

    def vjp(xp, needs, grad, out, x, y):
        square = x * x + y * y
        scaled = grad / xp.where(xp.equal(square, 0), xp.ones((), dtype=square.dtype), square)
        return scaled * y, -scaled * x


class Hypot(Binary):
    """sqrt(x^2 + y^2);  dx = grad * x / out, dy = grad * y / out"""

    name, contract, numbers = "hypot", "hypot", False
    real = True
    reads = {"x": "x out", "y": "y out"}

    def forward(xp, x, y):
        return xp.hypot(x, y)

    def vjp(xp, needs, grad, out, x, y):
        return grad * (x / out) if needs[0] else None, grad * (y / out) if needs[1] else None


class Sinc(Unary):
    """sin(pi x) / (pi x), 1 for x = 0;  dx = grad * (cos(pi x) - out) / x"""

    name, reads = "sinc", {"x": "x out"}

    def forward(xp, x):
        zero, one = xp.equal(x, 0), xp.ones((), dtype=x.dtype)
        angle = math.pi * xp.where(zero, one, x)
        return xp.where(zero, one, xp.sin(angle) / angle)

    def vjp(xp, needs, grad, out, x):
        zero, one = xp.equal(x, 0), xp.ones((), dtype=x.dtype)
        slope = (xp.cos(math.pi * x) - out) / xp.where(zero, one, x)
        return (grad * xp.conj(xp.where(zero, 0 * one, slope)),)


# What users call


@method(inplace=True)
def sin(input: Tensor) -> Tensor:
    """The sine."""
    return apply(Sin, input)


@method(inplace=True)
def cos(input: Tensor) -> Tensor:
    """The cosine."""
    return apply(Cos, input)


@method(inplace=True)
def tan(input: Tensor) -> Tensor:
    """The tangent."""
    return apply(Tan, input)


@method("atan2", "arctan2", inplace=True)
def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle, from -pi to pi, of the points (other, input)."""
    return apply(Atan2, input, other)


@method(inplace=True)
def sinh(input: Tensor) -> Tensor:
    """The hyperbolic sine."""
    return apply(Sinh, input)


@method(inplace=True)
def cosh(input: Tensor) -> Tensor:
    """The hyperbolic cosine."""
    return apply(Cosh, input)


@method(inplace=True)
def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return apply(Tanh, input)


@method(inplace=True)
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """The length of the third side of a right-angled triangle: sqrt(input^2 + other^2)."""
    return apply(Hypot, input, other)


@method(inplace=True)
def sinc(input: Tensor) -> Tensor:
    """sin(pi input) / (pi input), and 1 at 0.

    >>> import candle
    >>> candle.sinc(candle.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    return apply(Sinc, input)


@method(inplace=True)
def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians."""
    return input * (math.pi / 180)


@method(inplace=True)
def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees."""
    return input * (180 / math.pi)


arctan2 = atan2
