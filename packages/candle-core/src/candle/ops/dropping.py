"""Dropout: elements that are left out at random, so that no one of them is relied on."""

from __future__ import annotations

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle._views import assign
from candle.op import Op
from candle.ops._common import also_named
from candle.ops.random import drawn, uniform_numbers

__all__ = [
    "dropout",
]


class Dropout(Op):
    """x where the mask holds, over 1 - p; else 0;  dx = grad likewise"""

    name, promotes, floats, reads = "dropout", "x", True, {"x": "mask"}

    def forward(xp, x, mask, *, p):
        return xp.where(mask, x * (1 / (1 - p) if p < 1 else 0.0), xp.zeros((), dtype=x.dtype))

    def vjp(xp, needs, grad, out, x, mask, *, p):
        return Dropout.forward(xp, grad, mask, p=p), None


# What users call


@method(inplace=True)
@also_named(train="training")
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, elements are zero with probability p and the others grow by 1 / (1 - p)."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: the probability must lie between 0 and 1, got {p}")
    if not training or p == 0:
        return input
    mask = drawn(
        lambda shape: uniform_numbers(shape, _dtypes.float32, None) >= p, input.shape, _dtypes.bool_, input.device
    )
    result: Tensor = apply(Dropout, input, mask, p=float(p))
    return assign(input, result, "dropout") if inplace else result
