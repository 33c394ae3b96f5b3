"""DLPack as older programs use it, by capsules: what `x.__dlpack__()` gives and `candle.from_dlpack` asks for."""

from __future__ import annotations

from typing import Any

from candle import ops
from candle._tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


class _OnHost:
    """A capsule of memory on the host, which says so."""

    def __init__(self, capsule: Any):
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # kDLCPU


def to_dlpack(tensor: Tensor) -> Any:
    """The capsule in which other libraries take the tensor's memory."""
    return tensor.__dlpack__()


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares the memory of another library's array, or of a capsule.

    >>> import candle
    >>> candle.utils.dlpack.from_dlpack(candle.utils.dlpack.to_dlpack(candle.ones(2)))
    tensor([1., 1.])
    """
    return ops.from_dlpack(ext_tensor if hasattr(ext_tensor, "__dlpack__") else _OnHost(ext_tensor))
