"""Multi-head attention as a layer."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle.nn import init
from candle.nn.functional._common import expect_tensors
from candle.nn.functional.attention import attend
from candle.nn.modules.linear import Linear
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter

__all__ = ["MultiheadAttention"]


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear; PyTorch's representation of `MultiheadAttention` names it so."""


class MultiheadAttention(Module):
    """Several attentions side by side, each of a part of the features: `functional.multi_head_attention_forward`.

    Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim) -> (L, N, E) and the attention weights (N, L, S);
    with batch_first, N comes first; without a batch, there is no N. need_weights=False is faster and returns None
    in their place.

    >>> import candle
    >>> attention = candle.nn.MultiheadAttention(8, num_heads=2, batch_first=True)
    >>> x = candle.ones(3, 5, 8)
    >>> out, weights = attention(x, x, x)
    >>> out.shape, weights.shape
    (candle.Size([3, 5, 8]), candle.Size([3, 5, 5]))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ValueError(
                f"MultiheadAttention: embed_dim and num_heads must be positive, and the first a multiple of the "
                f"second, got embed_dim={embed_dim} and num_heads={num_heads}"
            )
        super().__init__()
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim

        def parameter(name: str, *shape: int, wanted: bool) -> None:
            made = Parameter(candle.empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, made)

        packed = self._qkv_same_embed_dim
        parameter("in_proj_weight", 3 * embed_dim, embed_dim, wanted=packed)
        parameter("q_proj_weight", embed_dim, embed_dim, wanted=not packed)
        parameter("k_proj_weight", embed_dim, self.kdim, wanted=not packed)
        parameter("v_proj_weight", embed_dim, self.vdim, wanted=not packed)
        parameter("in_proj_bias", 3 * embed_dim, wanted=bias)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        parameter("bias_k", 1, 1, embed_dim, wanted=add_bias_kv)
        parameter("bias_v", 1, 1, embed_dim, wanted=add_bias_kv)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        self._check(query, key, value)
        packed = self._qkv_same_embed_dim
        weights = self.in_proj_weight if packed else (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        return attend(
            *(query, key, value, self.num_heads, weights, self.in_proj_bias, self.out_proj.weight, self.out_proj.bias),
            extra=(self.bias_k, self.bias_v),
            zero=self.add_zero_attn,
            dropout=self.dropout if self.training else 0.0,
            padding=key_padding_mask,
            mask=attn_mask,
            causal=is_causal,
            need_weights=need_weights,
            average=average_attn_weights,
            batch_first=self.batch_first,
        )

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        expect_tensors("MultiheadAttention", query=query, key=key, value=value)
        given = tuple(x.shape[-1] if x.ndim else 0 for x in (query, key, value))
        wanted = (self.embed_dim, self.kdim, self.vdim)
        if given != wanted:
            raise RuntimeError(
                f"MultiheadAttention: expected query, key and value of {wanted} features, got {given}: "
                f"shapes {tuple(query.shape)}, {tuple(key.shape)}, {tuple(value.shape)}"
            )
