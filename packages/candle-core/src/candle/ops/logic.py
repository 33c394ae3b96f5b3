"""And, or, xor and not: of booleans and of bits."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Binary, expect_tensor
from candle.ops.arithmetic import operand
from candle.ops.comparison import ne

__all__ = [
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
]


class LogicalAnd(Op):
    """x and y, for booleans"""

    name, contract = "logical_and", "logical_and"

    def forward(xp, x, y):
        return xp.logical_and(x, y)


class LogicalOr(Op):
    """x or y, for booleans"""

    name, contract = "logical_or", "logical_or"

    def forward(xp, x, y):
        return xp.logical_or(x, y)


class LogicalXor(Op):
    """x or y but not both, for booleans"""

    name, contract = "logical_xor", "logical_xor"

    def forward(xp, x, y):
        return xp.logical_xor(x, y)


class LogicalNot(Op):
    """not x, for booleans"""

    name, contract = "logical_not", "logical_not"

    def forward(xp, x):
        return xp.logical_not(x)


class BitwiseAnd(Binary):
    """the bits in both x and y"""

    name, contract = "bitwise_and", "bitwise_and"

    def forward(xp, x, y):
        return xp.bitwise_and(x, y)


class BitwiseOr(Binary):
    """the bits in x or y"""

    name, contract = "bitwise_or", "bitwise_or"

    def forward(xp, x, y):
        return xp.bitwise_or(x, y)


class BitwiseXor(Binary):
    """the bits in one of x and y"""

    name, contract = "bitwise_xor", "bitwise_xor"

    def forward(xp, x, y):
        return xp.bitwise_xor(x, y)


class BitwiseNot(Op):
    """the bits not in x"""

    name, contract = "bitwise_not", "bitwise_invert"

    def forward(xp, x):
        return xp.bitwise_invert(x)


# What users call


def truth(t: Tensor) -> Tensor:
    """Bool tensors as they are, others by what is not zero."""
    return t if t.dtype is _dtypes.bool_ else ne(t, 0)


def _truths(name: str, input: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    expect_tensor(name, input, "input")
    expect_tensor(name, other, "other")
    return truth(input), truth(other)


@method(inplace=True)
def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """Where both are true (not zero)."""
    return apply(LogicalAnd, *_truths("logical_and", input, other))


@method(inplace=True)
def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """Where either is true (not zero)."""
    return apply(LogicalOr, *_truths("logical_or", input, other))


@method(inplace=True)
def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Where exactly one is true (not zero)."""
    return apply(LogicalXor, *_truths("logical_xor", input, other))


@method(inplace=True)
def logical_not(input: Tensor) -> Tensor:
    """Where it is false (zero)."""
    return apply(LogicalNot, truth(input))


def _bits(name: str, both: Any, logical: Any, input: Any, other: Any) -> Tensor:
    input, other = operand(input), operand(other)
    kinds = [t.dtype if isinstance(t, Tensor) else _dtypes.PYTHON.get(type(t), _dtypes.float32) for t in (input, other)]
    if any(d.category > _dtypes.INT for d in kinds):
        raise RuntimeError(f"{name}: only for integers and bools, got {kinds[0]} and {kinds[1]}")
    if all(d is _dtypes.bool_ for d in kinds) and isinstance(input, Tensor) and isinstance(other, Tensor):
        return apply(logical, input, other)
    return apply(both, input, other)


@method("bitwise_and", "__and__", "__rand__", inplace=True)
def bitwise_and(input: Any, other: Any) -> Tensor:
    """The bits set in both; of bools, where both are true."""
    return _bits("bitwise_and", BitwiseAnd, LogicalAnd, input, other)


@method("bitwise_or", "__or__", "__ror__", inplace=True)
def bitwise_or(input: Any, other: Any) -> Tensor:
    """The bits set in either; of bools, where either is true."""
    return _bits("bitwise_or", BitwiseOr, LogicalOr, input, other)


@method("bitwise_xor", "__xor__", "__rxor__", inplace=True)
def bitwise_xor(input: Any, other: Any) -> Tensor:
    """The bits set in one only; of bools, where exactly one is true."""
    return _bits("bitwise_xor", BitwiseXor, LogicalXor, input, other)


@method("bitwise_not", inplace=True)
@method("__invert__")
def bitwise_not(input: Tensor) -> Tensor:
    """The bits not set; of bools, their negation."""
    if input.dtype.category > _dtypes.INT:
        raise RuntimeError(f"bitwise_not: only for integers and bools, got {input.dtype}")
    return apply(LogicalNot if input.dtype is _dtypes.bool_ else BitwiseNot, input)
