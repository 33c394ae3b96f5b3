"""Arguments of a torch sample as the subject's: one rule per kind of value.

A tensor keeps its strides (a transposed sample stays transposed, an expanded one
overlapping) and its identity (one given twice becomes one). Nothing is shared with
the sample, so that in-place ops may write.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal.opinfo.core import SampleInput

from .subject import Subject, Unconvertible, dtype_name

NUMPY_DIMENSIONS = 64
AS_THEY_ARE = (type(None), type(Ellipsis), bool, int, float, complex, str)


class Call:
    """The positional and keyword arguments of one call, and the tensors among them."""

    def __init__(self, sample: SampleInput, subject: Subject):
        self._made: dict[int, tuple[Any, Any]] = {}  # the original stays alive with its id
        self._subject = subject
        self.args = self._convert((sample.input, *sample.args))
        self.kwargs = self._convert(sample.kwargs)

    @property
    def tensors(self) -> list[Any]:
        return [made for _, made in self._made.values()]

    @property
    def leaves(self) -> list[Any]:
        """The tensors whose gradients are wanted, in the order of the arguments."""
        return [made for original, made in self._made.values() if original.requires_grad]

    def _convert(self, value: Any) -> Any:
        match value:
            case torch.Tensor():
                return self._tensor(value)
            case dict():
                return {key: self._keyword(key, each) for key, each in value.items()}
            case tuple():  # torch.Size too
                return tuple(map(self._convert, value))
            case list():
                return list(map(self._convert, value))
            case slice():
                return slice(*map(self._convert, (value.start, value.stop, value.step)))
            case torch.dtype():
                return self._subject.dtype(dtype_name(value))
            case torch.device() | "cpu":
                return self._device(value)
            case torch.memory_format() | torch.layout():
                return self._named(dtype_name(value))
        if isinstance(value, AS_THEY_ARE):
            return value
        raise Unconvertible(f"an argument of type {type(value).__name__}")

    def _tensor(self, tensor: torch.Tensor) -> Any:
        if id(tensor) not in self._made:
            made = self._subject.tensor(strided_copy(tensor, self._subject), tensor.requires_grad)
            self._made[id(tensor)] = tensor, made
        return self._made[id(tensor)][1]

    def _keyword(self, key: str, value: Any) -> Any:
        return self._device(value) if key == "device" else self._convert(value)

    def _device(self, device: Any) -> Any:
        if device is None or torch.device(device).type == "cpu":
            return device and self._subject.device
        raise Unconvertible(f"device {torch.device(device).type}")

    def _named(self, name: str) -> Any:
        found = getattr(self._subject.module, name, None)
        if found is None:
            raise Unconvertible(f"no counterpart of torch.{name}")
        return found


def strided_copy(tensor: torch.Tensor, subject: Subject) -> np.ndarray:
    """A NumPy array of a tensor's values and strides, over memory of its own."""
    if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        raise Unconvertible(f"a tensor on {tensor.device.type} with layout {dtype_name(tensor.layout)}")
    if tensor.ndim > NUMPY_DIMENSIONS:
        raise Unconvertible(f"a tensor of {tensor.ndim} dimensions")
    subject.dtype(dtype_name(tensor.dtype))
    tensor = tensor.detach().resolve_conj().resolve_neg()
    if not tensor.numel():
        return _numpy(torch.empty(tensor.shape, dtype=tensor.dtype))
    extent = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride()))
    flat = _numpy(tensor.as_strided((extent,), (1,)).clone())
    strides = [stride * flat.itemsize for stride in tensor.stride()]
    return np.lib.stride_tricks.as_strided(flat, tensor.shape, strides)


def tensors_in(value: Any, subject: Subject) -> Iterator[Any]:
    """The tensors in nested lists, tuples and dicts."""
    if subject.is_tensor(value):
        yield value
    elif isinstance(value, list | tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from tensors_in(each, subject)


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    if tensor.dtype is not torch.bfloat16:
        return tensor.numpy()
    try:
        import ml_dtypes
    except ImportError:
        raise Unconvertible("bfloat16 without ml_dtypes") from None
    return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
