"""`Size`: the shape of a tensor."""

from __future__ import annotations

import math
from typing import Any, SupportsIndex, overload


class Size(tuple[int, ...]):
    """A shape: a tuple that also counts.

    >>> import candle
    >>> candle.ones(2, 3).shape, candle.ones(2, 3).shape.numel()
    (candle.Size([2, 3]), 6)
    >>> candle.ones(2, 3).shape[1:] + (4,)
    candle.Size([3, 4])
    """

    __slots__ = ()

    def numel(self) -> int:
        return math.prod(self)

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...

    @overload
    def __getitem__(self, key: slice) -> Size: ...

    def __getitem__(self, key: Any) -> Any:
        part = tuple.__getitem__(self, key)
        return Size(part) if isinstance(key, slice) else part

    def __add__(self, other: Any) -> Size:
        return Size((*self, *other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other: Any) -> Size:
        return Size((*other, *self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"candle.Size({list(self)})"
