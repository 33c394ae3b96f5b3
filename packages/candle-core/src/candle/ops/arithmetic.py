"""Arithmetic on elements: + - * and their relatives."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._promotion import refuse_bools
from candle._tensor import Tensor
from candle.op import Op, is_complex_array
from candle.ops._common import HALVES, Binary, Number, Unary
from candle.ops.conversion import result_type
from candle.ops.creation import as_tensor

__all__ = [
    "abs",
    "absolute",
    "add",
    "mul",
    "multiply",
    "neg",
    "negative",
    "positive",
    "rsub",
    "sign",
    "sub",
    "subtract",
]


class Add(Binary):
    """x + y;  dx = grad, dy = grad"""

    name, contract = "add", "add"

    def forward(xp, x, y):
        return xp.add(x, y)

    def vjp(xp, needs, grad, out, x, y):
        return grad, grad


class Sub(Binary):
    """x - y;  dx = grad, dy = -grad"""

    name, contract, bools = "sub", "subtract", "^ (logical_xor), or ~ (logical_not) to invert a mask"

    def forward(xp, x, y):
        return xp.subtract(x, y)

    def vjp(xp, needs, grad, out, x, y):
        return grad, -grad if needs[1] else None


class Mul(Binary):
    """x * y;  dx = grad * y, dy = grad * x"""

    name, contract, reads = "mul", "multiply", {"x": "y", "y": "x"}

    def forward(xp, x, y):
        return xp.multiply(x, y)

    def vjp(xp, needs, grad, out, x, y):
        return grad * conj(xp, y) if needs[0] else None, grad * conj(xp, x) if needs[1] else None


class Neg(Unary):
    """-x;  dx = -grad"""

    name, contract, floats = "neg", "negative", False

    def forward(xp, x):
        return xp.negative(x)

    def vjp(xp, needs, grad, out, x):
        return (-grad,)


class Abs(Unary):
    """|x|;  dx = grad * sign(x)"""

    name, contract, floats, reads = "abs", "abs", False, {"x": "x"}

    def forward(xp, x):
        return xp.abs(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.sign(x),)


class Sign(Unary):
    """-1, 0 or 1 by the sign of x;  dx = 0, and for complex x / |x| what of grad is across x, over |x|"""

    name, contract, floats, reads = "sign", "sign", False, {"x": "x"}

    def forward(xp, x):
        return xp.sign(x)

    def vjp(xp, needs, grad, out, x):
        if not is_complex_array(xp, x):
            return (grad * 0,)
        size, unit = xp.abs(x), xp.sign(x)
        at_zero = xp.equal(size, 0)
        size = xp.where(at_zero, xp.ones((), dtype=size.dtype), size)
        across = grad - xp.astype(xp.real(grad * xp.conj(unit)), unit.dtype) * unit
        return (xp.where(at_zero, grad * 0, across / xp.astype(size, unit.dtype)),)


NUMBERS = (int, float, complex)  # as a tuple: isinstance asks a union six times slower


def conj(xp: Any, y: Any) -> Any:
    """xp.conj that also takes a Python number."""
    return y.conjugate() if isinstance(y, NUMBERS) else xp.conj(y)


def array_like(xp: Any, y: Any, x: Any) -> Any:
    """A Python number as an array of x's dtype; arrays stay."""
    return xp.asarray(y, dtype=x.dtype) if isinstance(y, NUMBERS) else y


# What users call


def operand(x: Any) -> Any:
    """NumPy's arrays as tensors and its numbers as Python's; what else there is stays."""
    if isinstance(x, Tensor) or not hasattr(x, "item"):
        return x
    return as_tensor(x) if x.ndim else x.item()


def _plus(op: type[Op], input: Number, other: Number, alpha: Any) -> Tensor:
    """input + alpha * other, or input - alpha * other, in the dtype of the two."""
    input, other, alpha = operand(input), operand(other), alpha.item() if hasattr(alpha, "item") else alpha
    refuse_bools(op, (input, other))
    common = result_type(input, other)
    if common is _dtypes.bool_:
        alpha = bool(alpha)
    elif _dtypes.of_number(alpha).category > common.category:
        raise RuntimeError(
            f"{op.name}: the result is {common}, so alpha cannot be {alpha!r}; convert the tensors first"
        )
    if isinstance(other, Tensor):
        other = other.to(_dtypes.float32 if common in HALVES else common)  # a half is rounded once, with the sum
    return apply(op, input, other * alpha).to(common)


@method("add", "__add__", inplace=True)
def add(input: Number, other: Number, *, alpha: Any = 1) -> Tensor:
    """input + alpha * other.

    >>> import candle
    >>> candle.tensor([1, 2]) + 0.5
    tensor([1.5000, 2.5000])
    """
    return apply(Add, input, other) if alpha == 1 else _plus(Add, input, other, alpha)


@method("__radd__")
def radd(input: Tensor, other: Number) -> Tensor:
    return apply(Add, other, input)


@method("sub", "subtract", "__sub__", inplace=True)
def sub(input: Number, other: Number, *, alpha: Any = 1) -> Tensor:
    """input - alpha * other."""
    return apply(Sub, input, other) if alpha == 1 else _plus(Sub, input, other, alpha)


@method("__rsub__")
def rsub(input: Number, other: Number, *, alpha: Any = 1) -> Tensor:
    """other - alpha * input."""
    return sub(other, input, alpha=alpha)


@method("mul", "multiply", "__mul__", inplace=True)
def mul(input: Number, other: Number) -> Tensor:
    """input * other."""
    return apply(Mul, input, other)


@method("__rmul__")
def rmul(input: Tensor, other: Number) -> Tensor:
    return apply(Mul, other, input)


@method("neg", "negative", inplace=True)
@method("__neg__")
def neg(input: Tensor) -> Tensor:
    """-input."""
    if input.dtype is _dtypes.bool_:
        raise RuntimeError("neg: bool tensors have no negative; use ~x (logical_not)")
    return apply(Neg, input)


@method("positive", "__pos__")
def positive(input: Tensor) -> Tensor:
    """input itself."""
    if input.dtype is _dtypes.bool_:
        raise RuntimeError("positive: not for bool tensors")
    return input


@method("abs", "absolute", inplace=True)
@method("__abs__")
def abs(input: Tensor) -> Tensor:
    """|input|; of complex numbers, their length."""
    return apply(Abs, input)


@method(inplace=True)
def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1, by the sign; 0 for nan."""
    if input.dtype is _dtypes.bool_:
        return input.clone()
    _dtypes.refuse_complex("sign", input.dtype)
    if input.dtype.is_floating_point:
        input = input.masked_fill(input != input, 0)  # nan is not itself
    return apply(Sign, input)


absolute, multiply, negative, subtract = abs, mul, neg, sub
