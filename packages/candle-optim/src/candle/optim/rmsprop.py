"""RMSprop: each step divided by the root of the gradient's mean square."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle._apply import mutate
from candle.op import MutatingOp
from candle.optim._checks import check_at_least_zero
from candle.optim._rules import Arrays, running, running_squares, uphill
from candle.optim._state import scalar
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["RMSprop"]


class Step(MutatingOp):
    """v = alpha v + (1 - alpha) g^2;  s = g / (sqrt(v - m^2) + eps);  b = momentum b + s;  p -= lr b

    m, the mean of g, is there if means are; b is s where there are no buffers.
    """

    name, mutates = "rmsprop", ("params", "squares", "means", "buffers")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        squares: Arrays,
        means: Arrays,
        buffers: Arrays,
        lr: float,
        momentum: float,
        *,
        alpha: float,
        eps: float,
        weight_decay: float,
        maximize: bool,
    ) -> Any:
        grads = uphill(params, grads, weight_decay, maximize)
        variances = squares = running_squares(squares, grads, alpha)
        if means:
            means = running(means, grads, alpha)
            variances = [v - m * m for v, m in zip(squares, means, strict=True)]
        steps = [g / (xp.sqrt(v) + eps) for g, v in zip(grads, variances, strict=True)]
        if buffers:
            steps = buffers = [b * momentum + s for b, s in zip(buffers, steps, strict=True)]
        return [p - s * lr for p, s in zip(params, steps, strict=True)], squares, means, buffers


class RMSprop(GroupOptimizer):
    """v = alpha v + (1 - alpha) g^2, then p -= lr g / (sqrt(v) + eps) (Hinton 2012).

    With `centered` the variance v - m^2 takes the place of v (m the running mean of g; Graves 2013); with
    `momentum` the steps are summed as SGD's are.
    """

    scalars = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(
            params,
            {
                **{"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered},
                **{"weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize},
                "differentiable": differentiable,
            },
        )

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        names = ["square_avg", *["momentum_buffer"] * (group["momentum"] > 0), *["grad_avg"] * group["centered"]]
        return {"step": scalar(0), **{name: candle.zeros_like(p) for name in names}}

    def update(self, group: dict[str, Any]) -> None:
        with_means, with_buffers = bool(group["centered"]), group["momentum"] > 0
        names = ["square_avg", *["grad_avg"] * with_means, *["momentum_buffer"] * with_buffers]
        for _, _, (params, grads, squares, *others) in self.batches(group, *names):
            means = others.pop(0) if with_means else []
            buffers = others.pop(0) if with_buffers else []
            mutate(
                Step,
                *(params, grads, squares, means, buffers, float(group["lr"]), float(group["momentum"])),
                alpha=float(group["alpha"]),
                eps=float(group["eps"]),
                weight_decay=float(group["weight_decay"]),
                maximize=bool(group["maximize"]),
            )
