"""How floating-point numbers are written: signs, exponents, neighbours, fractions; and those that are none."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Binary, Number
from candle.ops.arithmetic import array_like
from candle.ops.comparison import eq, isnan, lt, ne
from candle.ops.powers import pow
from candle.ops.rounding import trunc

__all__ = [
    "copysign",
    "frac",
    "frexp",
    "heaviside",
    "isneginf",
    "isposinf",
    "ldexp",
    "nan_to_num",
    "nextafter",
    "signbit",
]

LARGEST = {
    "float64": (2 - 2.0**-52) * 2.0**1023,
    "float32": (2 - 2.0**-23) * 2.0**127,
    "float16": (2 - 2.0**-10) * 2.0**15,
    "bfloat16": (2 - 2.0**-7) * 2.0**127,
}


class Signbit(Op):
    """whether x has a minus, as -0.0 does"""

    name, contract = "signbit", "signbit"

    def forward(xp, x):
        return xp.signbit(x)


class Copysign(Binary):
    """|x| with the sign of y;  dx = grad * out / x, and 0 for x = 0, dy = 0"""

    name, contract, floats, reads = "copysign", "copysign", True, {"x": "x out"}
    real = True

    def forward(xp, x, y):
        return xp.copysign(array_like(xp, x, y), array_like(xp, y, x))

    def vjp(xp, needs, grad, out, x, y):
        zero = grad * 0
        turned = xp.not_equal(xp.less(out, 0), xp.less(x, 0)) if needs[0] else None
        dx = xp.where(xp.equal(x, 0), zero, xp.where(turned, -grad, grad)) if needs[0] else None
        return dx, zero if needs[1] else None


class Frexp(Op):
    """(m, e) with x = m 2^e and 0.5 <= |m| < 1;  dx = grad / 2^e"""

    name, contract, reads = "frexp", "frexp", {"x": "out"}

    def forward(xp, x):
        return xp.frexp(x)

    def vjp(xp, needs, grad, out, x):
        if grad[0] is None:
            return (None,)
        exponent = xp.astype(out[1], grad[0].dtype)
        return (grad[0] * xp.pow(xp.full((), 2, dtype=exponent.dtype), -exponent),)


class Nextafter(Binary):
    """the number next to x towards y;  dx = grad, dy = 0"""

    name, contract, numbers = "nextafter", "nextafter", False
    real = True

    def forward(xp, x, y):
        return xp.nextafter(x, y)

    def vjp(xp, needs, grad, out, x, y):
        return grad, grad * 0


class Heaviside(Binary):
    """0 for x < 0, 1 for x > 0, y for x = 0"""

    name, numbers, no_grad_outputs = "heaviside", False, (0,)
    real = True

    def forward(xp, x, y):
        return xp.where(xp.equal(x, 0), y, xp.astype(xp.less(0, x), y.dtype))


# What users call


@method()
def signbit(input: Tensor) -> Tensor:
    """Where the number has a minus, as -0.0 does.

    >>> import candle
    >>> candle.signbit(candle.tensor([-1.0, -0.0, 0.0]))
    tensor([ True,  True, False])
    """
    _dtypes.refuse_complex("signbit", input.dtype)
    return apply(Signbit, input) if input.dtype.is_floating_point else lt(input, 0)


@method(inplace=True)
def copysign(input: Tensor, other: Number) -> Tensor:
    """|input| with the sign of `other`."""
    return apply(Copysign, input, other)


mantissa_and_exponent = namedtuple("mantissa_and_exponent", "mantissa exponent")


@method()
def frexp(input: Tensor) -> Any:
    """(mantissa, exponent) with input = mantissa * 2^exponent and 0.5 <= |mantissa| < 1.

    >>> import candle
    >>> candle.frexp(candle.tensor([6.0, -0.25]))
    mantissa_and_exponent(mantissa=tensor([ 0.7500, -0.5000]), exponent=tensor([ 3, -1], dtype=candle.int32))
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"frexp: only for floating-point tensors, got {input.dtype}")
    return mantissa_and_exponent(*apply(Frexp, input))


@method(inplace=True)
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input * 2^other."""
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        raise TypeError("ldexp: expected two tensors; use input * 2**other for numbers")
    if input.dtype.category > other.dtype.category:
        other = other.to(input.dtype)
    return input * pow(2.0, other)


@method(inplace=True)
def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The floating-point number next to input towards `other`."""
    return apply(Nextafter, input, other)


@method(inplace=True)
def frac(input: Tensor) -> Tensor:
    """What follows the point, with the sign of input."""
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"frac: only for floating-point tensors, got {input.dtype}")
    return input - trunc(input)


@method(inplace=True)
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 below zero, 1 above, and `values` at zero.

    >>> import candle
    >>> candle.heaviside(candle.tensor([-2.0, 0.0, 3.0]), candle.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    for t in (input, values):
        if isinstance(t, Tensor) and t.dtype is not input.dtype:
            raise RuntimeError(f"heaviside: expected tensors of one dtype, got {input.dtype} and {t.dtype}")
    return apply(Heaviside, input, values)


@method()
def isposinf(input: Tensor) -> Tensor:
    """Where the value is positive infinity."""
    _dtypes.refuse_complex("isposinf", input.dtype)
    return eq(input, math.inf) if input.dtype.is_floating_point else _nowhere(input)


@method()
def isneginf(input: Tensor) -> Tensor:
    """Where the value is negative infinity."""
    _dtypes.refuse_complex("isneginf", input.dtype)
    return eq(input, -math.inf) if input.dtype.is_floating_point else _nowhere(input)


def _nowhere(input: Tensor) -> Tensor:
    return ne(input, input)


@method(inplace=True)
def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """nan replaced by 0 (or `nan`), infinities by the largest and smallest number (or `posinf` and `neginf`).

    >>> import candle
    >>> candle.nan_to_num(candle.tensor([float("nan"), float("inf"), 1.0]), posinf=9.0)
    tensor([0., 9., 1.])
    """
    if input.dtype.category <= _dtypes.INT:
        return input.clone()
    if input.dtype.is_complex:
        raise NotImplementedError("nan_to_num: complex tensors are not supported; treat .real and .imag")
    largest = LARGEST[input.dtype.name]
    out = input.masked_fill(isnan(input), 0.0 if nan is None else nan)
    out = out.masked_fill(isposinf(input), largest if posinf is None else posinf)
    return out.masked_fill(isneginf(input), -largest if neginf is None else neginf)
