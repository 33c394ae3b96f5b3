"""What a tensor is and where it lies, as programs for PyTorch ask for it."""

from __future__ import annotations

import math
from typing import Any

from candle._attach import attach_property, method
from candle._tensor import Tensor
from candle._views import storage_of

__all__: list[str] = []


def layout(input: Tensor) -> str:
    return "strided"


def output_nr(input: Tensor) -> int:
    return 0 if input.is_leaf else input.gradient_edge[1]


def _of_device(name: str) -> None:
    def is_there(input: Tensor) -> bool:
        return input.device.type == name

    attach_property(f"is_{name}", is_there)


def _never(input: Tensor) -> bool:
    return False


for _name in ("cpu", "cuda", "mps", "xpu", "meta"):
    _of_device(_name)
for _name in ("is_sparse", "is_sparse_csr", "is_quantized", "is_mkldnn", "is_nested"):
    attach_property(_name, _never)
attach_property("layout", layout)
attach_property("output_nr", output_nr)


class Memory:
    """What `untyped_storage` tells of the memory that views share."""

    def __init__(self, whole: Tensor):
        self._whole = whole

    def data_ptr(self) -> int:
        return data_ptr(self._whole)

    def nbytes(self) -> int:
        return self._whole.itemsize * self._whole.numel()

    size = __len__ = nbytes


# What users call


@method()
def get_device(input: Tensor) -> int:
    """The number of the device; -1 for the CPU."""
    return -1 if input.device.type == "cpu" else input.device.index or 0


@method()
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return input.dtype.is_signed


@method()
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero."""
    return bool(input)


@method()
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether the shapes are equal."""
    return input.shape == other.shape


@method()
def data_ptr(input: Tensor) -> int:
    """The address of the first element; 0 where there is none.

    >>> import candle
    >>> x = candle.zeros(2, 3)
    >>> x.data_ptr() == x.view(-1).data_ptr(), x[1].data_ptr() - x.data_ptr()
    (True, 12)
    """
    storage_of(input)  # whoever has the address must see what is written
    array = input.current()
    told = getattr(array, "__array_interface__", None) or getattr(array, "__cuda_array_interface__", None)
    if told is None:
        raise NotImplementedError(f"data_ptr: {input.device} does not tell addresses")
    return int(told["data"][0]) if input.numel() else 0


@method()
def storage_offset(input: Tensor) -> int:
    """How many elements of the shared memory lie before the first of this view."""
    return (data_ptr(input) - data_ptr(_whole(input))) // input.itemsize if input.numel() else 0


@method()
def untyped_storage(input: Tensor) -> Memory:
    """The memory that the tensor shares with its views: its `data_ptr()` and `nbytes()`."""
    return Memory(_whole(input))


def _whole(input: Tensor) -> Tensor:
    base = input._view.base if input._view is not None else None
    return input if base is None else base


@method()
def pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """The tensor itself: only a device that copies faster from such memory could tell."""
    return input


@method()
def is_pinned(input: Tensor, device: Any = None) -> bool:
    """False: see `pin_memory`."""
    return False


@method()
def share_memory_(input: Tensor) -> Tensor:
    """Move the values to memory that processes forked from this one share; views made before stay where they are."""
    import mmap

    import numpy as np

    from candle.ops.creation import from_numpy

    if input.device.type == "cpu":
        values = input.detach().numpy()
        memory = np.frombuffer(mmap.mmap(-1, max(values.nbytes, 1)), values.dtype, math.prod(values.shape))
        input.data = from_numpy(memory.reshape(values.shape)).copy_(input.detach())
    return input
