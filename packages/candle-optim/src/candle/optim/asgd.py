"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle._apply import mutate
from candle.op import MutatingOp
from candle.optim._checks import check_at_least_zero
from candle.optim._rules import Arrays, uphill
from candle.optim._state import scalar, times_plus
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["ASGD"]


class Step(MutatingOp):
    """p = (1 - lambd eta) p - eta g;  a += mu (p - a)"""

    name, mutates = "asgd", ("params", "averages")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        averages: Arrays,
        eta: float,
        mu: float,
        *,
        lambd: float,
        weight_decay: float,
        maximize: bool,
    ) -> Any:
        grads = uphill(params, grads, weight_decay, maximize)
        params = [p * (1 - lambd * eta) - g * eta for p, g in zip(params, grads, strict=True)]
        averages = [a + (p - a) * mu for a, p in zip(averages, params, strict=True)]
        return params, averages


class ASGD(GroupOptimizer):
    """p = (1 - lambd eta) p - eta g with eta = lr / (1 + lambd lr t)^alpha (Polyak and Juditsky 1992).

    The state's `ax` is the mean of p since step t0.
    """

    scalars = ("step", "eta", "mu")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, weight_decay=weight_decay)
        super().__init__(
            params,
            {
                **{"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay},
                **{"foreach": foreach, "maximize": maximize, "differentiable": differentiable},
                "capturable": capturable,
            },
        )

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        return {"step": scalar(0), "eta": scalar(group["lr"]), "mu": scalar(1), "ax": candle.zeros_like(p)}

    def update(self, group: dict[str, Any]) -> None:
        lr, lambd = float(group["lr"]), float(group["lambd"])
        for (step, eta, mu), states, lists in self.batches(group, "ax"):
            mutate(
                Step,
                *(*lists, eta, mu),
                lambd=lambd,
                weight_decay=float(group["weight_decay"]),
                maximize=bool(group["maximize"]),
            )
            for state in states:
                times_plus(state["eta"], 0, lr / (1 + lambd * lr * step) ** group["alpha"])
                times_plus(state["mu"], 0, 1 / max(1, step - group["t0"]))
