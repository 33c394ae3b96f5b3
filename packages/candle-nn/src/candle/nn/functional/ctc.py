"""Connectionist temporal classification: a loss for labels whose places in time are not known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import candle
from candle import Tensor
from candle._apply import apply
from candle.nn.functional._common import expect_tensors, reduced
from candle.op import Op

__all__ = ["ctc_loss"]

LOW = -1e30  # the logarithm of what is impossible: finite, so that sums and derivatives are


class CtcLoss(Op):
    """-log p(labels), p the sum over all alignments;  dlogp = -grad p(being at a label's place then | labels)"""

    name, promotes, floats, autocast = "ctc_loss", "logp", True, "float32"
    reads = {"logp": "logp labels steps lengths"}

    def forward(xp, logp, labels, steps, lengths, *, blank, impossible):
        """(T, N, C), (N, S), (N, 1), (N, 1) -> (N)."""
        path = with_blanks(xp, labels, blank)
        last = before(xp, emitted(xp, logp, path), path, steps, blank)[-1]
        total = summed(xp, last, lengths)
        once, otherwise = (xp.full((), factor, dtype=logp.dtype) for factor in (1.0, impossible))
        return xp.reshape(-total * xp.where(xp.less(total, LOW / 2), otherwise, once), (-1,))

    def vjp(xp, needs, grad, out, logp, labels, steps, lengths, *, blank, impossible):
        path = with_blanks(xp, labels, blank)
        each = emitted(xp, logp, path)
        alphas = before(xp, each, path, steps, blank)
        total = summed(xp, alphas[-1], lengths)
        fits = xp.less(LOW / 2, total)
        zero, otherwise = (xp.full((), factor, dtype=logp.dtype) for factor in (0.0, impossible))
        scale = xp.where(fits, -xp.reshape(grad, (-1, 1)), -otherwise)
        shares = []
        betas = after(xp, each, path, steps, lengths, blank)
        for t, (alpha, beta) in enumerate(zip(alphas[1:], betas[1:], strict=True)):
            there = scale * xp.exp(xp.where(fits, alpha + beta - total, zero))
            shares.append(xp.where(xp.less(t, steps), there, zero))
        step, example = (xp.reshape(xp.arange(n), (-1, *(1,) * d)) for n, d in ((logp.shape[0], 2), (logp.shape[1], 1)))
        places = (step, example, xp.reshape(path, (1, *path.shape)))
        return xp.index_add(xp.zeros(logp.shape, dtype=logp.dtype), places, xp.stack(shares)), None, None, None


def emitted(xp: Any, logp: Any, path: Any) -> Any:
    """The logarithms of what stands on the path, at every step: (T, N, P)."""
    shape = (logp.shape[0], *path.shape)
    return xp.take_along_axis(logp, xp.broadcast_to(xp.reshape(path, (1, *path.shape)), shape), axis=2)


def before(xp: Any, each: Any, path: Any, steps: Any, blank: int) -> list[Any]:
    """log p(what leads to a place of the path) before the first step, after it, ...; Graves et al., (5) to (7)."""
    low, zero = xp.full((), LOW, dtype=each.dtype), xp.zeros((), dtype=each.dtype)
    jumps = may_jump(xp, path, blank)
    # before the first step, at the first blank: from there, a step leads to it or to the first label
    alpha = xp.broadcast_to(xp.where(xp.equal(xp.arange(path.shape[1]), 0), zero, low), path.shape)
    found = [alpha]
    for t in range(each.shape[0]):
        near = xp.logaddexp(alpha, moved(xp, alpha, 1, LOW))
        far = xp.where(jumps, moved(xp, alpha, 2, LOW), low)
        alpha = xp.where(xp.greater(steps, t), xp.logaddexp(near, far) + each[t, ...], alpha)
        found.append(alpha)
    return found


def after(xp: Any, each: Any, path: Any, steps: Any, lengths: Any, blank: int) -> list[Any]:
    """log p(what follows a place of the path), at the same times: (9) to (11)."""
    low, zero = xp.full((), LOW, dtype=each.dtype), xp.zeros((), dtype=each.dtype)
    jumps = may_jump(xp, path, blank)
    place = xp.arange(path.shape[1])
    ends = xp.logical_or(xp.equal(place, lengths * 2), xp.equal(place, lengths * 2 - 1))
    beta = xp.where(ends, zero, low)
    found = [beta]
    for t in reversed(range(each.shape[0])):
        here = beta + each[t, ...]
        near = xp.logaddexp(here, back(xp, here, 1, LOW))
        far = back(xp, xp.where(jumps, here, low), 2, LOW)
        beta = xp.where(xp.greater(steps, t), xp.logaddexp(near, far), beta)
        found.append(beta)
    return found[::-1]


def summed(xp: Any, alpha: Any, lengths: Any) -> Any:
    """log p(labels) from the two places where an alignment may end: (8)."""
    at_blank = xp.take_along_axis(alpha, lengths * 2, axis=1)
    at_label = xp.take_along_axis(alpha, xp.maximum(lengths * 2 - 1, lengths), axis=1)
    return xp.logaddexp(at_blank, xp.where(xp.greater(lengths, 0), at_label, xp.full((), LOW, dtype=alpha.dtype)))


def may_jump(xp: Any, path: Any, blank: int) -> Any:
    """Where the blank before a label may be left out: the label differs from the one before it."""
    return xp.logical_and(xp.not_equal(path, blank), xp.not_equal(path, moved(xp, path, 2, blank)))


def with_blanks(xp: Any, labels: Any, blank: int) -> Any:
    """a b c as - a - b - c -, where - is the blank."""
    n, size = labels.shape
    pairs = xp.stack([xp.full((n, size), blank, dtype=labels.dtype), labels], axis=2)
    return xp.concat([xp.reshape(pairs, (n, 2 * size)), xp.full((n, 1), blank, dtype=labels.dtype)], axis=1)


def moved(xp: Any, x: Any, by: int, fill: float) -> Any:
    """The columns of x moved to the right."""
    return xp.concat([xp.full((x.shape[0], by), fill, dtype=x.dtype), x], axis=1)[:, : x.shape[1]]


def back(xp: Any, x: Any, by: int, fill: float) -> Any:
    """... to the left."""
    return xp.concat([x, xp.full((x.shape[0], by), fill, dtype=x.dtype)], axis=1)[:, by:]


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
    expect_tensors("ctc_loss", log_probs=log_probs, targets=targets)
    if log_probs.ndim not in (2, 3):
        raise RuntimeError(f"ctc_loss: log_probs must have shape (T, N, C) or (T, C), got {tuple(log_probs.shape)}")
    if targets.ndim not in (1, 2):
        raise RuntimeError(f"ctc_loss: targets must have shape (N, S), or be all in a row, got {tuple(targets.shape)}")
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
        if int(ends.sum()) != targets.numel():
            raise RuntimeError(
                f"ctc_loss: {targets.numel()} targets in a row are not {int(ends.sum())}, the sum of target_lengths"
            )
        targets = _padded(targets, ends)
    else:
        if targets.shape[0] != n:
            raise RuntimeError(f"ctc_loss: targets of shape {tuple(targets.shape)} need {n} rows, one per example")
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
    lengths = given if isinstance(given, Tensor) else candle.tensor(list(given))
    if lengths.numel() and (lengths.dtype.is_floating_point or lengths.dtype.is_complex):
        raise RuntimeError(f"ctc_loss: {name} must hold integers, got {lengths.dtype}")
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
