"""Division: exact, rounded, and what is left over."""

from __future__ import annotations

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Binary, Number
from candle.ops.arithmetic import array_like, conj, operand
from candle.ops.conversion import result_type
from candle.ops.rounding import trunc

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
    """floor(x / y);  dx = dy = 0"""

    name, contract = "floor_divide", "floor_divide"
    real = True

    def forward(xp, x, y):
        return xp.floor_divide(x, y)

    def vjp(xp, needs, grad, out, x, y):
        return grad * 0, grad * 0


class TruncDivide(Binary):
    """trunc(x / y), for integers;  no gradient"""

    name, no_grad_outputs = "trunc_divide", (0,)
    real = True

    def forward(xp, x, y):
        whole = xp.floor_divide(x, y)
        inexact = xp.not_equal(whole * y, x)
        return xp.where(xp.logical_and(xp.less(whole, 0), inexact), whole + 1, whole)


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
    if rounding_mode == "floor":
        return _whole(FloorDivide, "div", input, other)
    if result_type(operand(input), operand(other)).category > _dtypes.INT:
        return trunc(apply(Div, input, other))
    return _whole(TruncDivide, "div", input, other)


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
    return _whole(FloorDivide, "floor_divide", input, other)


def _whole(op: type[Op], name: str, input: Number, other: Number) -> Tensor:
    """Integers have no infinity: dividing them by zero raises."""
    input, other = operand(input), operand(other)
    if _is_whole(input) and _is_whole(other):
        zeros = other == 0
        if bool(zeros.any() if isinstance(zeros, Tensor) else zeros):
            raise RuntimeError(f"{name}: division of integers by zero")
    return apply(op, input, other)


def _is_whole(x: Number) -> bool:
    if isinstance(x, Tensor):
        return x.dtype.category <= _dtypes.INT and not x._backend.level  # inside vmap one cannot look for zeros
    return not isinstance(x, float | complex)


@method("__rfloordiv__")
def rfloordiv(input: Tensor, other: Number) -> Tensor:
    return _whole(FloorDivide, "floor_divide", other, input)


@method("remainder", "__mod__", inplace=True)
def remainder(input: Number, other: Number) -> Tensor:
    """Python's `%`: the result has the sign of `other`."""
    return _whole(Remainder, "remainder", input, other)


@method("__rmod__")
def rmod(input: Tensor, other: Number) -> Tensor:
    return _whole(Remainder, "remainder", other, input)


@method(inplace=True)
def fmod(input: Tensor, other: Number) -> Tensor:
    """C's `%`: the result has the sign of `input`."""
    return _whole(Fmod, "fmod", input, other)


divide = div
