"""Comparisons: results are bool and carry no gradient."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Binary

__all__ = [
    "allclose",
    "eq",
    "equal",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "less",
    "less_equal",
    "lt",
    "ne",
    "not_equal",
]


class Comparison(Binary):
    """A relation between elements."""


class Equal(Comparison):
    """x == y"""

    name, contract = "eq", "equal"

    def forward(xp, x, y):
        return xp.equal(x, y)


class NotEqual(Comparison):
    """x != y"""

    name, contract = "ne", "not_equal"

    def forward(xp, x, y):
        return xp.not_equal(x, y)


class Order(Comparison):
    """A relation that complex numbers do not have."""

    real = True


class Less(Order):
    """x < y"""

    name, contract = "lt", "less"

    def forward(xp, x, y):
        return xp.less(x, y)


class LessEqual(Order):
    """x <= y"""

    name, contract = "le", "less_equal"

    def forward(xp, x, y):
        return xp.less_equal(x, y)


class Greater(Order):
    """x > y"""

    name, contract = "gt", "greater"

    def forward(xp, x, y):
        return xp.greater(x, y)


class GreaterEqual(Order):
    """x >= y"""

    name, contract = "ge", "greater_equal"

    def forward(xp, x, y):
        return xp.greater_equal(x, y)


class IsNan(Op):
    """x is not a number"""

    name, contract = "isnan", "isnan"

    def forward(xp, x):
        return xp.isnan(x)


class IsInf(Op):
    """x is infinite"""

    name, contract = "isinf", "isinf"

    def forward(xp, x):
        return xp.isinf(x)


class IsFinite(Op):
    """x is neither infinite nor nan"""

    name, contract = "isfinite", "isfinite"

    def forward(xp, x):
        return xp.isfinite(x)


# What users call


@method(inplace=True)
def eq(input: Tensor, other: Any) -> Tensor:
    """input == other, element by element.

    >>> import candle
    >>> candle.tensor([1, 2]) == 2
    tensor([False,  True])
    """
    return apply(Equal, input, other)


@method("ne", "not_equal", inplace=True)
def ne(input: Tensor, other: Any) -> Tensor:
    """input != other, element by element."""
    return apply(NotEqual, input, other)


def _is_operand(x: Any) -> bool:
    return isinstance(x, Tensor | int | float | complex) or hasattr(x, "item")


@method("__eq__")
def _same(input: Tensor, other: Any) -> Any:
    """input == other, element by element; False for what is no tensor or number."""
    return eq(input, other) if _is_operand(other) else NotImplemented


@method("__ne__")
def _different(input: Tensor, other: Any) -> Any:
    """input != other, element by element; True for what is no tensor or number."""
    return ne(input, other) if _is_operand(other) else NotImplemented


@method("lt", "less", "__lt__", inplace=True)
def lt(input: Tensor, other: Any) -> Tensor:
    """input < other, element by element."""
    return apply(Less, input, other)


@method("le", "less_equal", "__le__", inplace=True)
def le(input: Tensor, other: Any) -> Tensor:
    """input <= other, element by element."""
    return apply(LessEqual, input, other)


@method("gt", "greater", "__gt__", inplace=True)
def gt(input: Tensor, other: Any) -> Tensor:
    """input > other, element by element."""
    return apply(Greater, input, other)


@method("ge", "greater_equal", "__ge__", inplace=True)
def ge(input: Tensor, other: Any) -> Tensor:
    """input >= other, element by element."""
    return apply(GreaterEqual, input, other)


def _exact(input: Tensor) -> bool:
    return input.dtype.category <= _dtypes.INT


@method()
def isnan(input: Tensor) -> Tensor:
    """Where the value is not a number."""
    return ne(input, input) if _exact(input) else apply(IsNan, input)


@method()
def isinf(input: Tensor) -> Tensor:
    """Where the value is infinite."""
    return ne(input, input) if _exact(input) else apply(IsInf, input)


@method()
def isfinite(input: Tensor) -> Tensor:
    """Where the value is neither infinite nor nan."""
    return eq(input, input) if _exact(input) else apply(IsFinite, input)


@method()
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where |input - other| <= atol + rtol * |other|."""
    if input.dtype is not other.dtype:
        raise RuntimeError(f"isclose: the dtypes differ: {input.dtype} and {other.dtype}")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol and atol must not be negative, got {rtol} and {atol}")
    same = eq(input, other)
    if equal_nan:
        same = same | (isnan(input) & isnan(other))
    if _exact(input):
        input, other = input.double(), other.double()
    gap = (input - other).abs()
    return same | (isfinite(gap) & (gap <= atol + (rtol * other).abs()))


@method()
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether `isclose` holds everywhere."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


@method()
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and values."""
    return input.shape == other.shape and bool(eq(input, other).all())


greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
