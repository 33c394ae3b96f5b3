"""Self-attention by a mask of blocks."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn import init
from candle.nn.functional.attention import join_heads, split_heads
from candle.nn.modules.linear import Linear
from candle.nn.modules.module import Module
from candle.nn.parameter import Buffer, Parameter

__all__ = ["BlockSparseAttention"]


class BlockSparseAttention(Module):
    """Multi-head self-attention to those blocks only that a mask names: `functional.block_sparse_attention`.

    Shape: (N, L, E) -> the same, for any L that the blocks of `block_mask`, (l, l) or (num_heads, l, l), divide.
    It takes the state dict of a `MultiheadAttention`, and equals it with the same mask.

    >>> import candle
    >>> near = candle.eye(4, dtype=candle.bool)
    >>> near[:, 0] = True  # each block looks at itself and at the first
    >>> BlockSparseAttention(8, 2, near, is_causal=True)(candle.randn(3, 16, 8)).shape
    candle.Size([3, 16, 8])
    """

    block_mask: Tensor

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        block_mask: Tensor,
        is_causal: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        if num_heads <= 0 or embed_dim % num_heads:
            raise ValueError(f"BlockSparseAttention: {embed_dim} features do not divide into {num_heads} heads")
        super().__init__()
        self.embed_dim, self.num_heads, self.is_causal = embed_dim, num_heads, is_causal
        self.in_proj_weight = Parameter(candle.empty(3 * embed_dim, embed_dim, device=device, dtype=dtype))
        packed = Parameter(candle.zeros(3 * embed_dim, device=device, dtype=dtype)) if bias else None
        self.register_parameter("in_proj_bias", packed)
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype)
        self.block_mask = Buffer(block_mask.to(device=device), persistent=False)
        init.xavier_uniform_(self.in_proj_weight)
        if bias:
            init.zeros_(self.out_proj.bias)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 3 or input.shape[-1] != self.embed_dim:
            raise RuntimeError(
                f"BlockSparseAttention: expected shape (N, L, {self.embed_dim}), got {tuple(input.shape)}"
            )
        packed = F.linear(input, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (split_heads(x, self.num_heads) for x in packed.chunk(3, -1))
        out = F.block_sparse_attention(q, k, v, self.block_mask, self.is_causal)
        return self.out_proj(join_heads(out))  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        blocks = f"blocks={int(self.block_mask.sum())}/{self.block_mask.numel()}"
        return f"{self.embed_dim}, num_heads={self.num_heads}, {blocks}, is_causal={self.is_causal}"
