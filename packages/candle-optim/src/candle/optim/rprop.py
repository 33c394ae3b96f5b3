"""Rprop: steps by the sign of the gradient, of sizes that grow while it stays the same."""

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

__all__ = ["Rprop"]


class Step(MutatingOp):
    """s *= etaplus where g has its former sign, etaminus where another (there g = 0);  p -= s sign(g)"""

    name, mutates = "rprop", ("params", "formers", "sizes")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        formers: Arrays,
        sizes: Arrays,
        *,
        etaminus: float,
        etaplus: float,
        smallest: float,
        largest: float,
        maximize: bool,
    ) -> Any:
        grads = uphill(params, grads, 0.0, maximize)
        signs = [xp.sign(g * former) for g, former in zip(grads, formers, strict=True)]
        turned = [xp.less(sign, 0) for sign in signs]
        new_sizes = []
        for size, sign, turn in zip(sizes, signs, turned, strict=True):
            size = xp.where(xp.greater(sign, 0), size * etaplus, xp.where(turn, size * etaminus, size))
            low, high = (xp.asarray(x, dtype=size.dtype) for x in (smallest, largest))
            new_sizes.append(xp.minimum(xp.maximum(size, low), high))
        grads = [xp.where(turn, xp.zeros((), dtype=g.dtype), g) for turn, g in zip(turned, grads, strict=True)]
        params = [p - xp.sign(g) * size for p, g, size in zip(params, grads, new_sizes, strict=True)]
        return params, grads, new_sizes


class Rprop(GroupOptimizer):
    """p -= s sign(g): each number's s grows by etas[1] while its g keeps its sign, and shrinks by etas[0] otherwise.

    Where the sign changed, p stays for this step (Riedmiller and Braun 1993). For full batches: the size of g
    does not matter.
    """

    scalars = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            {
                **{"lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize},
                **{"differentiable": differentiable, "capturable": capturable},
            },
        )

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        lr = float(group["lr"])
        size = candle.full_like(p, complex(lr, lr) if p.dtype.is_complex else lr)
        return {"step": scalar(0), "prev": candle.zeros_like(p), "step_size": size}

    def update(self, group: dict[str, Any]) -> None:
        (etaminus, etaplus), (smallest, largest) = group["etas"], group["step_sizes"]
        for _, _, lists in self.batches(group, "prev", "step_size"):
            mutate(
                Step,
                *lists,
                etaminus=float(etaminus),
                etaplus=float(etaplus),
                smallest=float(smallest),
                largest=float(largest),
                maximize=bool(group["maximize"]),
            )
