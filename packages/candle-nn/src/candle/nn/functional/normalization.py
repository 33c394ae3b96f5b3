"""Normalization: mean 0 and variance 1 over a batch, a layer, a group or an instance."""

from __future__ import annotations

import math
from typing import Any

import candle
from candle import Tensor
from candle._apply import apply
from candle.nn.functional._groups import GroupNorm
from candle.op import Op
from candle.ops import layer_norm, rms_norm
from candle.ops._common import expect_tensor

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


class BatchNorm(Op):
    """n w + b, n = (x - mean) / std of each channel, mean, var;  dx = (g - mean(g) - n mean(g n)) / std, g = grad w"""

    name, promotes, floats, real, autocast = "batch_norm", "x weight bias", True, True, "float32"
    reads = {"x": "x weight", "weight": "x", "bias": ""}
    no_grad_outputs = (1, 2)

    def forward(xp, x, weight, bias, *, eps):
        """(N, C, ...), (C), (C) -> (N, C, ...), and mean and variance (C), which carry no gradient."""
        mean, centred, var = moments(xp, x)
        out = centred * scale(xp, weight, var, eps)
        out = out if bias is None else out + per_channel(xp, bias, x.ndim)
        return out, xp.reshape(mean, (-1,)), xp.reshape(var, (-1,))

    def vjp(xp, needs, grads, outs, x, weight, bias, *, eps):
        grad, dx, d_weight = grads[0], None, None
        total = summed(xp, grad)
        if needs[0] or needs[1]:
            _, centred, var = moments(xp, x)
            along = dots(xp, grad, centred)
        if needs[0]:  # all that is per channel comes first: a pass over x costs more
            count = per_value(x)
            dx = (grad - centred * (along * count / (var + eps)) - total * count) * scale(xp, weight, var, eps)
        if needs[1]:
            d_weight = xp.reshape(along / xp.sqrt(var + eps), (-1,))
        return dx, d_weight, xp.reshape(total, (-1,)) if needs[2] else None


class BatchNormInference(Op):
    """n w + b, n = (x - mean) / std, mean and variance given;  dx = grad w / std, dmean = -dx, dvar = -dx n / 2 std"""

    name, promotes, autocast = "batch_norm_inference", "x mean var weight bias", "float32"
    floats = real = True
    reads = {"x": "var weight", "mean": "var weight", "var": "x mean var weight", "weight": "x mean var", "bias": ""}

    def forward(xp, x, mean, var, weight, bias, *, eps):
        """(N, C, ...), (C), (C), (C), (C) -> (N, C, ...)."""
        factor = scale(xp, weight, var, eps)  # all that is per channel comes first, as above
        shift = -mean * factor if bias is None else bias - mean * factor
        return x * per_channel(xp, factor, x.ndim) + per_channel(xp, shift, x.ndim)

    def vjp(xp, needs, grad, out, x, mean, var, weight, bias, *, eps):
        dx = d_mean = d_var = d_weight = d_bias = None
        factor = scale(xp, weight, var, eps) if any(needs[:3]) else None
        if needs[0]:
            dx = grad * per_channel(xp, factor, x.ndim)
        if needs[1] or needs[4]:
            d_bias = xp.reshape(summed(xp, grad), (-1,))
            d_mean = -d_bias * factor if needs[1] else None
        if needs[2] or needs[3]:
            along = xp.reshape(dots(xp, grad, x - per_channel(xp, mean, x.ndim)), (-1,))
            d_weight = along / xp.sqrt(var + eps)
            d_var = along * factor / (-2 * (var + eps)) if needs[2] else None
        return dx, d_mean, d_var, d_weight, d_bias


def moments(xp: Any, x: Any) -> tuple[Any, Any, Any]:
    """The mean of every channel, x without it, and its variance; what is per channel as (1, C, 1, ...)."""
    mean = summed(xp, x) * per_value(x)
    centred = x - mean
    return mean, centred, dots(xp, centred, centred) * per_value(x)


def per_value(x: Any) -> float:
    """One over the number of values in a channel."""
    return x.shape[1] / math.prod(x.shape) if 0 not in x.shape else math.nan


def summed(xp: Any, x: Any) -> Any:
    return xp.sum(x, axis=(0, *range(2, x.ndim)), keepdims=True)


def dots(xp: Any, x: Any, y: Any) -> Any:
    """The sums of x y, as scalar products of rows where these are long."""
    length = math.prod(x.shape[2:])
    if length < 32:
        return summed(xp, x * y)
    n, channels = x.shape[:2]
    each = xp.matmul(xp.reshape(x, (n, channels, 1, length)), xp.reshape(y, (n, channels, length, 1)))
    return xp.reshape(xp.sum(each, axis=0), (1, channels, *(1,) * (x.ndim - 2)))


def scale(xp: Any, weight: Any, var: Any, eps: float) -> Any:
    """weight / std, in the shape of var: (C), or (1, C, 1, ...)."""
    inverse = 1 / xp.sqrt(var + eps)
    return inverse if weight is None else inverse * per_channel(xp, weight, var.ndim)


def per_channel(xp: Any, v: Any, ndim: int) -> Any:
    """(C) as (C, 1, ...), which broadcasts against (N, C, ...)."""
    return xp.reshape(v, (-1, *(1,) * (ndim - 2)))


# What users call


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) * weight + bias, per channel. Shapes: (N, C, ...), the others (C).

    In training, mean and var are the batch's, and the running ones move towards them (the variance
    towards the one with Bessel's correction) by `momentum`; else they are the running ones.
    Ioffe and Szegedy (2015), "Batch normalization", algorithm 1.

    >>> import candle
    >>> mean, var = candle.zeros(1), candle.ones(1)
    >>> batch_norm(candle.tensor([[1.0], [3.0]]), mean, var, training=True)
    tensor([[-1.0000], [ 1.0000]])
    >>> mean, var
    (tensor([0.2000]), tensor([1.1000]))
    """
    _check_channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if eps < 0 or (training and not eps):
        raise ValueError(f"batch_norm: eps must be positive (in evaluation it may be 0), got {eps}")
    if training:
        count = _values_per_channel(input)
        if count == 1:
            raise ValueError(
                f"batch_norm: expected more than 1 value per channel when training, "
                f"got an input of shape {tuple(input.shape)}"
            )
        out, mean, var = apply(BatchNorm, input, weight, bias, eps=eps)
        if count:
            _follow(running_mean, mean, momentum)
            _follow(running_var, var * (count / (count - 1)), momentum)
        return _alike(input, out)
    if running_mean is None or running_var is None:
        raise RuntimeError("batch_norm: running_mean and running_var must be given when training=False")
    return _alike(input, apply(BatchNormInference, input, running_mean, running_var, weight, bias, eps=eps))


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Mean 0 and variance 1 over groups of the channels of each example, then * weight + bias per channel.

    Shapes: input (N, C, ...), weight and bias (C). Wu and He (2018), "Group normalization".
    """
    expect_tensor("group_norm", input, "input")
    if input.ndim < 2 or num_groups < 1 or input.shape[1] % num_groups:
        raise RuntimeError(
            f"group_norm: the channels (dim 1) of an input of shape {tuple(input.shape)} "
            f"do not divide into {num_groups} groups"
        )
    _check_channels("group_norm", input, weight=weight, bias=bias)
    if input.numel() == num_groups:
        raise ValueError(
            f"group_norm: expected more than 1 value per group, got an input of shape {tuple(input.shape)} "
            f"in {num_groups} groups"
        )
    if not input.numel():
        return _affine(input, weight, bias)
    return _in_groups(input, num_groups, weight, bias, eps)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 over each channel of each example, then * weight + bias per channel.

    With use_input_stats=False, by the running mean and variance. Shapes: input (N, C, ...), the others (C).
    Ulyanov et al. (2016), "Instance normalization".
    """
    _check_channels(
        "instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    size = math.prod(input.shape[2:])
    if size == 1:
        raise ValueError(
            f"instance_norm: expected more than 1 spatial element when training, "
            f"got an input of shape {tuple(input.shape)}"
        )
    rows = input.reshape(*input.shape[:2], size)
    if running_mean is not None or running_var is not None:
        var, mean = candle.var_mean(rows.detach(), 2)
        _follow(running_mean, mean.mean(0), momentum)
        _follow(running_var, var.mean(0), momentum)
    if not input.numel():
        return _affine(input, weight, bias)
    return _in_groups(input, input.shape[1], weight, bias, eps)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x / (k + alpha m)^beta, m the mean of x^2 over `size` neighbouring channels (zeros outside). Shape: (N, C, ...).

    Krizhevsky et al. (2012), "ImageNet classification with deep convolutional neural networks", section 3.3;
    there alpha multiplies the sum.
    """
    expect_tensor("local_response_norm", input, "input")
    if input.ndim < 3:
        raise ValueError(f"local_response_norm: expected 3 dims or more, got shape {tuple(input.shape)}")
    if size < 1:
        raise RuntimeError(f"local_response_norm: size, the number of neighbours, must be positive, got {size}")
    if not input.numel():
        return input
    square = candle.pad(input.square(), [0, 0] * (input.ndim - 2) + [size // 2, (size - 1) // 2])
    return input / (square.unfold(1, size, 1).mean(-1) * alpha + k).pow(beta)


def _in_groups(input: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    weight, bias = (p if p is None else p.to(input.dtype) for p in (weight, bias))
    rows: Tensor = apply(GroupNorm, input.reshape(*input.shape[:2], -1), weight, bias, groups=groups, eps=eps)
    return rows.reshape(input.shape)


@candle.no_grad()
def _follow(running: Tensor | None, new: Tensor, momentum: float) -> None:
    """Move a running statistic towards a new one."""
    if running is not None:
        running.copy_(running * (1 - momentum) + new.detach() * momentum)


def _affine(normalized: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    out = normalized if weight is None else normalized * _along(weight, normalized)
    return out if bias is None else out + _along(bias, out)


def _along(v: Tensor, input: Tensor) -> Tensor:
    """(C) as (C, 1, ...) in the input's dtype."""
    return v.to(input.dtype).reshape(-1, *(1,) * (input.ndim - 2))


def _alike(input: Tensor, out: Tensor) -> Tensor:
    """What the input's own few bits became among parameters of more."""
    return out.to(input.dtype) if input.dtype.is_floating_point else out


def _values_per_channel(input: Tensor) -> int:
    return input.numel() // input.shape[1] if input.numel() else 0


def _check_channels(name: str, input: Tensor, **parameters: Tensor | None) -> None:
    expect_tensor(name, input, "input")
    if input.ndim < 2 and input.numel():
        raise RuntimeError(f"{name}: expected an input of shape (N, C, ...), got {tuple(input.shape)}")
    (channels,) = input.shape[1:2] or input.shape
    for each, v in parameters.items():
        if v is not None and tuple(v.shape) != (channels,):
            raise RuntimeError(
                f"{name}: {each} should contain {channels} elements, one per channel of an input of shape "
                f"{tuple(input.shape)}, got shape {tuple(v.shape)}"
            )
    if (parameters.get("running_mean") is None) != (parameters.get("running_var") is None):
        raise ValueError(f"{name}: give running_mean and running_var together, or neither")
