"""Losses with a margin: what is right has to be better than what is wrong, by so much."""

from __future__ import annotations

from collections.abc import Callable

import candle
from candle import Tensor
from candle.nn.functional._common import expect_tensors, in_float32, reduced, reduction_of
from candle.nn.functional.distance import pairwise_distance
from candle.ops.indexing import refuse_others
from candle.ops.loss import warn_of_broadcasting

__all__ = [
    "soft_margin_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "cosine_embedding_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + e^(-target input)), the target 1 or -1."""
    reduction = reduction_of("soft_margin_loss", size_average, reduce, reduction)
    expect_tensors("soft_margin_loss", input=input, target=target)
    input, target = in_float32(input, target)
    losses = -candle.logsigmoid(target * input).to(input.dtype)
    if losses.shape != input.shape:
        raise RuntimeError(
            f"soft_margin_loss: a target of shape {tuple(target.shape)} does not fit an input of shape "
            f"{tuple(input.shape)}: together they make {tuple(losses.shape)}; reshape one of them"
        )
    warn_of_broadcasting("soft_margin_loss", input, target)
    return reduced("soft_margin_loss", losses, reduction)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """input where the target is 1, max(0, margin - input) where it is -1."""
    reduction = reduction_of("hinge_embedding_loss", size_average, reduce, reduction)
    warn_of_broadcasting("hinge_embedding_loss", input, target)
    (input,) = in_float32(input)
    apart = (margin - input).clamp_min(0).masked_fill(target == 1, 0)
    return reduced("hinge_embedding_loss", input.masked_fill(target == -1, 0) + apart, reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - target (input1 - input2)): the first should rank higher where the target is 1, lower where -1."""
    reduction = reduction_of("margin_ranking_loss", size_average, reduce, reduction)
    expect_tensors("margin_ranking_loss", input1=input1, input2=input2, target=target)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss: inputs and target must have as many dims, got shapes {tuple(input1.shape)}, "
            f"{tuple(input2.shape)} and {tuple(target.shape)}"
        )
    input1, input2, target = in_float32(input1, input2, target)
    difference = input1 - input2
    warn_of_broadcasting("margin_ranking_loss", difference, target)
    losses = (margin - target * difference).clamp_min(0)
    return reduced("margin_ranking_loss", losses, reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over i != target of max(0, margin - input[target] + input[i])^p, over the number of classes.

    Shapes: input (N, C) or (C), target (N) or (), weight (C).
    """
    name = "multi_margin_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)
    expect_tensors(name, input=input, target=target)
    if p not in (1, 2):
        raise ValueError(f"{name}: p must be 1 or 2, got {p}")
    classes = _classes(name, input)
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ValueError(f"{name}: weight must have shape ({classes},), got {tuple(weight.shape)}")
    (input,) = in_float32(input)
    rows, column = input.reshape(-1, classes), target.reshape(-1, 1)
    if rows.shape[0] != column.shape[0] or target.ndim > 1:
        raise ValueError(
            f"{name}: an input of shape {tuple(input.shape)} does not fit a target of shape {tuple(target.shape)}"
        )
    _refuse_outside(name, target, 0, classes)
    gaps = (margin - rows.gather(1, column) + rows).clamp_min(0)
    gaps = gaps if p == 1 else gaps.square()
    if weight is not None:
        gaps = gaps * weight[column]
    losses = gaps.masked_fill(candle.arange(classes, device=input.device) == column, 0).sum(1) / classes
    return reduced(name, losses.reshape(target.shape) if reduction == "none" else losses, reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum of max(0, 1 - input[y] + input[i]) over the target classes y and all others i, over the number of classes.

    Shapes: (N, C) or (C), both; the target's classes end at its first -1.
    """
    name = "multilabel_margin_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)
    expect_tensors(name, input=input, target=target)
    classes = _classes(name, input)
    if input.shape != target.shape:
        raise RuntimeError(
            f"{name}: the target must have the input's shape {tuple(input.shape)}, got {tuple(target.shape)}"
        )
    (input,) = in_float32(input)
    _refuse_outside(name, target, -1, classes)
    rows, labels = input.reshape(-1, classes), target.reshape(-1, classes)
    given = (labels < 0).long().cumsum(1) == 0  # (N, C): before the first -1
    labels = labels.masked_fill(~given, 0)
    is_target = candle.zeros_like(labels).scatter_add(1, labels, given.long()) > 0
    gaps = (1 - rows.gather(1, labels)[:, :, None] + rows[:, None, :]).clamp_min(0)  # (N, label, class)
    counts = given[:, :, None] & ~is_target[:, None, :]
    losses = gaps.masked_fill(~counts, 0).sum((1, 2)) / classes
    return reduced(name, losses.reshape(input.shape[:-1]) if reduction == "none" else losses, reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross-entropy of every class, weighted; its mean over the classes, the last dim."""
    reduction = reduction_of("multilabel_soft_margin_loss", size_average, reduce, reduction)
    expect_tensors("multilabel_soft_margin_loss", input=input)
    if isinstance(target, Tensor):  # it may be a number for all
        warn_of_broadcasting("multilabel_soft_margin_loss", input, target)
    losses = -(target * candle.logsigmoid(input) + (1 - target) * candle.logsigmoid(-input))
    losses = losses if weight is None else losses * weight
    return reduced("multilabel_soft_margin_loss", losses.sum(-1) / input.shape[-1], reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(input1, input2) where the target is 1, max(0, cos - margin) where it is -1.

    Shapes: (N, D), (N, D), (N), or the same without N.
    """
    name = "cosine_embedding_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)
    expect_tensors(name, input1=input1, input2=input2, target=target)
    if target.ndim not in (0, 1) or not input1.ndim == input2.ndim == target.ndim + 1:
        raise RuntimeError(
            f"{name}: expected inputs (N, D) and a target (N), or (D) and (), got shapes {tuple(input1.shape)}, "
            f"{tuple(input2.shape)} and {tuple(target.shape)}"
        )
    input1, input2 = in_float32(input1, input2)
    tiny = 1e-12  # PyTorch's, under the root: not that of cosine_similarity
    squares = ((input1 * input1).sum(-1) + tiny) * ((input2 * input2).sum(-1) + tiny)
    cosine = (input1 * input2).sum(-1) / squares.sqrt()
    warn_of_broadcasting(name, cosine, target)
    alike = (1 - cosine).masked_fill(target != 1, 0)
    return reduced(name, alike + (cosine - margin).clamp_min(0).masked_fill(target != -1, 0), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + d(anchor, positive) - d(anchor, negative)), d the p-norm of the difference + eps.

    With `swap`, the negative's distance is that to the nearer of anchor and positive (Balntas et al. 2016).
    """
    reduction = reduction_of("triplet_margin_loss", size_average, reduce, reduction)

    def distance(x1: Tensor, x2: Tensor) -> Tensor:
        return pairwise_distance(x1, x2, p, eps)

    expect_tensors("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)
    anchor, positive, negative = in_float32(anchor, positive, negative)
    return _triplet("triplet_margin_loss", anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """triplet_margin_loss with a distance of one's own."""
    distance = distance_function or pairwise_distance
    return _triplet("triplet_margin_with_distance_loss", anchor, positive, negative, distance, margin, swap, reduction)


def _triplet(
    name: str,
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    if margin <= 0:
        raise ValueError(f"{name}: margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"{name}: anchor, positive and negative must have as many dims, got shapes {tuple(anchor.shape)}, "
            f"{tuple(positive.shape)} and {tuple(negative.shape)}"
        )
    apart = distance(anchor, negative)
    if swap:
        apart = candle.minimum(apart, distance(positive, negative))
    return reduced(name, (margin + distance(anchor, positive) - apart).clamp_min(0), reduction)


def _classes(name: str, input: Tensor) -> int:
    if input.ndim > 2 or 0 in input.shape[-1:]:
        raise RuntimeError(f"{name}: expected an input of shape (N, C) or (C), got {tuple(input.shape)}")
    return input.shape[-1] if input.ndim else 1


def _refuse_outside(name: str, target: Tensor, first: int, classes: int) -> None:
    inside = ((target >= first) & (target < classes)).current()
    refuse_others(target, inside, f"{name}: target", f"is out of bounds for {classes} classes")
