"""Convolution and its transpose over one, two or three dims."""

from __future__ import annotations

from math import prod
from typing import Any

from candle import Tensor
from candle._apply import apply
from candle._modes import state
from candle.nn.functional._correlation import both, correlate, over_channels, plus, products, scatter, turns
from candle.nn.functional._windows import Sizes, Widths, batched, counts, covered, sizes_of
from candle.op import Op

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]


class Conv(Op):
    """out_i = sum_k w_k x[stride i + dilation k - padding];  dx = conv_transpose(grad), dw_k = sum_i grad_i x[...]"""

    name, promotes, autocast = "conv", "x weight bias", "lower"
    reads = {"x": "weight", "weight": "x"}

    def forward(xp, x, weight, bias, *, stride, padding, dilation, groups):
        how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        return plus(xp, correlate(xp, x, weight, **how), bias)

    def vjp(xp, needs, grad, out, x, weight, bias, **how):
        db = over_channels(xp, grad) if needs[2] else None
        if needs[0] and needs[1] and turns(grad, weight, how["stride"], how["groups"]):
            return *both(xp, grad, x, xp.conj(weight), **how), db
        dx = scatter(xp, grad, xp.conj(weight), tuple(x.shape[2:]), **how) if needs[0] else None
        dw = products(xp, xp.conj(x), grad, tuple(weight.shape[2:]), **how) if needs[1] else None
        return dx, dw, db


class ConvTranspose(Op):
    """out[stride i + dilation k - padding] = sum of w_k x_i;  dx = conv(grad), dw_k = sum_i x_i grad[...]"""

    name, promotes, autocast = "conv_transpose", "x weight bias", "lower"
    reads = {"x": "weight", "weight": "x"}

    def forward(xp, x, weight, bias, *, stride, padding, dilation, groups):
        how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        reach = covered(x.shape[2:], weight.shape[2:], stride, dilation)
        sizes = tuple(n - before - after for n, (before, after) in zip(reach, padding, strict=True))
        return plus(xp, scatter(xp, x, weight, sizes, **how), bias)

    def vjp(xp, needs, grad, out, x, weight, bias, **how):
        dx = correlate(xp, grad, xp.conj(weight), **how) if needs[0] else None
        dw = products(xp, grad, xp.conj(x), tuple(weight.shape[2:]), **how) if needs[1] else None
        return dx, dw, over_channels(xp, grad) if needs[2] else None


# What users call


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Correlation with kernels over one dim.

    Shapes: input (N, C, L) or (C, L), weight (O, C/groups, K), bias (O) -> (N, O, L') or (O, L').

    >>> import candle
    >>> candle.nn.functional.conv1d(candle.tensor([[1.0, 2.0, 4.0]]), candle.tensor([[[-1.0, 1.0]]]))
    tensor([[1., 2.]])
    """
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Correlation with kernels over two dims.

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C/groups, Kh, Kw), bias (O) -> (N, O, H', W') or (O, H', W'),
    where H' = (H + 2 padding - dilation (Kh - 1) - 1) // stride + 1. Padding may be "valid" (none) or "same".
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Correlation with kernels over three dims.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (O, C/groups, *kernel), bias (O).
    """
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The gradient of a convolution as a function of its own: every element spreads a kernel.

    Shapes: input (N, C, L) or (C, L), weight (C, O/groups, K), bias (O) -> (N, O, L') or (O, L').

    >>> import candle
    >>> candle.nn.functional.conv_transpose1d(candle.tensor([[1.0, 2.0]]), candle.tensor([[[1.0, 10.0]]]), stride=2)
    tensor([[ 1., 10.,  2., 20.]])
    """
    return _conv_transpose(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The gradient of a two-dimensional convolution as a function of its own.

    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O/groups, Kh, Kw), bias (O) -> (N, O, H', W'),
    where H' = (H - 1) stride - 2 padding + dilation (Kh - 1) + output_padding + 1.
    """
    return _conv_transpose(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The gradient of a three-dimensional convolution as a function of its own.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (C, O/groups, *kernel), bias (O).
    """
    return _conv_transpose(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def _fits(name: str, dims: int, x: Tensor, weight: Tensor, bias: Any, per_group: int, outs: int, groups: int) -> None:
    if weight.ndim != dims + 2:
        raise RuntimeError(f"{name}: expected a weight of {dims + 2} dims, got shape {tuple(weight.shape)}")
    if groups < 1 or weight.shape[0] % groups:
        raise RuntimeError(f"{name}: groups must divide the {weight.shape[0]} rows of weight, got {groups}")
    if x.shape[1] != per_group * groups:
        raise RuntimeError(
            f"{name}: a weight of shape {tuple(weight.shape)} with groups={groups} takes {per_group * groups} "
            f"channels, got an input of shape {tuple(x.shape)}"
        )
    if bias is not None and tuple(bias.shape) != (outs,):
        raise RuntimeError(
            f"{name}: bias must have shape ({outs},), one for each output channel, got {tuple(bias.shape)}"
        )
    given = {each.dtype for each in (x, weight, bias) if each is not None}
    if len(given) > 1 and state.autocast is None:
        raise RuntimeError(f"{name}: input, weight and bias must have one dtype, got {', '.join(map(str, given))}")


def same_padding(kernel: Sizes, dilation: Sizes) -> Widths:
    """As much as keeps the sizes; the odd one goes behind.

    >>> same_padding((4,), (1,))
    ((1, 2),)
    """
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


def _conv(
    name: str, dims: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    x, single = batched(name, input, dims)
    _fits(name, dims, x, weight, bias, weight.shape[1] if weight.ndim > 1 else 0, weight.shape[0], groups)
    kernel = tuple(weight.shape[2:])
    stride, dilation = sizes_of(name, "stride", stride, dims), sizes_of(name, "dilation", dilation, dims)
    if padding == "same":
        if max(stride) > 1:
            raise RuntimeError(f"{name}: padding='same' is for stride 1, got stride {stride}")
        widths = same_padding(kernel, dilation)
    else:
        width = 0 if padding == "valid" else padding
        if isinstance(width, str):
            raise ValueError(f"{name}: padding must be 'valid', 'same' or numbers, got {padding!r}")
        widths = tuple((n, n) for n in sizes_of(name, "padding", width, dims, least=0))
    sizes = [n + before + after for n, (before, after) in zip(x.shape[2:], widths, strict=True)]
    if min(counts(sizes, kernel, stride, dilation)) < 1 or not prod(kernel):
        raise RuntimeError(
            f"{name}: a kernel of {kernel} with dilation {dilation} does not fit an input of {tuple(x.shape[2:])}, "
            f"padded to {tuple(sizes)}"
        )
    out: Tensor = apply(Conv, x, weight, bias, stride=stride, padding=widths, dilation=dilation, groups=groups)
    return out.squeeze(0) if single else out


def _conv_transpose(
    name: str,
    dims: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    x, single = batched(name, input, dims)
    bias = bias if bias is None else bias.to(weight.dtype)
    _fits(name, dims, x, weight, bias, weight.shape[0] // max(groups, 1), weight.shape[1] * groups, groups)
    stride, dilation = sizes_of(name, "stride", stride, dims), sizes_of(name, "dilation", dilation, dims)
    more = sizes_of(name, "output_padding", output_padding, dims, least=0)
    if any(n >= max(s, d) for n, s, d in zip(more, stride, dilation, strict=True)):
        raise RuntimeError(
            f"{name}: output_padding must be smaller than stride or dilation, got {more} with stride {stride} "
            f"and dilation {dilation}"
        )
    padding = sizes_of(name, "padding", padding, dims, least=0)
    widths = tuple((n, n - extra) for n, extra in zip(padding, more, strict=True))
    reach = covered(x.shape[2:], weight.shape[2:], stride, dilation)
    if any(n <= before + after for n, (before, after) in zip(reach, widths, strict=True)):
        raise RuntimeError(
            f"{name}: padding {padding} leaves nothing of what a kernel of {tuple(weight.shape[2:])} makes of an "
            f"input of {tuple(x.shape[2:])}, {reach}"
        )
    out: Tensor = apply(ConvTranspose, x, weight, bias, stride=stride, padding=widths, dilation=dilation, groups=groups)
    return out.squeeze(0) if single else out
