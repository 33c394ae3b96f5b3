"""Steps of optimizers, and clipping before them: ops that write into lists of tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from candle import _dtypes
from candle._apply import mutate
from candle._tensor import Tensor
from candle.op import MutatingOp

__all__ = ["adamw_"]


class AdamW(MutatingOp):
    """p -= lr (wd p + m^ / (sqrt(v^) + eps)), m and v the running means of g and g^2 (Loshchilov and Hutter 2019)"""

    name, mutates = "adamw", ("params", "means", "squares")

    def forward(xp, params, grads, means, squares, step, lr, *, beta1, beta2, eps, weight_decay):
        new_means = [m * beta1 + g * (1 - beta1) for m, g in zip(means, grads, strict=True)]
        new_squares = [v * beta2 + g * g * (1 - beta2) for v, g in zip(squares, grads, strict=True)]
        size, root = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
        new_params = [
            p * (1 - lr * weight_decay) - size * (m / (xp.sqrt(v) / root + eps))
            for p, m, v in zip(params, new_means, new_squares, strict=True)
        ]
        return new_params, new_means, new_squares


def adamw_(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    means: Sequence[Tensor],
    squares: Sequence[Tensor],
    step: int,
    lr: float = 1e-3,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
) -> None:
    """One step of AdamW, in place, over all parameters; `step` counts from 1."""
    lists = [list(params), list(grads), list(means), list(squares)]
    mutate(AdamW, *lists, step, lr, beta1=betas[0], beta2=betas[1], eps=eps, weight_decay=weight_decay)


class ClipNorm(MutatingOp):
    """g *= min(1, max_norm / (total + 1e-6)), total the norm of all g as one vector"""

    name, mutates = "clip_norm", ("total", "grads")

    def forward(xp, total, grads, max_norm, *, norm_type):
        wide, real = total[0].dtype, [xp.abs(g) for g in grads if 0 not in g.shape]
        real = [x if x.dtype == wide else xp.astype(x, wide) for x in real]
        if norm_type == math.inf:
            norm = xp.max(xp.stack([xp.max(x) for x in real]))
        elif norm_type == 2.0:
            norm = xp.sqrt(xp.sum(xp.stack([xp.sum(x * x) for x in real])))
        else:
            norm = xp.sum(xp.stack([xp.sum(x**norm_type) for x in real])) ** (1 / norm_type)
        scale = xp.minimum(max_norm / (norm + 1e-6), xp.ones((), dtype=norm.dtype))
        return [norm], [g * xp.astype(scale, g.dtype) for g in grads]


def clip_norm_(grads: Sequence[Tensor], max_norm: float, norm_type: float = 2.0) -> Tensor:
    """Scale gradients, in place and all by one factor, so that their norm is at most max_norm; returns what it was.

    The norm is that of all of them as one vector, found in float32 at least.
    """
    from candle.ops.creation import zeros

    norm_type = float(norm_type)
    if not norm_type > 0:
        raise NotImplementedError(f"clip_norm_: norm_type={norm_type} is not supported; it must be above zero")
    if len(devices := {g.device for g in grads}) > 1:
        raise RuntimeError(f"clip_norm_: the gradients are on {', '.join(map(str, devices))}; clip each device's alone")
    wide = any(g.dtype.to_real() is _dtypes.float64 for g in grads)
    total = zeros((), dtype=_dtypes.float64 if wide else _dtypes.float32, device=grads[0].device if grads else None)
    if any(g.numel() for g in grads):
        mutate(ClipNorm, [total], list(grads), float(max_norm), norm_type=norm_type)
    return total
