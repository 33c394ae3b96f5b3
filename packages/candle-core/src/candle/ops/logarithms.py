"""Logarithms of sums and odds, and x log y."""

from __future__ import annotations

import math
from typing import Any

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import is_complex_array
from candle.ops._common import Binary, Number, Unary
from candle.ops.arithmetic import array_like

__all__ = ["logaddexp", "logaddexp2", "logit", "xlogy"]


class Logaddexp(Binary):
    """log(e^x + e^y);  dx = grad * e^(x - out), dy = grad * e^(y - out)"""

    name, contract, floats, numbers = "logaddexp", "logaddexp", True, False
    reads = {"x": "x out", "y": "y out"}

    def forward(xp, x, y):
        if not is_complex_array(xp, x):
            return xp.logaddexp(x, y)
        swap = xp.less(xp.real(x), xp.real(y))
        low, high = xp.where(swap, x, y), xp.where(swap, y, x)
        return high + xp.log1p(xp.exp(low - high))

    def vjp(xp, needs, grad, out, x, y):
        dx = grad * xp.conj(softened(xp, x, out)) if needs[0] else None
        return dx, grad * xp.conj(softened(xp, y, out)) if needs[1] else None


class Logaddexp2(Binary):
    """log2(2^x + 2^y);  dx = grad * 2^(x - out), dy = grad * 2^(y - out)"""

    name, floats, numbers = "logaddexp2", True, False
    real = True
    reads = {"x": "x out", "y": "y out"}

    def forward(xp, x, y):
        return xp.logaddexp(x * math.log(2), y * math.log(2)) / math.log(2)

    def vjp(xp, needs, grad, out, x, y):
        x, y, out = (each * math.log(2) if read else each for each, read in ((x, needs[0]), (y, needs[1]), (out, True)))
        return grad * softened(xp, x, out) if needs[0] else None, grad * softened(xp, y, out) if needs[1] else None


def softened(xp: Any, x: Any, out: Any) -> Any:
    """e^(x - out), where equal infinities count as equal."""
    return xp.exp(xp.where(xp.equal(x, out), xp.zeros((), dtype=x.dtype), x - out))


class Logit(Unary):
    """log(x / (1 - x));  dx = grad / (x (1 - x)), nan outside 0 to 1"""

    name, reads = "logit", {"x": "x"}
    real = True

    def forward(xp, x):
        return xp.log(x / (1 - x))

    def vjp(xp, needs, grad, out, x):
        outside = xp.logical_or(xp.less(x, 0), xp.less(1, x))
        return (grad / xp.where(outside, xp.full((), math.nan, dtype=x.dtype), x * (1 - x)),)


class Xlogy(Binary):
    """x log(y), 0 for x = 0 whatever y;  dx = grad * log(y), 0 for x = 0 and y <= 0, dy = grad * x / y"""

    name, floats, reads = "xlogy", True, {"x": "x y", "y": "x y"}
    real = True

    def forward(xp, x, y):
        return xlog(xp, x, y, xp.log)

    def vjp(xp, needs, grad, out, x, y):
        x, y = array_like(xp, x, grad), array_like(xp, y, grad)
        return grad * slope(xp, x, y, xp.log, 0) if needs[0] else None, grad * x / y if needs[1] else None


def xlog(xp: Any, x: Any, y: Any, log: Any) -> Any:
    """x log(y) with 0 log(y) = 0, but for y = nan."""
    x, y = array_like(xp, x, y), array_like(xp, y, x)
    value = x * log(y)
    return xp.where(xp.isnan(y), value * 0 + y, xp.where(xp.equal(x, 0), xp.zeros((), dtype=value.dtype), value))


def slope(xp: Any, x: Any, y: Any, log: Any, edge: float) -> Any:
    """The derivative of x log(y) by x: log(y), and 0 where x = 0 and log(y) is infinite or nan."""
    flat = xp.logical_and(xp.equal(x, 0), xp.less_equal(y, edge))
    return xp.where(flat, xp.zeros((), dtype=y.dtype), log(xp.where(flat, xp.ones((), dtype=y.dtype), y)))


# What users call


@method()
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """log(e^input + e^other), without overflow.

    >>> import candle
    >>> candle.logaddexp(candle.tensor([-1.0, 1000.0]), candle.tensor([-1.0, 1000.0]))
    tensor([-3.0685e-01,  1.0007e+03])
    """
    return apply(Logaddexp, input, other)


@method()
def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log2(2^input + 2^other), without overflow."""
    return apply(Logaddexp2, input, other)


@method(inplace=True)
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(input / (1 - input)), the inverse of sigmoid; with `eps`, of input clamped to [eps, 1 - eps]."""
    return apply(Logit, input if eps is None else (input * 1.0).clamp(eps, 1 - eps))


@method(inplace=True)
def xlogy(input: Number, other: Number) -> Tensor:
    """input * log(other), and 0 where input is 0.

    >>> import candle
    >>> candle.xlogy(candle.tensor([0.0, 2.0]), candle.tensor([0.0, 3.0]))
    tensor([0.0000, 2.1972])
    """
    return apply(Xlogy, input, other)
