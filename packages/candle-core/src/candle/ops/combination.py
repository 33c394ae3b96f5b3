"""Combinations of three tensors: products and quotients added, and what lies between two."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Number
from candle.ops.arithmetic import NUMBERS, conj

__all__ = ["addcdiv", "addcmul", "lerp"]


class Addcmul(Op):
    """x + value y z;  dx = grad, dy = grad * value z, dz = grad * value y"""

    name, promotes = "addcmul", "x y z value"
    reads = {"y": "z", "z": "y"}

    def forward(xp, x, y, z, value):
        return x + scaled(y * z, value)

    def vjp(xp, needs, grad, out, x, y, z, value):
        grads = scaled(grad, value.conjugate()) if needs[1] or needs[2] else None
        return grad, grads * xp.conj(z) if needs[1] else None, grads * xp.conj(y) if needs[2] else None, None


class Addcdiv(Op):
    """x + value y / z;  dx = grad, dy = grad * value / z, dz = -grad * value y / z^2"""

    name, promotes, floats = "addcdiv", "x y z value", True
    reads = {"y": "z", "z": "y z"}

    def forward(xp, x, y, z, value):
        return x + scaled(y / z, value)

    def vjp(xp, needs, grad, out, x, y, z, value):
        dy = scaled(grad, value.conjugate()) / xp.conj(z) if needs[1] or needs[2] else None
        return grad, dy, -dy * xp.conj(y / z) if needs[2] else None, None


class Lerp(Op):
    """x + w (y - x), from the nearer end: y at w = 1;  dx = grad (1 - w), dy = grad w, dw = grad (y - x)"""

    name, promotes, floats = "lerp", "x y w", True
    reads = {"x": "w", "y": "w", "w": "x y"}

    def forward(xp, x, y, w):
        from_x, from_y = x + (y - x) * w, y - (y - x) * (1 - w)
        if isinstance(w, NUMBERS):
            return from_x if abs(w) < 0.5 else from_y
        return xp.where(xp.less(xp.abs(w), 0.5), from_x, from_y)

    def vjp(xp, needs, grad, out, x, y, w):
        dx = grad * conj(xp, 1 - w) if needs[0] else None
        return dx, grad * conj(xp, w) if needs[1] else None, grad * xp.conj(y - x) if needs[2] else None


def scaled(x: Any, value: Any) -> Any:
    return x if value == 1 else x * value


# What users call


def _factor(value: Any, *tensors: Tensor) -> Any:
    """Among integers, a number is one."""
    whole = all(t.dtype.category <= _dtypes.INT for t in tensors if isinstance(t, Tensor))
    return int(value) if whole else value


@method(inplace=True)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """input + value * tensor1 * tensor2.

    >>> import candle
    >>> candle.addcmul(candle.tensor([1.0]), candle.tensor([2.0]), candle.tensor([3.0]), value=10)
    tensor([61.])
    """
    return apply(Addcmul, input, tensor1, tensor2, _factor(value, input, tensor1, tensor2))


@method(inplace=True)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """input + value * tensor1 / tensor2."""
    if tensor1.dtype.category <= _dtypes.INT and tensor2.dtype.category <= _dtypes.INT:
        raise RuntimeError("addcdiv: not for two tensors of integers; make one of them floating-point")
    return apply(Addcdiv, input, tensor1, tensor2, value)


@method(inplace=True)
def lerp(input: Tensor, end: Tensor, weight: Number) -> Tensor:
    """What lies between input (at weight 0) and end (at weight 1), on a straight line.

    >>> import candle
    >>> candle.lerp(candle.tensor([0.0, 10.0]), candle.tensor([4.0, 20.0]), 0.5)
    tensor([ 2., 15.])
    """
    for t in (end, weight):
        if isinstance(t, Tensor) and t.dtype is not input.dtype:
            raise RuntimeError(f"lerp: expected tensors of one dtype, got {input.dtype} and {t.dtype}")
    return apply(Lerp, input, end, weight)
