"""Layers that pad: `padding` is one number, or (before, after) of the last dim, then of the one before it, ..."""

from __future__ import annotations

from typing import Any, ClassVar

from candle import Tensor
from candle.nn import functional as F
from candle.nn.functional._windows import sizes_of
from candle.nn.modules.module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class Pad(Module):
    """More elements at the ends of the last dims: (..., n) -> (..., before + n + after)."""

    dims: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: Any):
        super().__init__()
        self.padding = sizes_of(type(self).__name__, "padding", padding, 2 * self.dims, least=-(2**62))

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad(Pad):
    """One value around the last dims."""

    mode = "constant"

    def __init__(self, padding: Any, value: float):
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ZeroPad(ConstantPad):
    """Zeros around the last dims."""

    def __init__(self, padding: Any):
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ReflectionPad(Pad):
    """What lies inside, mirrored at the first and the last element."""

    mode = "reflect"


class ReplicationPad(Pad):
    """The first and the last element again and again."""

    mode = "replicate"


class CircularPad(Pad):
    """What lies at the other end."""

    mode = "circular"


class ConstantPad1d(ConstantPad):
    """One value around the last dim."""

    dims = 1


class ConstantPad2d(ConstantPad):
    """One value around the last two dims."""

    dims = 2


class ConstantPad3d(ConstantPad):
    """One value around the last three dims."""

    dims = 3


class ZeroPad1d(ZeroPad):
    """Zeros around the last dim."""

    dims = 1


class ZeroPad2d(ZeroPad):
    """Zeros around the last two dims."""

    dims = 2


class ZeroPad3d(ZeroPad):
    """Zeros around the last three dims."""

    dims = 3


class ReflectionPad1d(ReflectionPad):
    """What lies inside, mirrored, around the last dim.

    >>> import candle
    >>> ReflectionPad1d(2)(candle.tensor([[0.0, 1.0, 2.0]]))
    tensor([[2., 1., 0., 1., 2., 1., 0.]])
    """

    dims = 1


class ReflectionPad2d(ReflectionPad):
    """What lies inside, mirrored, around the last two dims."""

    dims = 2


class ReflectionPad3d(ReflectionPad):
    """What lies inside, mirrored, around the last three dims."""

    dims = 3


class ReplicationPad1d(ReplicationPad):
    """The first and the last element around the last dim."""

    dims = 1


class ReplicationPad2d(ReplicationPad):
    """The first and the last element around the last two dims."""

    dims = 2


class ReplicationPad3d(ReplicationPad):
    """The first and the last element around the last three dims."""

    dims = 3


class CircularPad1d(CircularPad):
    """What lies at the other end around the last dim."""

    dims = 1


class CircularPad2d(CircularPad):
    """What lies at the other end around the last two dims."""

    dims = 2


class CircularPad3d(CircularPad):
    """What lies at the other end around the last three dims."""

    dims = 3
