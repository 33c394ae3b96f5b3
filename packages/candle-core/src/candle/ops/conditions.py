"""Where a condition holds: one of two values, or the places."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import expect_tensor

__all__ = ["argwhere", "nonzero", "nonzero_static", "where"]


class Where(Op):
    """x where condition holds, else y;  dx = grad there, dy = grad elsewhere"""

    name, contract, promotes = "where", "where", "x y"
    reads = {"x": "condition", "y": "condition"}

    def forward(xp, condition, x, y):
        return xp.where(condition, x, y)

    def vjp(xp, needs, grad, out, condition, x, y):
        zero = xp.zeros((), dtype=grad.dtype)
        dx = xp.where(condition, grad, zero) if needs[1] else None
        return None, dx, xp.where(condition, zero, grad) if needs[2] else None


class Nonzero(Op):
    """the indices of the elements that are not zero, one array per dim"""

    name, value_shaped = "nonzero", True

    def forward(xp, x):
        return tuple(xp.nonzero(x))


# What users call


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """input where condition holds, else other; with the condition alone, the indices where it does.

    >>> import candle
    >>> candle.where(candle.tensor([True, False]), 1.0, 0.0)
    tensor([1., 0.])
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    expect_tensor("where", condition, "condition")
    if condition.dtype is not _dtypes.bool_:
        if condition.dtype is not _dtypes.uint8:
            raise RuntimeError(f"where: expected a bool condition, got {condition.dtype}")
        condition = condition.to(_dtypes.bool_)
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        from candle.ops.creation import tensor

        input = tensor(input, device=condition.device)
    if isinstance(input, Tensor) != isinstance(other, Tensor):
        like, number = (input, other) if isinstance(input, Tensor) else (other, input)
        if like.dtype.category == _dtypes.INT and type(number) is int:
            _dtypes.fitting("where", number, like.dtype)
    return apply(Where, condition, input, other)


@method("where")
def _where_method(input: Tensor, condition: Tensor, other: Any) -> Tensor:
    """input where condition holds, else other."""
    return where(condition, input, other)


@method()
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Where the elements are not zero: a row per element, or a tuple of one tensor per dim."""
    from candle.ops.joining import stack
    from candle.ops.logic import truth

    found = apply(Nonzero, truth(input if input.ndim else input.reshape(1)))
    if as_tuple:
        return found
    rows = stack(found, 1)
    return rows if input.ndim else rows[:, :0]


@method()
def argwhere(input: Tensor) -> Tensor:
    """Where the elements are not zero, a row per element."""
    return nonzero(input)


@method()
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first `size` rows of `nonzero`; where there are fewer, rows of `fill_value` follow."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: size must not be negative, got {size}")
    rows: Tensor = nonzero(input)[:size]
    result = rows.new_full((size, input.ndim), fill_value)
    result[: rows.shape[0]] = rows
    return result
