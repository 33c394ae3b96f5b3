"""Attention in which several heads share keys and values, and the memory that generation keeps of those."""

from __future__ import annotations

import math
from typing import Any, Protocol

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn.functional.attention import join_heads, split_heads
from candle.nn.modules.linear import Linear
from candle.nn.modules.module import Module
from candle.nn.modules.rotary import RotaryEmbedding

__all__ = ["GroupedQueryAttention", "KeyValueCache"]


class Cache(Protocol):
    """What attention asks of a cache; `KeyValueCache` is the plain one, others may drop or share steps."""

    length: int  # how many steps it holds

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Take in keys and values (N, H, L, D) of L new steps; those of all steps (N, H, length, D)."""

    def reset(self) -> None:
        """Forget all steps."""


class KeyValueCache:
    """The keys and values of up to `max_length` steps, in memory that is allocated once, at the first step.

    It is for generation, without gradients. Setting `length` back forgets the last steps.

    >>> import candle
    >>> cache = KeyValueCache(max_length=10)
    >>> step = candle.ones(1, 2, 1, 4)  # (N, H, L, D)
    >>> for _ in range(3):
    ...     keys, values = cache.append(step, step)
    >>> keys.shape, cache.length
    (candle.Size([1, 2, 3, 4]), 3)
    """

    def __init__(self, max_length: int):
        self.max_length, self.length = max_length, 0
        self._memory: tuple[Tensor, Tensor] | None = None

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Take in keys and values (N, H, L, D) of L new steps; those of all steps, as views of the memory."""
        if candle.is_grad_enabled() and (k.requires_grad or v.requires_grad):
            raise RuntimeError("KeyValueCache: it keeps no gradients; generate under candle.no_grad()")
        end = self.length + k.shape[-2]
        if k.shape[:-1] != v.shape[:-1]:
            raise RuntimeError(
                f"KeyValueCache: expected as many keys as values, got shapes {tuple(k.shape)} and {tuple(v.shape)}"
            )
        if end > self.max_length:
            raise RuntimeError(
                f"KeyValueCache: {k.shape[-2]} more steps after {self.length} exceed max_length={self.max_length}"
            )
        if self._memory is None:
            whole = (*k.shape[:-2], self.max_length)
            self._memory = k.new_empty(*whole, k.shape[-1]), v.new_empty(*whole, v.shape[-1])
        for memory, new in zip(self._memory, (k, v)):
            fits = (*memory.shape[:-2], new.shape[-2], memory.shape[-1])
            if tuple(new.shape) != fits or new.dtype is not memory.dtype:
                given = f"{new.dtype} of {tuple(new.shape)}"
                raise RuntimeError(
                    f"KeyValueCache: its steps are {memory.dtype} of shape {fits}, got {given}; "
                    f"use a cache for each layer and batch"
                )
            memory[..., self.length : end, :] = new
        self.length = end
        keys, values = (memory[..., :end, :] for memory in self._memory)
        return keys, values

    def reset(self) -> None:
        """Forget all steps; the memory stays."""
        self.length = 0

    def __repr__(self) -> str:
        return f"KeyValueCache(max_length={self.max_length}, length={self.length})"


class GroupedQueryAttention(Module):
    """Self-attention of `num_heads` queries in groups, each of which shares one of `num_kv_heads` keys and values.

    num_kv_heads = num_heads is multi-head attention, and 1 is multi-query attention. Ainslie et al. (2023), "GQA:
    Training generalized multi-query transformer models from multi-head checkpoints".

    Shape: (N, L, embed_dim) -> the same. It is causal unless told otherwise. `attn_mask` broadcasts to (N, num_heads,
    L, S): bool (True takes part) or added to the scores. With a `cache` (one for each layer and batch), the L steps
    come after those that it holds, S in all, and are added to it. `rotary` turns queries and keys.

    >>> import candle
    >>> attention = GroupedQueryAttention(16, num_heads=4, num_kv_heads=2, rotary=candle.nn.RotaryEmbedding(4))
    >>> x = candle.randn(1, 5, 16)
    >>> with candle.no_grad():
    ...     cache = KeyValueCache(max_length=5)
    ...     steps = [attention(x[:, i : i + 1], cache=cache) for i in range(5)]
    >>> candle.allclose(candle.cat(steps, 1), attention(x), atol=1e-6)
    True
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        num_kv_heads: int,
        head_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        rotary: RotaryEmbedding | None = None,
        device: Any = None,
        dtype: Any = None,
    ):
        name = "GroupedQueryAttention"
        if num_kv_heads <= 0 or num_heads <= 0 or num_heads % num_kv_heads:
            raise ValueError(f"{name}: {num_heads} heads do not divide into groups for {num_kv_heads} keys and values")
        if head_dim is None and embed_dim % num_heads:
            raise ValueError(f"{name}: {embed_dim} features do not divide into {num_heads} heads; give head_dim")
        super().__init__()
        self.embed_dim, self.num_heads, self.num_kv_heads = embed_dim, num_heads, num_kv_heads
        self.head_dim = embed_dim // num_heads if head_dim is None else head_dim
        if rotary is not None and rotary.dim != self.head_dim:
            raise ValueError(f"{name}: rotary is for {rotary.dim} features, but a head has {self.head_dim}")
        self.dropout = dropout
        factory = {"device": device, "dtype": dtype}
        self.q_proj = Linear(embed_dim, num_heads * self.head_dim, bias, **factory)
        self.k_proj = Linear(embed_dim, num_kv_heads * self.head_dim, bias, **factory)
        self.v_proj = Linear(embed_dim, num_kv_heads * self.head_dim, bias, **factory)
        self.o_proj = Linear(num_heads * self.head_dim, embed_dim, bias, **factory)
        self.rotary = rotary

    def forward(
        self, input: Tensor, attn_mask: Tensor | None = None, cache: Cache | None = None, is_causal: bool = True
    ) -> Tensor:
        if input.ndim != 3 or input.shape[-1] != self.embed_dim:
            raise RuntimeError(
                f"GroupedQueryAttention: expected shape (N, L, {self.embed_dim}), got {tuple(input.shape)}"
            )
        q = split_heads(self.q_proj(input), self.num_heads)  # (N, H, L, D)
        k, v = (split_heads(project(input), self.num_kv_heads) for project in (self.k_proj, self.v_proj))
        past = 0 if cache is None else cache.length
        if self.rotary is not None:
            q, k = self.rotary(q, past), self.rotary(k, past)
        if cache is not None:
            k, v = cache.append(k, v)
        length, size = q.shape[-2], k.shape[-2]
        flag = is_causal and attn_mask is None and length == size
        if is_causal and not flag and length > 1:
            attn_mask = _without_future(attn_mask, length, size, q.device)
        if attn_mask is not None and attn_mask.ndim > 2:
            attn_mask = attn_mask.unflatten(-3, (-1, self._group) if attn_mask.shape[-3] > 1 else (1, 1))
        grouped = q.unflatten(1, (-1, self._group))  # (N, G, H / G, L, D), against keys (N, G, 1, S, D)
        dropout = self.dropout if self.training else 0.0
        k, v = k.unsqueeze(2), v.unsqueeze(2)
        out = F.scaled_dot_product_attention(grouped, k, v, attn_mask, dropout, flag)
        return self.o_proj(join_heads(out.flatten(1, 2)))  # type: ignore[no-any-return]

    @property
    def _group(self) -> int:
        return self.num_heads // self.num_kv_heads

    def extra_repr(self) -> str:
        heads = f"num_heads={self.num_heads}, num_kv_heads={self.num_kv_heads}, head_dim={self.head_dim}"
        return f"{self.embed_dim}, {heads}"


def _without_future(mask: Tensor | None, length: int, size: int, device: Any) -> Tensor:
    """A mask, bool or added, that also keeps each of the last `length` of `size` steps from looking ahead."""
    past: Tensor = candle.ones(length, size, dtype=candle.bool, device=device).tril(size - length)
    if mask is None:
        return past
    joined: Tensor = mask & past if mask.dtype is candle.bool else mask.masked_fill(~past, -math.inf)
    return joined
