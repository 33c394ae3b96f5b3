"""Batch and instance normalization as layers, with their running statistics."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn import init
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter
from candle.ops._common import expect_tensor

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class ChannelNorm(Module):
    """weight and bias (affine), running mean and variance (track_running_stats), one number a channel each."""

    _version = 2  # as in PyTorch: 2 has num_batches_tracked
    dims: ClassVar[tuple[int, ...]]  # how many an input may have

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats

        def row() -> Tensor:
            return candle.empty(num_features, device=device, dtype=dtype)  # type: ignore[no-any-return]

        self.register_parameter("weight", Parameter(row()) if affine else None)
        self.register_parameter("bias", Parameter(row()) if affine and bias else None)
        self.register_buffer("running_mean", row() if track_running_stats else None)
        self.register_buffer("running_var", row() if track_running_stats else None)
        count = candle.tensor(0, device=device) if track_running_stats else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Mean 0, variance 1, no batches."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """First values: the identity."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        if local_metadata.get("version", 0) < 2 and self.num_batches_tracked is not None:  # a checkpoint of older days
            state_dict.setdefault(f"{prefix}num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )

    def _check_dims(self, input: Tensor) -> None:
        expect_tensor(type(self).__name__, input, "input")
        if input.ndim not in self.dims:
            told = " or ".join(f"{n}D" for n in self.dims)
            raise ValueError(f"{type(self).__name__}: expected {told} input, got shape {tuple(input.shape)}")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm(ChannelNorm):
    """(x - mean) / sqrt(var + eps) * weight + bias, per channel.

    In training, mean and variance are the batch's, and the running ones follow them: by `momentum`, or with
    momentum=None as the mean of all batches. In evaluation they are the running ones, if there are any.
    """

    def forward(self, input: Tensor) -> Tensor:
        self._check_dims(input)
        tracked = self.running_mean is not None
        momentum = self.momentum
        if self.training and tracked:
            self.num_batches_tracked.add_(1)
            momentum = 1 / int(self.num_batches_tracked) if momentum is None else momentum
        use = tracked and (self.track_running_stats or not self.training)
        return F.batch_norm(
            input,
            self.running_mean if use else None,
            self.running_var if use else None,
            self.weight,
            self.bias,
            self.training or not tracked,
            0.0 if momentum is None else momentum,
            self.eps,
        )


class BatchNorm1d(BatchNorm):
    """Batch normalization. Shape: (N, C) or (N, C, L).

    >>> import candle
    >>> candle.nn.BatchNorm1d(1, affine=False)(candle.tensor([[1.0], [3.0]]))
    tensor([[-1.0000],
            [ 1.0000]])
    """

    dims = (2, 3)


class BatchNorm2d(BatchNorm):
    """Batch normalization. Shape: (N, C, H, W)."""

    dims = (4,)


class BatchNorm3d(BatchNorm):
    """Batch normalization. Shape: (N, C, D, H, W)."""

    dims = (5,)


class InstanceNorm(ChannelNorm):
    """Mean 0 and variance 1 over each channel of each example, then * weight + bias (if affine)."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_dims(input)
        single = input.ndim == self.dims[0]
        batch = input.unsqueeze(0) if single else input
        if batch.shape[1] != self.num_features:
            told = (
                f"{type(self).__name__}: expected {self.num_features} channels (num_features), "
                f"got an input of shape {tuple(input.shape)}"
            )
            if self.affine:
                raise ValueError(told)
            warnings.warn(f"{told}; without affine it makes no difference", stacklevel=2)
        out = F.instance_norm(
            batch,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return out.squeeze(0) if single else out


class InstanceNorm1d(InstanceNorm):
    """Instance normalization. Shape: (N, C, L) or (C, L)."""

    dims = (2, 3)


class InstanceNorm2d(InstanceNorm):
    """Instance normalization. Shape: (N, C, H, W) or (C, H, W)."""

    dims = (3, 4)


class InstanceNorm3d(InstanceNorm):
    """Instance normalization. Shape: (N, C, D, H, W) or (C, D, H, W)."""

    dims = (4, 5)


_NormBase, _BatchNorm = ChannelNorm, BatchNorm  # PyTorch's names
