"""Fine-tuning by a small change."""

from __future__ import annotations

import math
from typing import Any

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn import init
from candle.nn.modules.linear import Linear
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter

__all__ = ["LoRA"]


class LoRA(Module):
    """A linear layer with a change of low rank: W x + b + (alpha / rank) B A x, of which only A and B are trained.

    B begins as zeros, so the layer begins as it was. `merge` writes the change into W, where it costs nothing, and
    `unmerge` takes it out again (to rounding); the state dict holds which of the two it is ("_extra_state").
    Hu et al. (2021), "LoRA: Low-rank adaptation of large language models".

    Replace a layer of a model by it: `model.head = LoRA(model.head, rank=4)`.

    >>> import candle
    >>> layer = candle.nn.Linear(64, 64)
    >>> adapted = LoRA(layer, rank=2)
    >>> x = candle.randn(3, 64)
    >>> bool((adapted(x) == layer(x)).all())
    True
    >>> sum(p.numel() for p in adapted.parameters() if p.requires_grad), layer.weight.numel()
    (256, 4096)
    """

    def __init__(self, base: Linear, rank: int = 8, alpha: float | None = None, dropout: float = 0.0):
        if not isinstance(base, Linear):
            raise TypeError(f"LoRA: expected a Linear to adapt, got {type(base).__name__}")
        if rank <= 0:
            raise ValueError(f"LoRA: rank must be positive, got {rank}")
        if not 0 <= dropout < 1:
            raise ValueError(f"LoRA: dropout must lie between 0 and 1, got {dropout}")
        super().__init__()
        self.base, self.rank, self.dropout, self.merged = base.requires_grad_(False), rank, dropout, False
        self.alpha = rank if alpha is None else alpha
        self.lora_A = Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = Parameter(base.weight.new_zeros(base.out_features, rank))
        init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    @property
    def scale(self) -> float:
        """What B A counts: alpha / rank."""
        return self.alpha / self.rank

    @property
    def weight(self) -> Tensor:
        """W with the change (no dropout), for a layer that reads its part's weight: attention and its out_proj."""
        weight = self.base.weight
        return weight if self.merged else weight + self.lora_B @ self.lora_A * self.scale

    @property
    def bias(self) -> Parameter | None:
        return self.base.bias  # type: ignore[no-any-return]

    def forward(self, input: Tensor) -> Tensor:
        if not self.merged:
            x = F.dropout(input, self.dropout, self.training)
            change = F.linear(F.linear(x, self.lora_A), self.lora_B)
            return self.base(input) + change * self.scale  # type: ignore[no-any-return]
        if self.training and candle.is_grad_enabled():
            raise RuntimeError("LoRA: merged, A and B get no gradients: unmerge() to train, or eval() to only run")
        return self.base(input)  # type: ignore[no-any-return]

    def merge(self) -> None:
        """Add the change to the layer's weight."""
        self._shift(+1, merged=True)

    def unmerge(self) -> None:
        """Take the change out of the layer's weight."""
        self._shift(-1, merged=False)

    @candle.no_grad()
    def _shift(self, sign: int, merged: bool) -> None:
        if self.merged is not merged:
            self.base.weight.add_(self.lora_B @ self.lora_A, alpha=sign * self.scale)
            self.merged = merged

    def get_extra_state(self) -> Tensor:
        return candle.tensor(self.merged)  # type: ignore[no-any-return]

    def set_extra_state(self, state: Any) -> None:
        self.merged = bool(state)

    def extra_repr(self) -> str:
        return f"rank={self.rank}, alpha={self.alpha}, dropout={self.dropout}, merged={self.merged}"
