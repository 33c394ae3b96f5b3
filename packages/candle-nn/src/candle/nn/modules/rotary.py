"""Positions as rotations."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle.nn.modules.module import Module

__all__ = ["RotaryEmbedding"]


class RotaryEmbedding(Module):
    """Pairs of features turned by an angle that grows with the position, so that q k^T sees only distances.

        (x_a, x_b) at position p  ->  (x_a cos w - x_b sin w, x_b cos w + x_a sin w),  w = p base^(-2 i / dim)

    for the i-th of the dim / 2 pairs. The pairs are (i, i + dim / 2), the two halves, as in Llama's checkpoints and
    GPT-NeoX; with `interleaved`, they are the neighbours (2 i, 2 i + 1), as in the paper and GPT-J.
    Su et al. (2021), "RoFormer: Enhanced transformer with rotary position embedding", equation 34.

    Shapes: (..., L, dim) -> the same. `start` is the position of the first of the L, or their positions: integers
    of a shape that broadcasts to (..., L).

    >>> import candle
    >>> rotary = candle.nn.RotaryEmbedding(4)
    >>> x = candle.ones(2, 4)
    >>> rotary(x)[0]
    tensor([1., 1., 1., 1.])
    >>> bool((rotary(x)[1] == rotary(x[:1], start=1)[0]).all())
    True
    """

    def __init__(self, dim: int, base: float = 10000.0, interleaved: bool = False):
        if dim <= 0 or dim % 2:
            raise ValueError(f"RotaryEmbedding: dim must be even, for pairs of features, got {dim}")
        super().__init__()
        self.dim, self.base, self.interleaved = dim, base, interleaved
        self._table: tuple[Tensor, Tensor] | None = None

    def forward(self, input: Tensor, start: int | Tensor = 0) -> Tensor:
        if input.ndim < 2 or input.shape[-1] != self.dim:
            raise RuntimeError(f"RotaryEmbedding: expected shape (..., L, {self.dim}), got {tuple(input.shape)}")
        if isinstance(start, Tensor):
            first, last = (int(start.min()), int(start.max())) if start.numel() else (0, -1)
            places: Any = start
        else:
            first, last = start, start + input.shape[-2] - 1
            places = slice(first, last + 1)
        if first < 0:
            raise ValueError(f"RotaryEmbedding: positions begin at 0, got start={start}")
        cos, sin = (table[places] for table in self._tables(last + 1, input))
        pairs, along = ((-1, 2), -1) if self.interleaved else ((2, -1), -2)
        a, b = input.unflatten(-1, pairs).unbind(along)
        return candle.stack([a * cos - b * sin, b * cos + a * sin], along).flatten(-2)  # type: ignore[no-any-return]

    def _tables(self, length: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin of all angles, (positions, dim / 2), for `length` positions at least; computed once."""
        table = self._table
        if (
            table is None
            or table[0].shape[0] < length
            or (table[0].dtype, table[0].device) != (like.dtype, like.device)
        ):
            table = self._table = self._computed(1 << max(length - 1, 0).bit_length(), like)
        return table

    @candle.inference_mode(False)  # to be of use in training, too
    def _computed(self, length: int, like: Tensor) -> tuple[Tensor, Tensor]:
        positions = candle.arange(length, dtype=candle.float64)
        angles = positions[:, None] * self.base ** (candle.arange(0, self.dim, 2, dtype=candle.float64) / -self.dim)
        cos, sin = (t.to(device=like.device, dtype=like.dtype) for t in (angles.cos(), angles.sin()))
        return cos, sin

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_table": None}  # to be computed again, rather than saved

    def extra_repr(self) -> str:
        return f"{self.dim}, base={self.base}, interleaved={self.interleaved}"
