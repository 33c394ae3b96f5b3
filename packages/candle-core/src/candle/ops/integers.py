"""Whole numbers: common divisors and multiples, and shifted bits."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Binary
from candle.ops.arithmetic import array_like, operand

__all__ = ["bitwise_left_shift", "bitwise_right_shift", "gcd", "lcm"]


class Gcd(Binary):
    """the greatest common divisor of x and y"""

    name, contract, numbers = "gcd", "gcd", False

    def forward(xp, x, y):
        return xp.gcd(x, y)


class Lcm(Binary):
    """the least common multiple of x and y"""

    name, numbers = "lcm", False

    def forward(xp, x, y):
        divisor = xp.gcd(x, y)
        divisor = xp.where(xp.equal(divisor, 0), xp.ones((), dtype=divisor.dtype), divisor)
        return xp.abs(xp.floor_divide(x, divisor) * y)


class LeftShift(Binary):
    """the bits of x moved up by y places"""

    name, contract = "bitwise_left_shift", "bitwise_left_shift"

    def forward(xp, x, y):
        return xp.bitwise_left_shift(array_like(xp, x, y), array_like(xp, y, x))


class RightShift(Binary):
    """the bits of x moved down by y places, the sign staying what it is"""

    name, contract = "bitwise_right_shift", "bitwise_right_shift"

    def forward(xp, x, y):
        return xp.bitwise_right_shift(array_like(xp, x, y), array_like(xp, y, x))


# What users call


def _whole(name: str, op: type[Op], *operands: Any) -> Tensor:
    operands = tuple(map(operand, operands))
    kinds = [t.dtype if isinstance(t, Tensor) else _dtypes.PYTHON[type(t)] for t in operands]
    if any(d.category > _dtypes.INT for d in kinds) or all(d is _dtypes.bool_ for d in kinds):
        raise RuntimeError(f"{name}: only for integers, got {kinds[0]} and {kinds[1]}")
    return apply(op, *operands)


@method(inplace=True)
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor.

    >>> import candle
    >>> candle.gcd(candle.tensor([12, -8, 0]), candle.tensor([18, 12, 5]))
    tensor([6, 4, 5])
    """
    return _whole("gcd", Gcd, input, other)


@method(inplace=True)
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple."""
    return _whole("lcm", Lcm, input, other)


@method("bitwise_left_shift", "__lshift__", inplace=True)
def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    """The bits moved up by `other` places: input * 2^other."""
    return _whole("bitwise_left_shift", LeftShift, input, other)


@method("bitwise_right_shift", "__rshift__", inplace=True)
def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    """The bits moved down by `other` places: input / 2^other, rounded down.

    >>> import candle
    >>> candle.tensor([20, -3]) >> 1
    tensor([10, -2])
    """
    return _whole("bitwise_right_shift", RightShift, input, other)


@method("__rlshift__")
def _rlshift(input: Tensor, other: Any) -> Tensor:
    return bitwise_left_shift(other, input)


@method("__rrshift__")
def _rrshift(input: Tensor, other: Any) -> Tensor:
    return bitwise_right_shift(other, input)
