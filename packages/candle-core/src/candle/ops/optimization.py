"""Steps of optimizers: ops that write into lists of tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
