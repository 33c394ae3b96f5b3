"""The normal distribution's functions, entropy, and Hurwitz's zeta."""

from __future__ import annotations

import math

from candle._apply import apply
from candle._tensor import Tensor
from candle.numerics.gamma import zeta as _zeta
from candle.numerics.normal import erfcx as _erfcx
from candle.numerics.normal import log_ndtr as _log_ndtr
from candle.numerics.normal import ndtri as _ndtri
from candle.ops._common import Binary, Number, RealUnary
from candle.ops.arithmetic import array_like
from candle.ops.error_functions import erfc
from candle.ops.logarithms import slope, xlog

__all__ = ["entr", "erfcx", "log_ndtr", "ndtr", "ndtri", "xlog1py", "zeta"]


class Entr(RealUnary):
    """-x log(x), 0 for x = 0, -inf below;  dx = -grad * (1 + log(x))"""

    name, reads = "entr", {"x": "x"}

    def forward(xp, x):
        positive = xp.less(0, x)
        inside = -x * xp.log(xp.where(positive, x, xp.ones((), dtype=x.dtype)))
        below = xp.where(xp.less(x, 0), xp.full((), -math.inf, dtype=x.dtype), x)  # 0 and nan stay
        return xp.where(positive, inside, below)

    def vjp(xp, needs, grad, out, x):
        return (-grad * (1 + xp.log(x)),)


class Erfcx(RealUnary):
    """e^(x^2) erfc(x);  dx = grad * (2 x out - 2/sqrt(pi))"""

    name, reads = "erfcx", {"x": "x out"}

    def forward(xp, x):
        return _erfcx(xp, x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (2 * x * out - 2 / math.sqrt(math.pi)),)


class Ndtri(RealUnary):
    """the z below which a normal variable falls with probability x;  dx = grad * sqrt(2 pi) e^(out^2 / 2)"""

    name, reads = "ndtri", {"x": "out"}

    def forward(xp, x):
        return _ndtri(xp, x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (math.sqrt(2 * math.pi) * xp.exp(out * out / 2)),)


class LogNdtr(RealUnary):
    """the log-probability that a normal variable is below x;  dx = grad * e^(-x^2 / 2 - out) / sqrt(2 pi)"""

    name, reads = "log_ndtr", {"x": "x out"}

    def forward(xp, x):
        return _log_ndtr(xp, x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (xp.exp(-x * x / 2 - out) / math.sqrt(2 * math.pi)),)


class Xlog1py(Binary):
    """x log(1 + y), 0 for x = 0;  dx = grad * log(1 + y), 0 for x = 0 and y <= -1, dy = grad * x / (1 + y)"""

    name, floats, reads = "xlog1py", True, {"x": "x y", "y": "x y"}
    real = True

    def forward(xp, x, y):
        return xlog(xp, x, y, xp.log1p)

    def vjp(xp, needs, grad, out, x, y):
        x, y = array_like(xp, x, grad), array_like(xp, y, grad)
        return grad * slope(xp, x, y, xp.log1p, -1) if needs[0] else None, grad * x / (1 + y) if needs[1] else None


class Zeta(Binary):
    """the sum of (y + k)^-x over all k >= 0"""

    name, floats = "zeta", True
    real = True

    def forward(xp, x, y):
        return _zeta(xp, array_like(xp, x, y), array_like(xp, y, x))


# What users call


def entr(input: Tensor) -> Tensor:
    """-input * log(input): what a probability contributes to an entropy."""
    return apply(Entr, input)


def erfcx(input: Tensor) -> Tensor:
    """exp(input^2) erfc(input), which does not underflow."""
    return apply(Erfcx, input)


def ndtr(input: Tensor) -> Tensor:
    """The probability that a normal variable falls below input.

    >>> import candle
    >>> candle.special.ndtr(candle.tensor([-1.0, 0.0, 1.96]))
    tensor([0.1587, 0.5000, 0.9750])
    """
    return erfc(input * -math.sqrt(0.5)) / 2


def log_ndtr(input: Tensor) -> Tensor:
    """The logarithm of ndtr, precise also where that is tiny."""
    return apply(LogNdtr, input)


def ndtri(input: Tensor) -> Tensor:
    """The inverse of ndtr."""
    return apply(Ndtri, input)


def xlog1py(input: Number, other: Number) -> Tensor:
    """input * log(1 + other), and 0 where input is 0."""
    return apply(Xlog1py, input, other)


def zeta(input: Number, other: Number) -> Tensor:
    """Hurwitz's zeta function: the sum of (other + k)^-input over k = 0, 1, ...

    >>> import candle
    >>> candle.special.zeta(candle.tensor(2.0), 1)  # pi^2 / 6
    tensor(1.6449)
    """
    return apply(Zeta, input, other)
