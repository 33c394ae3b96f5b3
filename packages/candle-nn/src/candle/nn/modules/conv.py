"""Convolutional layers and their transposes, over one, two or three dims."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn import init
from candle.nn.functional._windows import sizes_of
from candle.nn.functional.convolution import same_padding
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

MODES = ("zeros", "reflect", "replicate", "circular")


class Convolution(Module):
    """What the layers have in common: weight (out_channels, in_channels/groups, *kernel_size), bias (out_channels)."""

    dims: ClassVar[int]
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        output_padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ):
        super().__init__()
        name = type(self).__name__
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups must divide in_channels and out_channels, got {groups} for "
                f"{in_channels} and {out_channels}"
            )
        if padding_mode not in (MODES[:1] if self.transposed else MODES):
            raise ValueError(f"{name}: padding_mode must be one of {MODES}, got {padding_mode!r}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = sizes_of(name, "kernel_size", kernel_size, self.dims)
        self.stride = sizes_of(name, "stride", stride, self.dims)
        self.padding: Any = (
            padding if isinstance(padding, str) else sizes_of(name, "padding", padding, self.dims, least=0)
        )
        self.dilation = sizes_of(name, "dilation", dilation, self.dims)
        self.output_padding = sizes_of(name, "output_padding", output_padding, self.dims, least=0)
        self.padding_mode = padding_mode
        if isinstance(padding, str) and padding not in ("valid", "same"):
            raise ValueError(f"{name}: padding must be 'valid', 'same' or numbers, got {padding!r}")
        if padding == "same" and max(self.stride) > 1:
            raise ValueError(f"{name}: padding='same' is for stride 1, got stride {stride}")
        rows, columns = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(candle.empty(rows, columns // groups, *self.kernel_size, device=device, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(candle.empty(out_channels, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """First values, uniform in ±1/sqrt(fan_in)."""
        for parameter in (self.weight, self.bias):
            if parameter is not None:
                init.uniform_fan_in_(parameter, prod(self.weight.shape[1:]))

    def extra_repr(self) -> str:
        ones, zeros = (1,) * self.dims, (0,) * self.dims
        told = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        told += f", padding={self.padding}" if self.padding != zeros else ""
        told += f", dilation={self.dilation}" if self.dilation != ones else ""
        told += f", output_padding={self.output_padding}" if self.output_padding != zeros else ""
        told += f", groups={self.groups}" if self.groups != 1 else ""
        told += ", bias=False" if self.bias is None else ""
        return told + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


_ConvNd = Convolution  # PyTorch's name


class Conv(Convolution):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            0,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self.dims - 1]
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._around(), self.padding_mode), 0
        return convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _around(self) -> list[int]:
        """The padding as `pad` takes it: before and after, the last dim first."""
        if self.padding == "valid":
            return [0, 0] * self.dims
        if self.padding == "same":
            widths = same_padding(self.kernel_size, self.dilation)
        else:
            widths = tuple((n, n) for n in self.padding)
        return [n for pair in reversed(widths) for n in pair]


class Conv1d(Conv):
    """Correlation with kernels over one dim: (N, C, L) or (C, L) -> (N, O, L') or (O, L').

    >>> import candle
    >>> candle.nn.Conv1d(4, 8, 3, padding="same")(candle.ones(2, 4, 10)).shape
    candle.Size([2, 8, 10])
    """

    dims = 1


class Conv2d(Conv):
    """Correlation with kernels over two dims: (N, C, H, W) or (C, H, W) -> (N, O, H', W') or (O, H', W').

    H' = (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1.

    >>> import candle
    >>> candle.nn.Conv2d(3, 8, 3, stride=2, padding=1)
    Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))
    """

    dims = 2


class Conv3d(Conv):
    """Correlation with kernels over three dims: (N, C, D, H, W) -> (N, O, D', H', W')."""

    dims = 3


class ConvTranspose(Convolution):
    """weight (in_channels, out_channels/groups, *kernel_size), bias (out_channels)."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            output_padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        convolve = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self.dims - 1]
        more = self.output_padding if output_size is None else self._output_padding(input, output_size)
        return convolve(input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation)

    def _output_padding(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """What the smallest result lacks to this size: several sizes are pooled, or strided, to one."""
        wanted = tuple(output_size)[-self.dims :]
        each = zip(input.shape[-self.dims :], self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in each]
        if len(output_size) not in (self.dims, input.ndim) or any(
            not 0 <= w - n < s for w, n, s in zip(wanted, least, self.stride, strict=True)
        ):
            raise ValueError(
                f"{type(self).__name__}: output_size must be {tuple(least)}, or larger by less than the stride "
                f"{self.stride}, got {tuple(output_size)}"
            )
        return tuple(w - n for w, n in zip(wanted, least, strict=True))


class ConvTranspose1d(ConvTranspose):
    """Every element spreads a kernel over one dim: (N, C, L) or (C, L) -> (N, O, L') or (O, L')."""

    dims = 1


class ConvTranspose2d(ConvTranspose):
    """Every element spreads a kernel over two dims: (N, C, H, W) -> (N, O, H', W').

    H' = (H - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.

    >>> import candle
    >>> candle.nn.ConvTranspose2d(3, 8, 2, stride=2)(candle.ones(1, 3, 5, 5)).shape
    candle.Size([1, 8, 10, 10])
    """

    dims = 2


class ConvTranspose3d(ConvTranspose):
    """Every element spreads a kernel over three dims: (N, C, D, H, W) -> (N, O, D', H', W')."""

    dims = 3
