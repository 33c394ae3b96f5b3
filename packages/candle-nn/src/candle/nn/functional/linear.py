"""Linear functions."""

from __future__ import annotations

from math import prod
from typing import Any

from candle import Tensor, einsum, is_autocast_enabled
from candle._apply import apply
from candle.nn.functional._common import expect_tensors
from candle.op import Op
from candle.ops._common import expect_tensor
from candle.ops.linalg import transposed

__all__ = ["bilinear", "linear"]


class Linear(Op):
    """x W^T + b;  dx = grad W, dW = grad^T x, db = grad, summed"""

    name, promotes, autocast = "linear", "x weight bias", "lower"
    reads = {"x": "weight", "weight": "x"}

    def forward(xp, x, weight, bias):
        x2, columns = rows(xp, x), transposed(xp, weight)
        out = xp.matmul(x2, columns) if bias is None else xp.matmul(x2, columns) + bias  # may add in place
        return out if x.ndim == 2 else xp.reshape(out, (*x.shape[:-1], weight.shape[0]))

    def vjp(xp, needs, grad, out, x, weight, bias):
        grad, dx, dw = rows(xp, grad), None, None
        if needs[0]:
            dx = xp.matmul(grad, xp.conj(weight))
            dx = dx if x.ndim == 2 else xp.reshape(dx, x.shape)
        if needs[1]:
            dw = xp.matmul(transposed(xp, grad), xp.conj(rows(xp, x)))
        return dx, dw, xp.sum(grad, axis=0) if needs[2] else None


def rows(xp: Any, x: Any) -> Any:
    """(..., n) as a matrix."""
    return x if x.ndim == 2 else xp.reshape(x, (prod(x.shape[:-1]), x.shape[-1]))


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight^T + bias.

    Shapes: input (..., in), weight (out, in) or (in), bias (out) or () -> (..., out) or (...).
    """
    expect_tensor("linear", input, "input")
    given, wanted = input._array.shape, weight._array.shape  # a tensor's Size is slower to look into
    if len(wanted) > 2 or given[-1:] != wanted[-1:]:
        raise RuntimeError(
            f"linear: an input of shape {tuple(input.shape)} does not fit a weight of shape {tuple(weight.shape)}: "
            f"the last sizes must be equal"
        )
    alike = is_autocast_enabled() or all(t.dtype is input.dtype for t in (weight, bias) if t is not None)
    if alike and len(wanted) == 2 and (bias is None or bias._array.shape == wanted[:1]):
        return apply(Linear, input, weight, bias)
    out = input @ weight.t()
    if bias is not None and is_autocast_enabled():
        bias = bias.to(out.dtype)
    return _with_bias("linear", out, bias)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input1^T weight_k input2 + bias_k, for each k.

    Shapes: input1 (..., in1), input2 (..., in2), weight (out, in1, in2), bias (out) -> (..., out).
    """
    expect_tensors("bilinear", input1=input1, input2=input2, weight=weight)
    fits = input1.ndim and input2.ndim and input1.shape[:-1] == input2.shape[:-1]
    if not fits or (input1.shape[-1], input2.shape[-1]) != tuple(weight.shape[1:]):
        shapes = ", ".join(str(tuple(x.shape)) for x in (input1, input2, weight))
        raise RuntimeError(
            f"bilinear: inputs and weight of shapes {shapes} do not fit: (..., a), (..., b), (out, a, b)"
        )
    return _with_bias("bilinear", einsum("...a,oab,...b->...o", input1, weight, input2), bias)


def _with_bias(name: str, out: Tensor, bias: Tensor | None) -> Tensor:
    if bias is None:
        return out
    added = out + bias
    if added.shape != out.shape:
        raise RuntimeError(f"{name}: a bias of shape {tuple(bias.shape)} does not fit outputs of {tuple(out.shape)}")
    return added
