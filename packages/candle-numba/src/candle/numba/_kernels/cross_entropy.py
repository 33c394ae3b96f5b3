"""cross_entropy, row by row: one pass over the logits each way, and nothing of their size kept in between."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from candle.kernels import Kernel
from candle.numba._compile import accepts, compiled, run
from candle.numba._math import exp, maximum

BLOCK = 2048  # logits that stay in the first-level cache between finding their maximum and using it


@compiled
def highest(row):
    high = row[0]
    for i in range(row.size):
        high = maximum(high, row[i])
    return high


@compiled(flags="contract reassoc")  # several partial sums side by side
def sum_exp(row, high):
    zero = total = row.dtype.type(0)
    for i in range(row.size):
        total += exp(row[i] - high, zero)
    return total


@compiled
def summed(row):
    """The highest, and sum(e^(x - high)): from block to block `high` may grow, and the sum shrinks with it."""
    high, total = row.dtype.type(-math.inf), row.dtype.type(0)
    for start in range(0, row.size, BLOCK):
        block = row[start : start + BLOCK]
        before, high = high, maximum(high, highest(block))
        if high != -math.inf:
            total = total * math.exp(before - high) + sum_exp(block, high)
    return high, total


@compiled
def forward(logits, target, ignored, losses, sums):
    """Writes the loss of every row, and its highest logit and sum of powers; returns how many targets are no class.

    Added up, these two would lose the digits by which large logits differ.
    """
    bad = 0
    for i in range(target.size):
        row, t = logits[i], target[i]
        high, total = summed(row)
        sums[i, 0], sums[i, 1] = high, total
        if t == ignored:
            losses[i] = 0
        elif 0 <= t < row.size:
            losses[i] = math.log(total) - (row[t] - high)
        else:
            bad += 1
    return bad


@compiled
def vjp(logits, target, ignored, grad, sums, out):
    zero, one = logits.dtype.type(0), logits.dtype.type(1)
    for i in range(target.size):
        row, result, t, high = logits[i], out[i], target[i], sums[i, 0]
        scale = zero if t == ignored else grad[i]
        each = scale / sums[i, 1]
        for j in range(row.size):
            result[j] = exp(row[j] - high, zero) * each
        if 0 <= t < row.size:
            result[t] = (exp(row[t] - high, zero) / sums[i, 1] - one) * scale


@compiled(parallel=True)
def forward_parallel(logits, target, ignored, losses, sums, pieces):
    n, bad = target.size, 0
    for k in prange(pieces):
        a, b = k * n // pieces, (k + 1) * n // pieces
        bad += forward(logits[a:b], target[a:b], ignored, losses[a:b], sums[a:b])
    return bad


@compiled(parallel=True)
def vjp_parallel(logits, target, ignored, grad, sums, out, pieces):
    n = target.size
    for k in prange(pieces):
        a, b = k * n // pieces, (k + 1) * n // pieces
        vjp(logits[a:b], target[a:b], ignored, grad[a:b], sums[a:b], out[a:b])


def fit(logits: Any, target: Any) -> bool:
    return (
        accepts(logits)
        and logits.ndim == 2
        and target.dtype == np.int64
        and target.shape == logits.shape[:1]
        and target.flags.carray
    )


def others(target: Any, ignore_index: int, like: Any) -> Any:
    """How many are not to be ignored, in a dtype that keeps the other's."""
    return like.dtype.type(np.count_nonzero(target != ignore_index))


class CrossEntropy(Kernel):
    op = "cross_entropy"

    def forward(self, logits: Any, target: Any, *, ignore_index: int, reduction: str) -> Any:
        if not fit(logits, target):
            return NotImplemented
        losses, sums = np.empty(len(logits), logits.dtype), np.empty((len(logits), 2), logits.dtype)
        if run(forward, forward_parallel, logits.size, logits, target, ignore_index, losses, sums):
            return NotImplemented  # a target is no class: the reference says so
        if reduction != "none":
            losses = np.sum(losses)
        if reduction == "mean":
            losses /= others(target, ignore_index, losses)
        return np.asarray(losses), sums

    def vjp(
        self, needs: Any, grad: Any, sums: Any, out: Any, logits: Any, target: Any, *, ignore_index: int, reduction: str
    ) -> Any:
        if reduction == "mean":
            grad = grad / others(target, ignore_index, grad)
        grad = np.ascontiguousarray(grad) if grad.ndim else np.full(target.shape, grad)
        if not (fit(logits, target) and accepts(logits, grad)):
            return NotImplemented
        dlogits = np.empty(logits.shape, logits.dtype)
        run(vjp, vjp_parallel, logits.size, logits, target, ignore_index, grad, sums, dlogits)
        return dlogits, None


kernel = CrossEntropy()
