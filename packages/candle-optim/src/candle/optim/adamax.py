"""Adamax: Adam with the largest gradient in place of the mean square."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle._apply import mutate
from candle.op import MutatingOp
from candle.optim._checks import check_at_least_zero, check_betas
from candle.optim._rules import Arrays, running, uphill
from candle.optim._state import scalar
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["Adamax"]


class Step(MutatingOp):
    """m = beta1 m + (1 - beta1) g;  u = max(beta2 u, |g| + eps);  p -= size m / u"""

    name, mutates = "adamax", ("params", "means", "largest")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        means: Arrays,
        largest: Arrays,
        size: float,
        *,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        maximize: bool,
    ) -> Any:
        grads = uphill(params, grads, weight_decay, maximize)
        means = running(means, grads, beta1)
        largest = [xp.maximum(u * beta2, xp.abs(g) + eps) for u, g in zip(largest, grads, strict=True)]
        params = [p - m / u * size for p, m, u in zip(params, means, largest, strict=True)]
        return params, means, largest


class Adamax(GroupOptimizer):
    """u = max(beta2 u, |g| + eps), then p -= lr m^ / u, with Adam's m^ (Kingma and Ba 2015, section 7)."""

    scalars = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, eps=eps)
        check_betas(betas)
        check_at_least_zero(weight_decay=weight_decay)
        super().__init__(
            params,
            {
                **{"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach},
                **{"maximize": maximize, "differentiable": differentiable, "capturable": capturable},
            },
        )

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        return {"step": scalar(0), "exp_avg": candle.zeros_like(p), "exp_inf": candle.zeros_like(p)}

    def update(self, group: dict[str, Any]) -> None:
        beta1, beta2 = map(float, group["betas"])
        for (step,), _, lists in self.batches(group, "exp_avg", "exp_inf"):
            mutate(
                Step,
                *(*lists, float(group["lr"]) / (1 - beta1**step)),
                beta1=beta1,
                beta2=beta2,
                eps=float(group["eps"]),
                weight_decay=float(group["weight_decay"]),
                maximize=bool(group["maximize"]),
            )
