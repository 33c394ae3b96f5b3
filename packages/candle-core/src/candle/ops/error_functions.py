"""The error function, its complement and its inverse."""

from __future__ import annotations

import math

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.numerics.normal import erfc as _erfc
from candle.numerics.normal import erfinv as _erfinv
from candle.ops._common import RealUnary

__all__ = ["erf", "erfc", "erfinv"]


class Erf(RealUnary):
    """2/sqrt(pi) times the integral of e^(-t^2) from 0 to x;  dx = grad * 2/sqrt(pi) e^(-x^2)"""

    name, contract, reads = "erf", "erf", {"x": "x"}

    def forward(xp, x):
        return xp.erf(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (2 / math.sqrt(math.pi) * xp.exp(-x * x)),)


class Erfc(RealUnary):
    """1 - erf(x), precise where that is small;  dx = -grad * 2/sqrt(pi) e^(-x^2)"""

    name, reads = "erfc", {"x": "x"}

    def forward(xp, x):
        return _erfc(xp, x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (-2 / math.sqrt(math.pi) * xp.exp(-x * x)),)


class Erfinv(RealUnary):
    """the y with erf(y) = x;  dx = grad * sqrt(pi)/2 e^(out^2)"""

    name, reads = "erfinv", {"x": "out"}

    def forward(xp, x):
        return _erfinv(xp, x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (math.sqrt(math.pi) / 2 * xp.exp(out * out)),)


# What users call


@method(inplace=True)
def erf(input: Tensor) -> Tensor:
    """The error function.

    >>> import candle
    >>> candle.erf(candle.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    return apply(Erf, input)


@method(inplace=True)
def erfc(input: Tensor) -> Tensor:
    """1 - erf(input), precise where that is small."""
    return apply(Erfc, input)


@method(inplace=True)
def erfinv(input: Tensor) -> Tensor:
    """The inverse of the error function.

    >>> import candle
    >>> candle.erfinv(candle.erf(candle.tensor([0.5, 1.5])))
    tensor([0.5000, 1.5000])
    """
    return apply(Erfinv, input)
