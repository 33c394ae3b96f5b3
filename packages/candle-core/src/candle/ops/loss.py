"""Losses."""

from __future__ import annotations

import math
import warnings
from typing import Any

from candle._apply import apply
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import broadcast_shapes, expect_tensor
from candle.ops.indexing import refuse_others

__all__ = ["cross_entropy", "mse_loss", "nll_loss"]


class CrossEntropy(Op):
    """-log softmax(logits)[target]: rows, sum or mean;  dlogits = grad * (softmax(logits) - onehot(target))"""

    name, promotes, floats, autocast = "cross_entropy", "logits", True, "float32"
    reads = {"logits": "logits target"}

    def forward(xp, logits, target, *, ignore_index, reduction):
        """(N, C, ...), (N, ...) -> (N, ...), zero where the target is to be ignored; () of the "sum" or "mean"."""
        ignored = xp.equal(target, ignore_index)
        shifted = logits - xp.max(logits, axis=1, keepdims=True)
        chosen = xp.take_along_axis(shifted, _column(xp, target, ignored), axis=1)
        loss = xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True)) - chosen
        losses = xp.where(ignored, xp.zeros((), dtype=logits.dtype), xp.reshape(loss, target.shape))
        if reduction == "none":
            return losses
        return xp.sum(losses) if reduction == "sum" else xp.sum(losses) / _others(xp, ignored, losses.dtype)

    def vjp(xp, needs, grad, out, logits, target, *, ignore_index, reduction):
        ignored = xp.equal(target, ignore_index)
        if reduction == "mean":
            grad = grad / _others(xp, ignored, grad.dtype)
        classes = xp.reshape(xp.arange(logits.shape[1], dtype=target.dtype), (-1, *(1,) * (logits.ndim - 2)))
        onehot = xp.equal(classes, _column(xp, target, ignored))
        p = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
        p = p / xp.sum(p, axis=1, keepdims=True)
        scale = xp.where(ignored, xp.zeros((), dtype=grad.dtype), grad)
        return xp.where(onehot, p - 1, p) * xp.reshape(scale, _one_class(target)), None


def _others(xp: Any, ignored: Any, dtype: Any) -> Any:
    """How many targets are not to be ignored."""
    return xp.sum(xp.astype(xp.logical_not(ignored), dtype))


def _column(xp: Any, target: Any, ignored: Any) -> Any:
    """Targets in a dim of the classes, with a harmless one in place of those to be ignored."""
    return xp.reshape(xp.where(ignored, xp.zeros((), dtype=target.dtype), target), _one_class(target))


def _one_class(target: Any) -> tuple[int, ...]:
    return (target.shape[0], 1, *target.shape[1:])


# What users call


def reduced(losses: Tensor, reduction: str, count: Any = None) -> Tensor:
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.mean() if count is None else losses.sum() / count
    raise ValueError(f"{reduction!r} is not a reduction: expected 'none', 'mean' or 'sum'")


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The negative log-likelihood of target classes (or of class probabilities) under softmax(input).

    Shapes: input (C) or (N, C, ...), target () or (N, ...) of class indices, or input's shape of probabilities.

    >>> import candle
    >>> candle.cross_entropy(candle.zeros(2, 4), candle.tensor([0, 3]))
    tensor(1.3863)
    """
    _check_options("cross_entropy", input, target, size_average, reduce, reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"cross_entropy: label_smoothing must lie between 0 and 1, got {label_smoothing}")
    classes, c = _classes("cross_entropy", input, weight)
    if target.dtype.is_floating_point:
        return _with_probabilities(input, target, weight, classes, reduction, label_smoothing)
    if weight is None and not label_smoothing:
        shape = _target_shape("cross_entropy", input, target)
        indices = _class_indices("cross_entropy", target, c, ignore_index)
        if len(shape) > 1:
            indices = indices.reshape(shape)
        rows = input if input.ndim > 1 else input.reshape(1, c)
        losses: Tensor = apply(CrossEntropy, rows, indices, ignore_index=ignore_index, reduction=reduction)
        return losses.reshape(()) if reduction == "none" and not shape else losses
    target = _of_one(input, target)
    logp = input.log_softmax(classes)
    main = nll_loss(logp, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return main
    # the rest of the probability, spread over all classes
    each = _rows(logp, classes) if weight is None else _rows(logp, classes) * weight
    ignored = target.reshape(-1) == ignore_index
    smooth = (-each.sum(1)).masked_fill(ignored, 0).reshape(target.shape)
    if reduction == "mean":
        smooth = smooth.sum() / (~ignored if weight is None else _weights(weight, target, ignore_index)).sum()
    else:
        smooth = reduced(smooth, reduction)
    return (1 - label_smoothing) * main + (label_smoothing / c) * smooth


def _with_probabilities(
    input: Tensor, target: Tensor, weight: Any, classes: int, reduction: str, smoothing: float
) -> Tensor:
    if input.shape != target.shape:
        given = tuple(input.shape)
        raise _misfit(input, target)(
            f"cross_entropy: probabilities must have the input's shape {given}, got {tuple(target.shape)}"
        )
    c = input.shape[classes]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / c
    logp = input.log_softmax(classes)
    if weight is not None:
        logp = logp * weight.reshape([c if d == classes else 1 for d in range(input.ndim)])
    losses = -(logp * target).sum(classes)
    return reduced(losses, reduction, max(input.numel() // c, 1) if c and input.numel() else None)


def _check_options(name: str, input: Any, target: Any, size_average: Any, reduce: Any, reduction: str) -> None:
    expect_tensor(name, input, "input")
    expect_tensor(name, target, "target")
    if size_average is not None or reduce is not None:
        raise NotImplementedError(f"{name}: size_average and reduce are not supported; use reduction={reduction!r}")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{name}: {reduction!r} is not a reduction: expected 'none', 'mean' or 'sum'")


def _classes(name: str, input: Tensor, weight: Tensor | None) -> tuple[int, int]:
    """The dim of the classes, and how many there are."""
    if not input.ndim:
        raise RuntimeError(f"{name}: the input needs a dim of classes, got a 0-d tensor")
    dim = 0 if input.ndim == 1 else 1
    c = input.shape[dim]
    if weight is not None and tuple(weight.shape) != (c,):
        raise RuntimeError(f"{name}: weight must have one entry per class, shape ({c},), got {tuple(weight.shape)}")
    return dim, c


def _of_one(input: Tensor, target: Tensor) -> Tensor:
    """An input (C) may come with a target (1)."""
    return target.reshape(()) if input.ndim == 1 and target.shape == (1,) else target


def _rows(input: Tensor, classes: int) -> Tensor:
    """(N, C, d1, ...) as (N d1 ..., C)."""
    if input.ndim == 2:
        return input
    c = input.shape[classes]
    return input.movedim(classes, -1).reshape(input.numel() // c if c else 0, c)


def _target_shape(name: str, input: Tensor, target: Tensor) -> tuple[int, ...]:
    given = tuple(input.shape)
    shape = (*given[:1], *given[2:]) if len(given) > 1 else ()
    if _of_one(input, target).shape != shape:
        raise _misfit(input, target)(
            f"{name}: an input of shape {given} needs a target of shape {shape}, got {tuple(target.shape)}"
        )
    return shape


def _misfit(input: Tensor, target: Tensor) -> type[Exception]:
    """As in PyTorch, batches of different size are another error than other sizes that differ."""
    return ValueError if input.shape[:1] != target.shape[:1] else RuntimeError


def _class_indices(name: str, target: Tensor, classes: int, ignore_index: int) -> Tensor:
    if target.dtype.category != 1:
        raise RuntimeError(f"{name}: expected integer class indices, got {target.dtype}")
    flat = target if target.ndim == 1 else target.reshape(-1)
    if flat.numel():
        xp, values = flat._backend.xp, flat.current()
        good = xp.logical_and(xp.greater_equal(values, 0), xp.less(values, classes))
        good = xp.logical_or(good, xp.equal(values, ignore_index))
        refuse_others(flat, good, f"{name}: target", f"is out of bounds for {classes} classes")
    return flat.long()


def _weights(weight: Tensor, target: Tensor, ignore_index: int) -> Tensor:
    flat = target.reshape(-1)
    ignored = flat == ignore_index
    return weight[flat.masked_fill(ignored, 0)].masked_fill(ignored, 0)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the log-probability of the target classes: input (N, C, ...), target (N, ...)."""
    _check_options("nll_loss", input, target, size_average, reduce, reduction)
    classes, c = _classes("nll_loss", input, weight)
    shape = _target_shape("nll_loss", input, target)
    flat = _class_indices("nll_loss", target, c, ignore_index)
    ignored = flat == ignore_index
    kept = flat.masked_fill(ignored, 0).reshape(shape).unsqueeze(classes)
    losses = -input.gather(classes, kept).squeeze(classes)
    if weight is not None:
        weights = _weights(weight, flat, ignore_index)
        losses = losses * weights.reshape(shape)
    losses = losses.masked_fill(ignored.reshape(shape), 0)
    count = (~ignored if weight is None else weights).sum() if reduction == "mean" else None
    return reduced(losses, reduction, count)


def warn_of_broadcasting(name: str, input: Tensor, target: Tensor) -> None:
    """A prediction (N, 1) and a target (N) would be compared each with every other: hardly ever meant."""
    expect_tensor(name, input, "input")
    expect_tensor(name, target, "target")
    if input.shape != target.shape:
        broadcast_shapes(name, input.shape, target.shape)
        warnings.warn(
            f"{name}: input {tuple(input.shape)} and target {tuple(target.shape)} differ in shape and broadcast, "
            f"which compares every one with every other; is that meant?",
            stacklevel=3,
        )


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The mean of (input - target)^2."""
    _check_options("mse_loss", input, target, size_average, reduce, reduction)
    warn_of_broadcasting("mse_loss", input, target)
    losses = (input - target).square()
    if weight is not None:
        losses = losses * weight
        return reduced(losses, reduction, weight.broadcast_to(losses.shape).sum() if reduction == "mean" else None)
    return reduced(losses, reduction, None if losses.numel() else math.nan)
