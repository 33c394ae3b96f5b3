"""The layers of a transformer: attention and small networks, each added to what passes by.

Vaswani et al. (2017), "Attention is all you need"; with `norm_first`, the order of Xiong et al. (2020), "On layer
normalization in the transformer architecture".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle import Tensor
from candle.nn import functional as F
from candle.nn.modules.attention import MultiheadAttention
from candle.nn.modules.dropout import Dropout
from candle.nn.modules.linear import Linear
from candle.nn.modules.module import Module
from candle.nn.modules.normalization import LayerNorm

__all__ = ["TransformerDecoderLayer", "TransformerEncoderLayer"]

Activation = str | Callable[[Tensor], Tensor]


class Layer(Module):
    """What the layers of encoder and decoder have in common: the order of a step, and two of the steps."""

    self_attn: MultiheadAttention
    norm_first: bool

    def _feed(self, d_model: int, width: int, dropout: float, bias: bool, factory: dict[str, Any]) -> None:
        self.linear1 = Linear(d_model, width, bias, **factory)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(width, d_model, bias, **factory)

    def _norms(self, count: int, d_model: int, eps: float, dropout: float, bias: bool, factory: dict[str, Any]) -> None:
        for i in range(1, count + 1):
            setattr(self, f"norm{i}", LayerNorm(d_model, eps=eps, bias=bias, **factory))
        for i in range(1, count + 1):
            setattr(self, f"dropout{i}", Dropout(dropout))

    def _step(self, i: int, x: Tensor, block: Callable[[Tensor], Tensor]) -> Tensor:
        """x + block(norm(x)), or norm(x + block(x)); what the block gives is dropped out."""
        norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
        return x + dropout(block(norm(x))) if self.norm_first else norm(x + dropout(block(x)))  # type: ignore[no-any-return]

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))  # type: ignore[no-any-return]


class TransformerEncoderLayer(Layer):
    """Self-attention, then a network of two layers, for each position. Shape: (L, N, E) or, batch_first, (N, L, E).

    >>> import candle
    >>> layer = candle.nn.TransformerEncoderLayer(d_model=8, nhead=2, batch_first=True)
    >>> layer(candle.ones(3, 5, 8)).shape
    candle.Size([3, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        factory = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **factory)
        self._feed(d_model, dim_feedforward, dropout, bias, factory)
        self.norm_first = norm_first
        self._norms(2, d_model, layer_norm_eps, dropout, bias, factory)
        self.activation = _activation(activation)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        def attention(x: Tensor) -> Tensor:
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]  # type: ignore[no-any-return]

        return self._step(2, self._step(1, src, attention), self._ff_block)


class TransformerDecoderLayer(Layer):
    """Self-attention, attention to what an encoder made of the source, then a network of two layers.

    Shapes: tgt (L, N, E) and memory (S, N, E) -> (L, N, E); N comes first with batch_first.

    >>> import candle
    >>> layer = candle.nn.TransformerDecoderLayer(d_model=8, nhead=2, batch_first=True)
    >>> layer(candle.ones(3, 4, 8), memory=candle.ones(3, 5, 8)).shape
    candle.Size([3, 4, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        factory = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **factory)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **factory)
        self._feed(d_model, dim_feedforward, dropout, bias, factory)
        self.norm_first = norm_first
        self._norms(3, d_model, layer_norm_eps, dropout, bias, factory)
        self.activation = _activation(activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        def to_itself(x: Tensor) -> Tensor:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]  # type: ignore[no-any-return]

        def to_memory(x: Tensor) -> Tensor:
            given = (memory, memory, memory_key_padding_mask, False, memory_mask)
            return self.multihead_attn(x, *given, is_causal=memory_is_causal)[0]  # type: ignore[no-any-return]

        return self._step(3, self._step(2, self._step(1, tgt, to_itself), to_memory), self._ff_block)


def _activation(given: Activation) -> Any:
    if not isinstance(given, str):
        return given
    named = {"relu": F.relu, "gelu": F.gelu}
    if given not in named:
        raise RuntimeError(f"activation must be 'relu', 'gelu' or a function, got {given!r}")
    return named[given]
