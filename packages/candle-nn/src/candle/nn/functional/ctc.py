"""Connectionist temporal classification: a loss for labels whose places in time are not known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import candle
from candle import Tensor
from candle._apply import apply
from candle.nn.functional._common import reduced
from candle.op import Op

__all__ = ["ctc_loss"]

LOW = -1e30  # the logarithm of what is impossible: finite, so that sums and derivatives are


class CtcLoss(Op):
    """-log p(labels), p the sum over all alignments;  dlogp by going back through the steps"""

    name, promotes, floats, autocast = "ctc_loss", "logp", True, "float32"

    def forward(xp, logp, labels, steps, lengths, *, blank, impossible):
        """(T, N, C), (N, S), (N, 1), (N, 1) -> (N): the forward variables of Graves et al. (2006), equations 5 to 8."""
        path = with_blanks(xp, labels, blank)  # (N, P)
        shape = (logp.shape[0], *path.shape)
        emitted = xp.take_along_axis(logp, xp.broadcast_to(xp.reshape(path, (1, *path.shape)), shape), axis=2)
        jumps = xp.logical_and(xp.not_equal(path, blank), xp.not_equal(path, moved(xp, path, 2, blank)))
        low, zero = xp.full((), LOW, dtype=logp.dtype), xp.zeros((), dtype=logp.dtype)
        # before the first step, at the first blank: from there, a step leads to it or to the first label
        alpha = xp.broadcast_to(xp.where(xp.equal(xp.arange(shape[2]), 0), zero, low), path.shape)
        for t in range(shape[0]):
            near = xp.logaddexp(alpha, moved(xp, alpha, 1, LOW))
            far = xp.where(jumps, moved(xp, alpha, 2, LOW), low)
            alpha = xp.where(xp.greater(steps, t), xp.logaddexp(near, far) + emitted[t, ...], alpha)
        at_blank = xp.take_along_axis(alpha, lengths * 2, axis=1)
        at_label = xp.take_along_axis(alpha, xp.maximum(lengths * 2 - 1, lengths), axis=1)
        total = xp.logaddexp(at_blank, xp.where(xp.greater(lengths, 0), at_label, low))
        once, otherwise = (xp.full((), factor, dtype=logp.dtype) for factor in (1.0, impossible))
        return xp.reshape(-total * xp.where(xp.less(total, LOW / 2), otherwise, once), (-1,))


def with_blanks(xp: Any, labels: Any, blank: int) -> Any:
    """a b c as - a - b - c -, where - is the blank."""
    n, size = labels.shape
    pairs = xp.stack([xp.full((n, size), blank, dtype=labels.dtype), labels], axis=2)
    return xp.concat([xp.reshape(pairs, (n, 2 * size)), xp.full((n, 1), blank, dtype=labels.dtype)], axis=1)


def moved(xp: Any, x: Any, by: int, fill: float) -> Any:
    """The columns of x moved to the right."""
    return xp.concat([xp.full((x.shape[0], by), fill, dtype=x.dtype), x], axis=1)[:, : x.shape[1]]


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability of the targets, summed over all their alignments to the steps of log_probs.

    An alignment repeats labels and puts blanks between them: "aa-b" and "-a-b" are both "ab". "mean" divides
    each loss by its target's length first. With `zero_infinity`, targets that do not fit count nothing.
    Shapes: log_probs (T, N, C) or (T, C), targets (N, S) or all in a row, lengths (N) or ().
    Graves et al. (2006), "Connectionist temporal classification".

    >>> import candle
    >>> even = candle.full((2, 1, 2), 0.5).log()
    >>> ctc_loss(even, candle.tensor([[1]]), [2], [1]).exp()  # 3 of 4 alignments: "a-", "-a", "aa"
    tensor(1.3333)
    """
    if log_probs.ndim not in (2, 3):
        raise RuntimeError(f"ctc_loss: log_probs must have shape (T, N, C) or (T, C), got {tuple(log_probs.shape)}")
    batched = log_probs.ndim == 3
    if not batched:
        log_probs = log_probs.unsqueeze(1)
        targets = targets.reshape(1, -1)
    length, n, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"ctc_loss: blank must be one of {classes} classes, got {blank}")
    steps = _lengths("input_lengths", input_lengths, n, length, log_probs)
    if targets.ndim == 1:
        ends = _lengths("target_lengths", target_lengths, n, targets.numel(), log_probs)
        targets = _padded(targets, ends)
    else:
        ends = _lengths("target_lengths", target_lengths, n, targets.shape[1], log_probs)
    inside = candle.arange(targets.shape[1], device=targets.device) < ends[:, None]
    labels = targets.long().masked_fill(~inside, blank)
    if bool(((labels < 0) | (labels >= classes)).any()):
        raise RuntimeError(f"ctc_loss: a target is not one of {classes} classes")
    impossible = 0.0 if zero_infinity else math.inf  # multiplies the loss of what does not fit, and its derivative
    losses = apply(CtcLoss, log_probs, labels, steps[:, None], ends[:, None], blank=blank, impossible=impossible)
    if reduction == "mean":
        losses = losses / ends.clamp_min(1).to(losses.dtype)
    result = reduced("ctc_loss", losses, reduction)
    return result if batched or result.ndim == 0 else result.reshape(())


def _lengths(name: str, given: Tensor | Sequence[int], n: int, most: int, like: Tensor) -> Tensor:
    lengths = given if isinstance(given, Tensor) else candle.tensor(list(given), dtype=candle.int64)
    lengths = lengths.to(like.device).long().reshape(-1)
    if lengths.shape[0] != n:
        raise RuntimeError(f"ctc_loss: {name} must hold {n} lengths, got {lengths.shape[0]}")
    if bool(((lengths < 0) | (lengths > most)).any()):
        raise RuntimeError(f"ctc_loss: {name} must lie between 0 and {most}, got {lengths.tolist()}")
    return lengths


def _padded(targets: Tensor, lengths: Tensor) -> Tensor:
    """All targets in a row as the rows of a matrix."""
    most = int(lengths.max()) if lengths.numel() else 0
    if not most:
        return targets.new_zeros((lengths.shape[0], 0))
    places = (lengths.cumsum(0) - lengths)[:, None] + candle.arange(most, device=targets.device)
    return targets[places.clamp_max(targets.shape[0] - 1)]
