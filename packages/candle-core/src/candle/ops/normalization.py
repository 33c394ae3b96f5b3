"""Normalization over the last dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from candle._apply import apply
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import expect_tensor

__all__ = ["layer_norm", "rms_norm"]


class LayerNorm(Op):
    """n w + b, n = (x - mean) / sqrt(var + eps);  dx = (g - mean(g) - n mean(g n)) / std, g = grad w"""

    name, promotes, autocast = "layer_norm", "x weight bias", "float32 off cpu"
    floats = real = True
    reads = {"x": "x weight", "weight": "x", "bias": ""}

    def forward(xp, x, weight, bias, *, dims, eps):
        centred, inverse = moments(xp, x, dims, eps)  # and one expression each: NumPy then works in place
        if weight is None:
            return centred * inverse if bias is None else centred * inverse + bias
        return centred * inverse * weight if bias is None else centred * inverse * weight + bias

    def vjp(xp, needs, grad, out, x, weight, bias, *, dims, eps):
        dx = d_weight = None
        if needs[0] or needs[1]:
            centred, inverse = moments(xp, x, dims, eps)
            n = centred * inverse
        if needs[0]:
            g = grad if weight is None else grad * weight
            mean = xp.mean(g, axis=tuple(range(-dims, 0)), keepdims=True)
            dx = (g - mean - n * mean_product(xp, g, n, dims)) * inverse
        if needs[1]:
            d_weight = grad * n
        return dx, d_weight, grad if needs[2] else None


class RmsNorm(Op):
    """n w, n = x / sqrt(mean(x^2) + eps);  dx = (g - n mean(g n)) / rms, g = grad w"""

    name, promotes, floats, autocast = "rms_norm", "x weight", True, "float32 off cpu"
    reads = {"x": "x weight", "weight": "x"}

    def forward(xp, x, weight, *, dims, eps):
        n = x / xp.sqrt(xp.mean(x * x, axis=tuple(range(-dims, 0)), keepdims=True) + eps)
        return n if weight is None else n * weight

    def vjp(xp, needs, grad, out, x, weight, *, dims, eps):
        axes = tuple(range(-dims, 0))
        inverse = 1 / xp.sqrt(xp.mean(x * x, axis=axes, keepdims=True) + eps)
        n, inverse, dx = xp.conj(x * inverse), xp.conj(inverse), None
        if needs[0]:
            g = grad if weight is None else grad * xp.conj(weight)
            dx = (g - n * xp.mean(g * n, axis=axes, keepdims=True)) * inverse
        return dx, grad * n if needs[1] else None


def moments(xp: Any, x: Any, dims: int, eps: float) -> tuple[Any, Any]:
    """x with mean 0 over its last dims, and one over its standard deviation there."""
    centred = x - xp.mean(x, axis=tuple(range(-dims, 0)), keepdims=True)
    return centred, 1 / xp.sqrt(mean_product(xp, centred, centred, dims) + eps)


def mean_product(xp: Any, x: Any, y: Any, dims: int) -> Any:
    """The mean of x y over the last dims, which are kept as 1: as scalar products of rows, where these are long."""
    if dims > 1 or x.shape[-1] < 32:
        return xp.mean(x * y, axis=tuple(range(-dims, 0)), keepdims=True)
    n = x.shape[-1]
    rows, columns = xp.reshape(x, (*x.shape[:-1], 1, n)), xp.reshape(y, (*x.shape[:-1], n, 1))
    return xp.reshape(xp.matmul(rows, columns), (*x.shape[:-1], 1)) / n


# What users call


def _fits(name: str, input: Tensor, normalized_shape: Sequence[int], *parameters: Tensor | None) -> int:
    expect_tensor(name, input, "input")
    given, shape = tuple(input.shape), tuple(normalized_shape)
    if not shape or given[len(given) - len(shape) :] != shape:
        raise RuntimeError(f"{name}: an input of shape {given} does not end in normalized_shape {shape}")
    for each in parameters:
        if each is not None and each.shape != shape:
            raise RuntimeError(f"{name}: weight and bias must have shape {shape}, got {tuple(each.shape)}")
    return len(shape)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 over the last dims, then * weight + bias.

    >>> import candle
    >>> candle.layer_norm(candle.tensor([1.0, 3.0]), [2])
    tensor([-1.0000,  1.0000])
    """
    dims = _fits("layer_norm", input, normalized_shape, weight, bias)
    weight, bias = (p if p is None or p.dtype is input.dtype else p.to(input.dtype) for p in (weight, bias))
    return apply(LayerNorm, input, weight, bias, dims=dims, eps=eps)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Mean square 1 over the last dims, then * weight."""
    import numpy as np

    dims = _fits("rms_norm", input, normalized_shape, weight)
    weight = weight if weight is None or weight.dtype is input.dtype else weight.to(input.dtype)
    if eps is None:
        eps = float(np.finfo(np.float64 if input.dtype.itemsize == 8 else np.float32).eps)
    return apply(RmsNorm, input, weight, dims=dims, eps=eps)
