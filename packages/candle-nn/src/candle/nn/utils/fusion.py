"""Batch normalization in evaluation is linear, so the layer before it can do its work."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import candle
from candle import Tensor
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]

M = TypeVar("M", bound=Module)


def fuse_conv_bn_eval(conv: M, bn: Any, transpose: bool = False) -> M:
    """A copy of a convolution (`transpose`: a transposed one) that gives what bn(conv(x)) gives; both in evaluation.

    >>> import candle
    >>> conv, bn = candle.nn.Conv2d(3, 4, 3).eval(), candle.nn.BatchNorm2d(4).eval()
    >>> x = candle.ones(1, 3, 5, 5)
    >>> candle.allclose(fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6)
    True
    """
    fused: Any = _copied("fuse_conv_bn_eval", conv, bn)
    statistics = (bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = fuse_conv_bn_weights(fused.weight, fused.bias, *statistics, transpose)
    return fused  # type: ignore[no-any-return]


def fuse_linear_bn_eval(linear: M, bn: Any) -> M:
    """A copy of a Linear that gives what bn(linear(x)) gives; both in evaluation."""
    fused: Any = _copied("fuse_linear_bn_eval", linear, bn)
    if bn.num_features not in (1, fused.out_features):
        raise ValueError(
            f"fuse_linear_bn_eval: {fused.out_features} out_features do not fit a batch norm of {bn.num_features}"
        )
    statistics = (bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, *statistics)
    return fused  # type: ignore[no-any-return]


@candle.no_grad()
def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """weight * s along the output channels and (bias - mean) * s + shift, where s = scale / sqrt(var + eps)."""
    s = candle.rsqrt(bn_rv + bn_eps) * (1 if bn_w is None else bn_w)
    channels = 1 if transpose else 0
    weight = conv_w * s.reshape([-1 if d == channels else 1 for d in range(conv_w.ndim)])
    bias = ((0 if conv_b is None else conv_b) - bn_rm) * s + (0 if bn_b is None else bn_b)
    dtype, trained = (conv_w.dtype, False) if conv_b is None else (conv_b.dtype, conv_b.requires_grad)
    return Parameter(weight.to(conv_w.dtype), conv_w.requires_grad), Parameter(bias.to(dtype), trained)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """The same for the weight (out, in) of a Linear."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _copied(name: str, layer: M, bn: Any) -> M:
    if layer.training or bn.training:
        raise RuntimeError(f"{name}: in training, statistics are the batch's; call .eval() on both layers first")
    if bn.running_mean is None or bn.running_var is None:
        raise RuntimeError(f"{name}: the batch norm has no running statistics (track_running_stats=False)")
    return copy.deepcopy(layer)
