"""Division: exact, rounded, and what is left over."""

from __future__ import annotations

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import Binary, Number
from candle.ops.arithmetic import array_like, conj

__all__ = [
    "div",
    "divide",
    "floor_divide",
    "fmod",
    "remainder",
    "true_divide",
]


class Div(Binary):
    """x / y;  dx = grad / y, dy = -grad * out / y"""

    name, contract, floats, reads = "div", "divide", True, {"x": "y", "y": "y out"}

    def forward(xp, x, y):
        return xp.divide(x, y)

    def vjp(xp, needs, grad, out, x, y):
        dx = grad / conj(xp, y)
        return dx, -dx * xp.conj(out) if needs[1] else None


class FloorDivide(Binary):
    """floor(x / y);  no gradient"""

    name, contract, no_grad_outputs = "floor_divide", "floor_divide", (0,)
    real = True

    def forward(xp, x, y):
        return xp.floor_divide(x, y)


class TruncDivide(Binary):
    """trunc(x / y);  dx = dy = 0"""

    name = "trunc_divide"
    real = True

    def forward(xp, x, y):
        whole = xp.floor_divide(x, y)
        inexact = xp.not_equal(whole * y, x)
        return xp.where(xp.logical_and(xp.less(whole, 0), inexact), whole + 1, whole)

    def vjp(xp, needs, grad, out, x, y):
        return grad * 0, grad * 0


class Remainder(Binary):
    """x - y floor(x / y), of the sign of y;  dx = grad, dy = -grad * floor(x / y)"""

    name, contract, reads = "remainder", "remainder", {"y": "x y"}
    real = True

    def forward(xp, x, y):
        return xp.remainder(x, y)

    def vjp(xp, needs, grad, out, x, y):
        return grad, -grad * xp.floor_divide(x, y) if needs[1] else None


class Fmod(Binary):
    """x - y trunc(x / y), of the sign of x;  dx = grad, dy = -grad * trunc(x / y)"""

    name, reads = "fmod", {"y": "x y"}
    real = True

    def forward(xp, x, y):
        x, y = array_like(xp, x, y), array_like(xp, y, x)
        rest = xp.remainder(xp.abs(x), xp.abs(y))
        return xp.where(xp.less(x, 0), -rest, rest)

    def vjp(xp, needs, grad, out, x, y):
        return grad, -grad * xp.trunc(x / y) if needs[1] else None


# What users call


@method("div", "divide", inplace=True)
def div(input: Number, other: Number, *, rounding_mode: str | None = None) -> Tensor:
    """input / other, as floats; `rounding_mode` "floor" or "trunc" rounds.

    >>> import candle
    >>> candle.div(candle.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    if rounding_mode is None:
        return apply(Div, input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div: rounding_mode must be None, 'floor' or 'trunc', got {rounding_mode!r}")
    rule = FloorDivide if rounding_mode == "floor" else TruncDivide
    return apply(rule, input, _divisor("div", input, other))


@method("true_divide", "__truediv__", inplace=True)
def true_divide(input: Number, other: Number) -> Tensor:
    """input / other, as floats."""
    return apply(Div, input, other)


@method("__rtruediv__")
def rdiv(input: Tensor, other: Number) -> Tensor:
    return apply(Div, other, input)


@method("floor_divide", "__floordiv__", inplace=True)
def floor_divide(input: Number, other: Number) -> Tensor:
    """The largest integers not above input / other."""
    return apply(FloorDivide, input, _divisor("floor_divide", input, other))


def _divisor(name: str, input: Number, other: Number) -> Number:
    """Integers have no infinity: dividing them by zero raises."""
    for x in (input, other):
        if isinstance(x, float | complex) or (
            isinstance(x, Tensor) and (x.dtype.category > _dtypes.INT or x._backend.level)
        ):
            return other
    if bool((other == 0).any()) if isinstance(other, Tensor) else other == 0:
        raise RuntimeError(f"{name}: division of integers by zero")
    return other


@method("__rfloordiv__")
def rfloordiv(input: Tensor, other: Number) -> Tensor:
    return apply(FloorDivide, other, _divisor("floor_divide", other, input))


@method("remainder", "__mod__", inplace=True)
def remainder(input: Number, other: Number) -> Tensor:
    """Python's `%`: the result has the sign of `other`."""
    return apply(Remainder, input, _divisor("remainder", input, other))


@method("__rmod__")
def rmod(input: Tensor, other: Number) -> Tensor:
    return apply(Remainder, other, _divisor("remainder", other, input))


@method(inplace=True)
def fmod(input: Tensor, other: Number) -> Tensor:
    """C's `%`: the result has the sign of `input`."""
    return apply(Fmod, input, _divisor("fmod", input, other))


divide = div
