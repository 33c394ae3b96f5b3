"""A softmax over many classes that spends its work on the frequent ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn.modules.container import ModuleList, Sequential
from candle.nn.modules.linear import Linear
from candle.nn.modules.module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class ASMOutput(NamedTuple):
    """The log-probability of every target, and minus their mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Classes in order of frequency: the first cutoffs[0] in a head, the others in clusters, each smaller inside.

    log p(class) = log p(its cluster) + log p(class | cluster), the cluster's part only computed where it is asked for.
    Shapes: (N, in_features) and (N), or without N. Grave et al. (2017), "Efficient softmax approximation for GPUs".
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs or sorted(set(cutoffs)) != cutoffs or cutoffs[0] <= 0 or cutoffs[-1] >= n_classes:
            raise ValueError(
                f"AdaptiveLogSoftmaxWithLoss: cutoffs must be increasing integers between 1 and n_classes - 1 = "
                f"{n_classes - 1}, got {cutoffs}"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(self._spans()):
            inner = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, inner, False, device, dtype), Linear(inner, high - low, False, device, dtype)
                )
            )

    def reset_parameters(self) -> None:
        """First values: those of the linear layers."""
        self.head.reset_parameters()
        for first, second in self.tail:  # type: ignore[attr-defined]
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> ASMOutput:
        if input.ndim not in (1, 2) or input.shape[:-1] != target.shape:
            raise RuntimeError(
                f"AdaptiveLogSoftmaxWithLoss: an input (N, C) or (C) needs a target (N) or (), "
                f"got shapes {tuple(input.shape)} and {tuple(target.shape)}"
            )
        rows, classes = input.reshape(-1, self.in_features), target.reshape(-1)
        if bool(((classes < 0) | (classes >= self.n_classes)).any()):
            raise RuntimeError(f"AdaptiveLogSoftmaxWithLoss: a target is not one of {self.n_classes} classes")
        in_head, inside = classes, candle.zeros_like(rows[:, 0])
        for i, (low, high) in enumerate(self._spans()):
            here = ((classes >= low) & (classes < high)).nonzero().reshape(-1)
            if here.numel():
                in_head = in_head.index_fill(0, here, self.shortlist_size + i)
                logp = F.log_softmax(self.tail[i](rows[here]), 1)
                inside = inside.index_add(0, here, logp.gather(1, (classes[here] - low)[:, None]).reshape(-1))
        output = inside + F.log_softmax(self.head(rows), 1).gather(1, in_head[:, None]).reshape(-1)
        return ASMOutput(output.reshape(target.shape), -output.mean())

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes: (N, in_features) -> (N, n_classes)."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            parts.append(F.log_softmax(cluster(input), 1) + head[:, self.shortlist_size + i, None])
        return candle.cat(parts, 1)  # type: ignore[no-any-return]

    def predict(self, input: Tensor) -> Tensor:
        """The most probable classes: (N, in_features) -> (N), or without N."""
        return self.log_prob(input.reshape(-1, self.in_features)).argmax(1).reshape(input.shape[:-1])

    def _spans(self) -> list[tuple[int, int]]:
        return list(zip(self.cutoffs, self.cutoffs[1:]))
