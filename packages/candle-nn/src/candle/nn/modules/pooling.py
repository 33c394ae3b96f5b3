"""Pooling layers."""

from __future__ import annotations

from typing import Any, ClassVar

from candle import Tensor
from candle.nn import functional as F
from candle.nn.functional._windows import sizes_of
from candle.nn.modules.module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


class Pool(Module):
    """Windows of `kernel_size`, `stride` apart (side by side, if not given)."""

    dims: ClassVar[int]

    def __init__(self, kernel_size: Any, stride: Any, padding: Any = 0):
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool(Pool):
    """The largest of each window; with return_indices, also where it stands."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        super().__init__(kernel_size, stride, padding)
        self.dilation, self.return_indices, self.ceil_mode = dilation, return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[self.dims - 1]
        options = self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        return pool(input, *options)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, dilation={self.dilation}, ceil_mode={self.ceil_mode}"


class MaxPool1d(MaxPool):
    """The largest of each window: (N, C, L) or (C, L) -> (N, C, L') or (C, L')."""

    dims = 1


class MaxPool2d(MaxPool):
    """The largest of each window: (N, C, H, W) -> (N, C, H', W').

    >>> import candle
    >>> candle.nn.MaxPool2d(2)(candle.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """

    dims = 2


class MaxPool3d(MaxPool):
    """The largest of each window: (N, C, D, H, W) -> (N, C, D', H', W')."""

    dims = 3


class MaxUnpool(Pool):
    """What MaxPool gave with return_indices, put back among zeros."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0):
        name = type(self).__name__
        kernel = sizes_of(name, "kernel_size", kernel_size, self.dims)
        stride = kernel if stride is None else sizes_of(name, "stride", stride, self.dims)
        super().__init__(kernel, stride, sizes_of(name, "padding", padding, self.dims, least=0))

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        unpool = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self.dims - 1]
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(MaxUnpool):
    """The opposite of MaxPool1d, with zeros for what was not the largest."""

    dims = 1


class MaxUnpool2d(MaxUnpool):
    """The opposite of MaxPool2d, with zeros for what was not the largest."""

    dims = 2


class MaxUnpool3d(MaxUnpool):
    """The opposite of MaxPool3d, with zeros for what was not the largest."""

    dims = 3


class AvgPool1d(Pool):
    """The mean of each window: (N, C, L) or (C, L) -> (N, C, L') or (C, L')."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        name = "AvgPool1d"
        kernel = sizes_of(name, "kernel_size", kernel_size, 1)
        stride = kernel if stride is None else sizes_of(name, "stride", stride, 1)
        super().__init__(kernel, stride, sizes_of(name, "padding", padding, 1, least=0))
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool(Pool):
    """The mean of each window; count_include_pad: zeros of the padding count; divisor_override: divide by this."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        super().__init__(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        pool = F.avg_pool2d if self.dims == 2 else F.avg_pool3d
        options = self.ceil_mode, self.count_include_pad, self.divisor_override
        return pool(input, self.kernel_size, self.stride, self.padding, *options)


class AvgPool2d(AvgPool):
    """The mean of each window: (N, C, H, W) -> (N, C, H', W')."""

    dims = 2


class AvgPool3d(AvgPool):
    """The mean of each window: (N, C, D, H, W) -> (N, C, D', H', W')."""

    dims = 3


class LPPool(Module):
    """The norm (sum x^p)^(1/p) of each window."""

    dims: ClassVar[int]

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False):
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        pool = (F.lp_pool1d, F.lp_pool2d, F.lp_pool3d)[self.dims - 1]
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(LPPool):
    """The norm of each window: (N, C, L) or (C, L) -> (N, C, L') or (C, L')."""

    dims = 1


class LPPool2d(LPPool):
    """The norm of each window: (N, C, H, W) -> (N, C, H', W')."""

    dims = 2


class LPPool3d(LPPool):
    """The norm of each window: (N, C, D, H, W) -> (N, C, D', H', W')."""

    dims = 3


class AdaptivePool(Module):
    """As many even parts as one wants; None keeps a size."""

    dims: ClassVar[int]

    def __init__(self, output_size: Any):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool(AdaptivePool):
    """The mean of each part."""

    def forward(self, input: Tensor) -> Tensor:
        pool = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[self.dims - 1]
        return pool(input, self.output_size)


class AdaptiveMaxPool(AdaptivePool):
    """The largest of each part; with return_indices, also where it stands."""

    def __init__(self, output_size: Any, return_indices: bool = False):
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        pool = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[self.dims - 1]
        return pool(input, self.output_size, self.return_indices)


class AdaptiveAvgPool1d(AdaptiveAvgPool):
    """The mean of each part: (N, C, L) -> (N, C, output_size)."""

    dims = 1


class AdaptiveAvgPool2d(AdaptiveAvgPool):
    """The mean of each part: (N, C, H, W) -> (N, C, *output_size)."""

    dims = 2


class AdaptiveAvgPool3d(AdaptiveAvgPool):
    """The mean of each part: (N, C, D, H, W) -> (N, C, *output_size)."""

    dims = 3


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """The largest of each part: (N, C, L) -> (N, C, output_size)."""

    dims = 1


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """The largest of each part: (N, C, H, W) -> (N, C, *output_size)."""

    dims = 2


class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """The largest of each part: (N, C, D, H, W) -> (N, C, *output_size)."""

    dims = 3
