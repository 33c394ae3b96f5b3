"""RAdam: Adam that waits until it knows the gradient's variance."""

from __future__ import annotations

import math
from typing import Any

import candle
from candle import Tensor
from candle._apply import mutate
from candle.op import MutatingOp
from candle.optim._checks import check_at_least_zero, check_betas
from candle.optim._rules import Arrays, running, running_squares, uphill
from candle.optim._state import scalar
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["RAdam"]


class Step(MutatingOp):
    """p = kept p - size m / (sqrt(v) + eps), and size m unless `adaptive`; m and v the running means of g and g^2"""

    name, mutates = "radam", ("params", "means", "squares")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        means: Arrays,
        squares: Arrays,
        size: float,
        kept: float,
        *,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        maximize: bool,
        adaptive: bool,
    ) -> Any:
        # decoupled decay shrinks p before anything else, but g does not see it: weight_decay is 0 then
        grads = uphill(params, grads, weight_decay, maximize)
        steps = means = running(means, grads, beta1)
        squares = running_squares(squares, grads, beta2)
        if adaptive:
            steps = [m / (xp.sqrt(v) + eps) for m, v in zip(means, squares, strict=True)]
        return [p * kept - s * size for p, s in zip(params, steps, strict=True)], means, squares


class RAdam(GroupOptimizer):
    """p -= lr r_t m^ / (sqrt(v^) + eps), and p -= lr m^ as long as the variance of v^ is not known (Liu et al. 2020).

    With rho = 2 / (1 - beta2) - 1 and rho_t = rho - 2 t beta2^t / (1 - beta2^t), that is until rho_t > 5; then
    r_t^2 = (rho_t - 4) (rho_t - 2) rho / ((rho - 4) (rho - 2) rho_t).
    """

    scalars = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, eps=eps)
        check_betas(betas)
        check_at_least_zero(weight_decay=weight_decay)
        super().__init__(
            params,
            {
                **{"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize},
                **{"foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay},
                "differentiable": differentiable,
            },
        )

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        return {"step": scalar(0), "exp_avg": candle.zeros_like(p), "exp_avg_sq": candle.zeros_like(p)}

    def update(self, group: dict[str, Any]) -> None:
        lr, decay, (beta1, beta2) = float(group["lr"]), float(group["weight_decay"]), map(float, group["betas"])
        decoupled = bool(group["decoupled_weight_decay"])
        for (step,), _, lists in self.batches(group, "exp_avg", "exp_avg_sq"):
            rest, known = 1 - beta2**step, 2 / (1 - beta2) - 1
            length = known - 2 * step * beta2**step / rest
            size = lr / (1 - beta1**step)
            if length > 5:
                size *= math.sqrt(rest * (length - 4) * (length - 2) * known / ((known - 4) * (known - 2) * length))
            mutate(
                Step,
                *(*lists, size, 1 - lr * decay if decoupled else 1.0),
                beta1=beta1,
                beta2=beta2,
                eps=float(group["eps"]),
                weight_decay=0.0 if decoupled else decay,
                maximize=bool(group["maximize"]),
                adaptive=length > 5,
            )
