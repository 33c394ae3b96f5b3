"""Adadelta: steps in the unit of the parameters."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle._apply import mutate
from candle.op import MutatingOp
from candle.optim._checks import check_at_least_zero
from candle.optim._rules import Arrays, running_squares, uphill
from candle.optim._state import scalar
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["Adadelta"]


class Step(MutatingOp):
    """v = rho v + (1 - rho) g^2;  s = g sqrt(u + eps) / sqrt(v + eps);  u = rho u + (1 - rho) s^2;  p -= lr s"""

    name, mutates = "adadelta", ("params", "squares", "deltas")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        squares: Arrays,
        deltas: Arrays,
        lr: float,
        *,
        rho: float,
        eps: float,
        weight_decay: float,
        maximize: bool,
    ) -> Any:
        grads = uphill(params, grads, weight_decay, maximize)
        squares = running_squares(squares, grads, rho)
        steps = [xp.sqrt(u + eps) / xp.sqrt(v + eps) * g for g, u, v in zip(grads, deltas, squares, strict=True)]
        deltas = running_squares(deltas, steps, rho)
        return [p - s * lr for p, s in zip(params, steps, strict=True)], squares, deltas


class Adadelta(GroupOptimizer):
    """s = g sqrt(u + eps) / sqrt(v + eps), then p -= lr s: v and u are running means of g^2 and s^2 (Zeiler 2012)."""

    scalars = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_at_least_zero(eps=eps, weight_decay=weight_decay)
        super().__init__(
            params,
            {
                **{"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize},
                **{"capturable": capturable, "foreach": foreach, "differentiable": differentiable},
            },
        )

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        return {"step": scalar(0), "square_avg": candle.zeros_like(p), "acc_delta": candle.zeros_like(p)}

    def update(self, group: dict[str, Any]) -> None:
        for _, _, lists in self.batches(group, "square_avg", "acc_delta"):
            mutate(
                Step,
                *(*lists, float(group["lr"])),
                rho=float(group["rho"]),
                eps=float(group["eps"]),
                weight_decay=float(group["weight_decay"]),
                maximize=bool(group["maximize"]),
            )
