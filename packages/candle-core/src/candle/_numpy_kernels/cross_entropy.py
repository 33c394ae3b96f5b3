"""cross_entropy: the rule, with one array of the logits' size each way, and entries found by their places."""

from __future__ import annotations

from typing import Any

import numpy as np

from candle._numpy_kernels.dtypes import FLOATS
from candle.kernels import Kernel


class CrossEntropy(Kernel):
    op, priority = "cross_entropy", -1  # behind compiled ones

    def forward(self, logits: Any, target: Any, *, ignore_index: int, reduction: str) -> Any:
        """Keeps the highest logit of each row, and the sum of its powers."""
        if logits.dtype not in FLOATS or logits.ndim != 2 or not logits.size:
            return NotImplemented
        if target.dtype != np.int64 or target.shape != logits.shape[:1]:
            return NotImplemented
        high = np.maximum.reduce(logits, 1, keepdims=True)
        powers = np.subtract(logits, high, order="C")
        places, ignored = find(target, ignore_index, powers.shape[1])
        losses = powers.reshape(-1).take(places)
        np.exp(powers, out=powers)
        sums = np.add.reduce(powers, 1, keepdims=True)
        np.subtract(np.log(sums[:, 0]), losses, out=losses)
        if ignored is not None:
            losses[ignored] = 0
        if reduction == "none":
            return losses, (high, sums)
        total = np.add.reduce(losses)
        return np.asarray(total if reduction == "sum" else total / others(target, ignored, losses)), (high, sums)

    def vjp(
        self, needs: Any, grad: Any, kept: Any, out: Any, logits: Any, target: Any, *, ignore_index: int, reduction: str
    ) -> Any:
        high, sums = kept
        powers = np.subtract(logits, high, order="C")
        np.exp(powers, out=powers)
        powers /= sums
        places, ignored = find(target, ignore_index, powers.shape[1])
        powers.reshape(-1)[places] -= 1
        if reduction == "mean":
            grad = grad / others(target, ignored, grad)
        if ignored is not None:
            grad = np.where(ignored, grad.dtype.type(0), grad)
        powers *= grad[:, None] if grad.ndim else grad
        return powers, None


def find(target: Any, ignore_index: int, classes: int) -> tuple[Any, Any]:
    """The places of the targets' entries in (N, classes) laid flat, and which are to be ignored: None if none is."""
    ignored = target == ignore_index
    if ignored.any():
        target = np.where(ignored, 0, target)
    else:
        ignored = None
    return np.arange(0, target.size * classes, classes) + target, ignored


def others(target: Any, ignored: Any, like: Any) -> Any:
    """How many are not to be ignored, in a dtype that keeps the other's."""
    return like.dtype.type(target.size if ignored is None else target.size - np.count_nonzero(ignored))
