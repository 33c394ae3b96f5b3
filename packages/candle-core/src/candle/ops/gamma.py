"""The gamma function: its logarithm, the derivatives of that, and its incomplete integrals."""

from __future__ import annotations

import math
from operator import index
from typing import Any

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.numerics.gamma import gammainc
from candle.ops._common import Binary, RealUnary

__all__ = ["digamma", "igamma", "igammac", "lgamma", "mvlgamma", "polygamma"]


class Lgamma(RealUnary):
    """log|gamma(x)|;  dx = grad * digamma(x)"""

    name, contract, reads = "lgamma", "lgamma", {"x": "x"}

    def forward(xp, x):
        return xp.lgamma(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.digamma(x),)


class Digamma(RealUnary):
    """the derivative of log gamma(x);  dx = grad * polygamma(1, x)"""

    name, contract, reads = "digamma", "digamma", {"x": "x"}

    def forward(xp, x):
        return xp.digamma(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.polygamma(1, x),)


class Polygamma(RealUnary):
    """the (n + 1)th derivative of log gamma(x);  dx = grad * polygamma(n + 1, x)"""

    name, reads = "polygamma", {"x": "x"}

    def forward(xp, x, *, n):
        return xp.polygamma(n, x)

    def vjp(xp, needs, grad, out, x, *, n):
        return (grad * xp.polygamma(n + 1, x),)


class Igamma(Binary):
    """1/gamma(a) times the integral of t^(a-1) e^-t from 0 to x, or from x to infinity"""

    name, promotes, floats, numbers = "igamma", "a x", True, False
    real = True

    def forward(xp, a, x, *, upper):
        return gammainc(xp, a, x, upper)


# What users call


@method(inplace=True)
def lgamma(input: Tensor) -> Tensor:
    """log|gamma(input)|.

    >>> import candle
    >>> candle.lgamma(candle.tensor([0.5, 5.0])).exp()
    tensor([ 1.7725, 24.0000])
    """
    return apply(Lgamma, input)


@method(inplace=True)
def digamma(input: Tensor) -> Tensor:
    """The derivative of lgamma."""
    return apply(Digamma, input)


def polygamma(n: int, input: Tensor) -> Tensor:
    """The nth derivative of digamma.

    >>> import candle
    >>> candle.polygamma(1, candle.tensor(1.0))  # pi^2 / 6
    tensor(1.6449)
    """
    if n < 0:
        raise RuntimeError(f"polygamma: n must not be negative, got {n}")
    return apply(Polygamma, input, n=index(n)) if n else digamma(input)


@method("polygamma", inplace=True)
def _polygamma(input: Tensor, n: int) -> Tensor:
    """The nth derivative of digamma."""
    return polygamma(n, input)


@method(inplace=True)
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the gamma function of p dimensions."""
    if p < 1:
        raise RuntimeError(f"mvlgamma: p must be at least 1, got {p}")
    total: Any = p * (p - 1) / 4 * math.log(math.pi)
    for k in range(p):
        total = total + lgamma(input - k / 2)
    return total


@method(inplace=True)
def igamma(input: Tensor, other: Tensor) -> Tensor:
    """The share of the gamma function's integral (for `input`) that lies below `other`.

    >>> import candle
    >>> candle.igamma(candle.tensor([1.0, 2.0]), candle.tensor([1.0, 1.0]))
    tensor([0.6321, 0.2642])
    """
    return apply(Igamma, input, other, upper=False)


@method(inplace=True)
def igammac(input: Tensor, other: Tensor) -> Tensor:
    """The share of the gamma function's integral (for `input`) that lies above `other`."""
    return apply(Igamma, input, other, upper=True)
