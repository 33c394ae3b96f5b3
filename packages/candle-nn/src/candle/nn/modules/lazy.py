"""Layers that learn the number of their inputs from the first one they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import candle
from candle import Tensor
from candle.nn.modules import batchnorm, conv, linear
from candle.nn.modules._symbol import within
from candle.nn.modules.module import Module
from candle.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
]

L = TypeVar("L", bound="LazyModuleMixin")


class LazyModuleMixin(Module):
    """What has uninitialized parameters, and `initialize_parameters(*inputs)` to be called before its first forward.

    Then it becomes an instance of `cls_to_become`, if there is one.
    """

    cls_to_become: ClassVar[type[Module] | None] = None

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize what is uninitialized, by the inputs."""
        raise NotImplementedError(f"{type(self).__name__} has no initialize_parameters(*inputs): define it")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return any(map(is_lazy, (*self._parameters.values(), *self._buffers.values())))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if within((args, kwargs)):  # a step of a Model: there is no input yet
            return super().__call__(*args, **kwargs)
        with candle.no_grad():
            self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise RuntimeError(f"{type(self).__name__}: initialize_parameters has left some uninitialized")
        self.__class__ = self.cls_to_become or type(self)  # type: ignore[assignment]
        return Module.__call__(self, *args, **kwargs)

    def _apply(self: L, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> L:
        waiting: dict[str, Any] = {name: buffer for name, buffer in self._buffers.items() if is_lazy(buffer)}
        for buffer in waiting.values():
            buffer.data = fn(buffer.detach())
        self._buffers.update(dict.fromkeys(waiting))
        super()._apply(fn, recurse)
        self._buffers.update(waiting)
        return self

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name, tensor in (*self._parameters.items(), *self._buffers.items()):
            if is_lazy(tensor) and prefix + name in destination:
                destination[prefix + name] = tensor  # so that saving it is refused

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *told: Any) -> None:
        for name, tensor in (*self._parameters.items(), *self._buffers.items()):
            if is_lazy(tensor) and prefix + name in state_dict:
                tensor.materialize(state_dict[prefix + name].shape)  # type: ignore[union-attr]
        super()._load_from_state_dict(state_dict, prefix, *told)


class Lazy(LazyModuleMixin):
    """A layer first made for 0 inputs; where a shape has a 0, their number (or the groups' share of it) goes."""

    counted: ClassVar[str]  # the attribute that tells how many inputs there are

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(0, *args, **kwargs)  # type: ignore[call-arg]
        self._shapes: dict[str, tuple[int, ...]] = {}
        kinds: Any = (self._parameters, UninitializedParameter), (self._buffers, UninitializedBuffer)
        for kind, made in kinds:
            for name, tensor in list(kind.items()):
                if tensor is not None and tensor.is_floating_point():
                    self._shapes[name] = tuple(tensor.shape)
                    kind[name] = made(device=tensor.device, dtype=tensor.dtype)

    def count(self, input: Tensor) -> int:
        """How many features or channels an input has."""
        raise NotImplementedError

    def initialize_parameters(self, input: Tensor, *_: Any, **__: Any) -> None:
        """Materialize by the input's channels or features."""
        count = self.count(input)
        setattr(self, self.counted, count)
        if self.has_uninitialized_params():
            share = count if getattr(self, "transposed", False) else count // getattr(self, "groups", 1)
            for name, shape in self._shapes.items():
                getattr(self, name).materialize([n or share for n in shape])
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """First values, once there is a place for them."""
        if getattr(self, self.counted):
            super().reset_parameters()  # type: ignore[misc]


class LazyLinear(Lazy, linear.Linear):
    """`Linear` without in_features: `LazyLinear(out_features)`.

    >>> import candle
    >>> layer = candle.nn.LazyLinear(2)
    >>> layer(candle.ones(4, 3)).shape, layer
    (candle.Size([4, 2]), Linear(in_features=3, out_features=2, bias=True))
    """

    counted, cls_to_become = "in_features", linear.Linear

    def count(self, input: Tensor) -> int:
        return input.shape[-1]


class LazyConvolution(Lazy, conv.Convolution):
    counted = "in_channels"

    def count(self, input: Tensor) -> int:
        if input.ndim not in (self.dims + 1, self.dims + 2):
            told = f"{self.dims + 1}D (one example) or {self.dims + 2}D input, got shape {tuple(input.shape)}"
            raise RuntimeError(f"{type(self).__name__}: expected {told}")
        count = input.shape[-self.dims - 1]
        if count % self.groups:
            raise ValueError(f"{type(self).__name__}: groups must divide in_channels, got {self.groups} for {count}")
        return count


class LazyConv1d(LazyConvolution, conv.Conv1d):
    """`Conv1d` without in_channels."""

    cls_to_become = conv.Conv1d


class LazyConv2d(LazyConvolution, conv.Conv2d):
    """`Conv2d` without in_channels: `LazyConv2d(out_channels, kernel_size)`."""

    cls_to_become = conv.Conv2d


class LazyConv3d(LazyConvolution, conv.Conv3d):
    """`Conv3d` without in_channels."""

    cls_to_become = conv.Conv3d


class LazyConvTranspose1d(LazyConvolution, conv.ConvTranspose1d):
    """`ConvTranspose1d` without in_channels."""

    cls_to_become = conv.ConvTranspose1d


class LazyConvTranspose2d(LazyConvolution, conv.ConvTranspose2d):
    """`ConvTranspose2d` without in_channels."""

    cls_to_become = conv.ConvTranspose2d


class LazyConvTranspose3d(LazyConvolution, conv.ConvTranspose3d):
    """`ConvTranspose3d` without in_channels."""

    cls_to_become = conv.ConvTranspose3d


class LazyNorm(Lazy, batchnorm.ChannelNorm):
    counted = "num_features"

    def __init__(  # of instance normalization too, as in PyTorch
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__(eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def count(self, input: Tensor) -> int:
        self._check_dims(input)
        lacks_batch = isinstance(self, batchnorm.InstanceNorm) and input.ndim == self.dims[0]
        return input.shape[0 if lacks_batch else 1]


class LazyBatchNorm1d(LazyNorm, batchnorm.BatchNorm1d):
    """`BatchNorm1d` without num_features."""

    cls_to_become = batchnorm.BatchNorm1d


class LazyBatchNorm2d(LazyNorm, batchnorm.BatchNorm2d):
    """`BatchNorm2d` without num_features."""

    cls_to_become = batchnorm.BatchNorm2d


class LazyBatchNorm3d(LazyNorm, batchnorm.BatchNorm3d):
    """`BatchNorm3d` without num_features."""

    cls_to_become = batchnorm.BatchNorm3d


class LazyInstanceNorm1d(LazyNorm, batchnorm.InstanceNorm1d):
    """`InstanceNorm1d` without num_features."""

    cls_to_become = batchnorm.InstanceNorm1d


class LazyInstanceNorm2d(LazyNorm, batchnorm.InstanceNorm2d):
    """`InstanceNorm2d` without num_features."""

    cls_to_become = batchnorm.InstanceNorm2d


class LazyInstanceNorm3d(LazyNorm, batchnorm.InstanceNorm3d):
    """`InstanceNorm3d` without num_features."""

    cls_to_become = batchnorm.InstanceNorm3d
