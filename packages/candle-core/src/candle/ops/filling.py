"""All values replaced: copy_, fill_, zero_."""

from __future__ import annotations

from typing import Any

from candle import _dtypes, _views
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op

__all__ = ["fill"]


class Overwrite(Op):
    """x with all its values replaced by those of value;  dx = 0, dvalue = grad"""

    name = "overwrite"

    def forward(xp, x, value):
        return xp.astype(xp.broadcast_to(value, x.shape), x.dtype)

    def vjp(xp, needs, grad, out, x, value):
        return grad * 0 if needs[0] else None, grad


# What users call


@method()
def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """In place: the values of `src`, broadcast and converted."""
    if src._backend is not input._backend:
        src = src.to(input.device)
    return _views.assign(input, apply(Overwrite, input, src), "copy_")


@method(inplace=True)
def fill(input: Tensor, value: Any) -> Tensor:
    """One value in the shape of input."""
    from candle.ops.creation import tensor

    if not isinstance(value, Tensor):
        value = tensor(_dtypes.fitting("fill", value, input.dtype), dtype=input.dtype, device=input.device)
    if value.ndim:
        raise RuntimeError(f"fill and fill_ expect a number or a 0-d tensor, got shape {tuple(value.shape)}")
    return apply(Overwrite, input, value.to(input.device))


@method()
def zero_(input: Tensor) -> Tensor:
    """In place: zero everywhere."""
    return input.fill_(0)
