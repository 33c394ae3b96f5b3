"""Modules to other devices and dtypes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import candle
from candle import Tensor

M = TypeVar("M", bound="Moving")


class Moving:
    """What `Module` knows of changing all its tensors at once."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    children: Callable[[], Iterator[Any]]

    def _apply(self: M, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> M:
        """Every parameter (with its gradient) and buffer becomes fn(it); parameters stay the same objects."""
        if recurse:
            for child in self.children():
                child._apply(fn)
        for parameter in self._parameters.values():
            if parameter is not None:
                with candle.no_grad():  # both before either is changed: fn may fail
                    data = fn(parameter.detach())
                    grad = None if parameter.grad is None else fn(parameter.grad)
                    parameter.grad = None
                    parameter.data, parameter.grad = data, grad
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self: M, *args: Any, tensor: Tensor | None = None, **kwargs: Any) -> M:
        """In place: all parameters and buffers to a device, and the floating-point ones to a dtype.

        Takes what `Tensor.to` does: a device, a dtype or both, or a tensor that has them.
        """
        args = tuple(each for each in args if each is not None) if tensor is None else (tensor,)
        dtype = candle.empty(0).to(*args, **kwargs).dtype
        if not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"Module.to: only floating-point and complex dtypes, got {dtype}")

        def moved(t: Tensor) -> Tensor:
            new: Tensor = t.to(*args, **kwargs)
            return new if t.is_floating_point() or t.is_complex() else t.to(device=new.device)

        return self._apply(moved)

    def to_empty(self: M, *, device: Any, recurse: bool = True) -> M:
        """In place: everything to a device, with whatever its memory holds for values."""
        return self._apply(lambda t: candle.empty_like(t, device=device), recurse)

    def cpu(self: M) -> M:
        """In place: everything to the CPU."""
        return self.to("cpu")

    def cuda(self: M, device: Any = "cuda") -> M:
        """In place: everything to a GPU."""
        return self.to(f"cuda:{device}" if isinstance(device, int) else device)

    def float(self: M) -> M:
        """In place: floating-point tensors to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self: M) -> M:
        """In place: floating-point tensors to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self: M) -> M:
        """In place: floating-point tensors to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self: M) -> M:
        """In place: floating-point tensors to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def type(self: M, dst_type: candle.dtype) -> M:
        """In place: all tensors to a dtype."""
        return self._apply(lambda t: t.to(dst_type))
