"""Linear functions."""

from __future__ import annotations

from candle import Tensor, einsum, is_autocast_enabled

__all__ = ["bilinear", "linear"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight^T + bias.

    Shapes: input (..., in), weight (out, in) or (in), bias (out) or () -> (..., out) or (...).
    """
    if weight.ndim > 2 or input.shape[-1:] != weight.shape[-1:]:
        raise RuntimeError(
            f"linear: an input of shape {tuple(input.shape)} does not fit a weight of shape {tuple(weight.shape)}: "
            f"the last sizes must be equal"
        )
    out = input @ weight.t()
    if bias is not None and is_autocast_enabled():
        bias = bias.to(out.dtype)
    return out if bias is None else out + bias


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input1^T weight_k input2 + bias_k, for each k.

    Shapes: input1 (..., in1), input2 (..., in2), weight (out, in1, in2), bias (out) -> (..., out).
    """
    if input1.shape[:-1] != input2.shape[:-1] or (input1.shape[-1], input2.shape[-1]) != tuple(weight.shape[1:]):
        shapes = ", ".join(str(tuple(x.shape)) for x in (input1, input2, weight))
        raise RuntimeError(
            f"bilinear: inputs and weight of shapes {shapes} do not fit: (..., a), (..., b), (out, a, b)"
        )
    out = einsum("...a,oab,...b->...o", input1, weight, input2)
    return out if bias is None else out + bias
