"""Powers: x ** y, and the ones that have names."""

from __future__ import annotations

from typing import Any

from candle import _dtypes, _views
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import Binary, Number, Unary
from candle.ops.arithmetic import NUMBERS, array_like, conj, operand

__all__ = ["float_power", "pow", "reciprocal", "square"]


class Square(Unary):
    """x * x;  dx = 2 x grad"""

    name, contract, floats, reads = "square", "square", False, {"x": "x"}

    def forward(xp, x):
        return xp.square(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (2 * xp.conj(x)),)


class Reciprocal(Unary):
    """1 / x;  dx = -grad * out^2"""

    name, contract, reads = "reciprocal", "reciprocal", {"x": "out"}

    def forward(xp, x):
        return xp.reciprocal(x)

    def vjp(xp, needs, grad, out, x):
        return (-grad * xp.conj(out * out),)


class Pow(Binary):
    """x ** y;  dx = grad * y x^(y-1), dy = grad * out * log(x)"""

    name, contract, reads = "pow", "pow", {"x": "x y", "y": "x out"}

    def forward(xp, x, y):
        return powered(xp, x, y)

    def vjp(xp, needs, grad, out, x, y):
        dx = dy = None
        if needs[0]:
            # at y = 0, also where x^(y-1) is infinite; that is not computed, for this has a slope, too
            flat = grad * 0
            if isinstance(y, NUMBERS):
                dx = grad * conj(xp, y * powered(xp, x, y - 1)) if y else flat
            else:
                at_zero = xp.equal(y, 0)
                safe = xp.where(at_zero, xp.ones((), dtype=y.dtype), y)
                dx = xp.where(at_zero, flat, grad * xp.conj(y * xp.pow(x, safe - 1)))
        if needs[1]:  # 0^y is 0 for all y > 0, so its slope is 0, though log(0) is not
            x = array_like(xp, x, grad)
            flat = xp.equal(x, 0)
            safe = xp.where(flat, xp.ones((), dtype=x.dtype), x)
            dy = grad * xp.conj(out * xp.where(flat, xp.zeros((), dtype=x.dtype), xp.log(safe)))
        return dx, dy


def powered(xp: Any, x: Any, y: Any) -> Any:
    """x ** y; small numbers by multiplication, which is a thousand times faster."""
    if isinstance(y, NUMBERS) and not isinstance(x, NUMBERS):
        match y:
            case 2:
                return xp.square(x)
            case 3:
                return xp.square(x) * x
            case 0.5:
                return xp.sqrt(x)
            case -0.5:
                return 1 / xp.sqrt(x)
            case -1:
                return 1 / x
            case -2:
                return 1 / xp.square(x)
    return xp.pow(x, y)


class IntPow(Binary):
    """x ** y for integers: a negative power of anything but 1 and -1 is 0"""

    name = "int_pow"

    def forward(xp, x, y):
        x, y = array_like(xp, x, y), array_like(xp, y, x)
        negative, unit = xp.less(y, 0), xp.equal(xp.abs(x), 1)
        power = xp.pow(x, xp.where(negative, xp.remainder(y, 2), y))  # of 1 and -1 the parity decides
        return xp.where(xp.logical_and(negative, xp.logical_not(unit)), power * 0, power)


# What users call


@method(inplace=True)
def square(input: Tensor) -> Tensor:
    """input * input."""
    return pow(input, 2)


@method(inplace=True)
def reciprocal(input: Tensor) -> Tensor:
    """1 / input."""
    return apply(Reciprocal, input)


@method("pow", "__pow__", inplace=True)
def pow(input: Number, exponent: Number) -> Tensor:
    """input ** exponent.

    >>> import candle
    >>> candle.tensor([1.0, 2.0, 3.0]) ** 2
    tensor([1., 4., 9.])
    """
    if type(exponent) is int and exponent == 2 and input.dtype is not _dtypes.bool_:
        return apply(Square, input)
    exponent = operand(exponent)
    if (
        not isinstance(exponent, Tensor)
        and isinstance(exponent, int)
        and exponent < 0
        and input.dtype.category <= _dtypes.INT
    ):
        raise RuntimeError("pow: integers to negative integer powers are not allowed; make the base a float")
    return _power(input, exponent)


@method()
def float_power(input: Number, exponent: Number) -> Tensor:
    """input ** exponent in double precision, whatever the dtypes."""
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise TypeError(f"float_power: expected at least one tensor, got {input!r} and {exponent!r}")
    imaginary = any(isinstance(x, complex) or (isinstance(x, Tensor) and x.dtype.is_complex) for x in (input, exponent))
    wide = _dtypes.complex128 if imaginary else _dtypes.float64
    base, power = (x.to(wide) if isinstance(x, Tensor) else x for x in (input, exponent))
    return pow(base, power)


@method("float_power_")
def _float_power_(input: Tensor, exponent: Number) -> Tensor:
    """In place: float_power."""
    result = float_power(input, exponent)
    if result.dtype is not input.dtype:
        raise RuntimeError(f"float_power_: the result is {result.dtype}, which does not fit into {input.dtype}")
    return _views.assign(input, result, "float_power_")


@method("__rpow__")
def rpow(input: Tensor, base: Number) -> Tensor:
    return _power(operand(base), input)


def _power(base: Number, exponent: Number) -> Tensor:
    from candle.ops.conversion import result_type

    kind = result_type(base, exponent)
    if kind is _dtypes.bool_:
        return base | (exponent ^ True)
    signed = kind.category == _dtypes.INT and isinstance(exponent, Tensor) and exponent.dtype.is_signed
    return apply(IntPow if signed else Pow, base, exponent)
