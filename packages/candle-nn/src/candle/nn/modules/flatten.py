"""Several dims as one, and one as several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from candle import Tensor
from candle.nn.modules.module import Module

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """The dims from start_dim to end_dim as one; by default all but the batch's.

    >>> import candle
    >>> candle.nn.Flatten()(candle.ones(2, 3, 4)).shape
    candle.Size([2, 12])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One dim as several, of unflattened_size."""

    def __init__(self, dim: int, unflattened_size: Any):
        super().__init__()
        if not isinstance(dim, int):
            raise NotImplementedError(
                f"Unflatten: the option dim={dim!r} is not supported: dims have numbers, not names"
            )
        self.dim, self.unflattened_size = dim, unflattened_size
        if not isinstance(unflattened_size, Iterable) or not all(isinstance(n, int) for n in unflattened_size):
            raise TypeError(f"Unflatten: unflattened_size must be a tuple of integers, got {unflattened_size!r}")

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
