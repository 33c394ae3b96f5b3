"""Adagrad: each step divided by the root of all squared gradients so far."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle._apply import mutate
from candle.op import MutatingOp
from candle.optim._checks import check_at_least_zero
from candle.optim._rules import Arrays, uphill
from candle.optim._state import scalar
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["Adagrad"]


class Step(MutatingOp):
    """s += g^2;  p -= lr g / (sqrt(s) + eps)"""

    name, mutates = "adagrad", ("params", "sums")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        sums: Arrays,
        lr: float,
        *,
        eps: float,
        weight_decay: float,
        maximize: bool,
    ) -> Any:
        grads = uphill(params, grads, weight_decay, maximize)
        sums = [s + g * g for s, g in zip(sums, grads, strict=True)]
        steps = [g / (xp.sqrt(s) + eps) for g, s in zip(grads, sums, strict=True)]
        return [p - s * lr for p, s in zip(params, steps, strict=True)], sums


class Adagrad(GroupOptimizer):
    """s += g^2, then p -= lr_t g / (sqrt(s) + eps) with lr_t = lr / (1 + (t - 1) lr_decay) (Duchi et al. 2011)."""

    scalars = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_at_least_zero(
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        super().__init__(
            params,
            {
                **{"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay},
                **{"initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize},
                **{"differentiable": differentiable, "fused": fused},
            },
        )
        for group in self.param_groups:
            for p in group["params"]:
                self.state_of(group, p)

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        start = self.defaults["initial_accumulator_value"]
        start = complex(start, start) if p.dtype.is_complex else start  # the parts count as two numbers
        return {"step": scalar(0), "sum": candle.full_like(p, start)}

    def update(self, group: dict[str, Any]) -> None:
        for (step,), _, lists in self.batches(group, "sum"):
            mutate(
                Step,
                *(*lists, float(group["lr"]) / (1 + (step - 1) * group["lr_decay"])),
                eps=float(group["eps"]),
                weight_decay=float(group["weight_decay"]),
                maximize=bool(group["maximize"]),
            )
