"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle._apply import mutate
from candle.op import MutatingOp
from candle.optim._checks import check_at_least_zero
from candle.optim._rules import Arrays, uphill
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["SGD"]


class Step(MutatingOp):
    """b = momentum b + (1 - dampening) g;  p -= lr b (nesterov: lr (g + momentum b); without buffers: lr g)"""

    name, mutates = "sgd", ("params", "buffers")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        buffers: Arrays,
        lr: float,
        momentum: float,
        *,
        dampening: float,
        weight_decay: float,
        nesterov: bool,
        maximize: bool,
        first: bool,
    ) -> Any:
        steps = grads = uphill(params, grads, weight_decay, maximize)
        if buffers and first:
            buffers = grads  # what was in them counts for nothing
        elif buffers:
            buffers = [b * momentum + g * (1 - dampening) for b, g in zip(buffers, grads, strict=True)]
        if buffers:
            steps = [g + b * momentum for g, b in zip(grads, buffers, strict=True)] if nesterov else buffers
        return [p - s * lr for p, s in zip(params, steps, strict=True)], buffers


class SGD(GroupOptimizer):
    """b = momentum b + (1 - dampening) g, then p -= lr b; with nesterov, p -= lr (g + momentum b).

    g is the gradient plus weight_decay p. The first step starts with b = g. Sutskever et al. 2013, in the form
    that leaves lr out of b.

    >>> import candle
    >>> w = candle.tensor([1.0], requires_grad=True)
    >>> optimizer = candle.optim.SGD([w], lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w
    tensor([0.4600], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_at_least_zero(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                **{"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay},
                **{"nesterov": nesterov, "maximize": maximize, "foreach": foreach, "differentiable": differentiable},
                "fused": fused,
            },
        )

    def update(self, group: dict[str, Any]) -> None:
        if group["momentum"] == 0:
            for _, _, (params, grads) in self.batches(group):
                self._go(group, params, grads, [], first=False)
            return
        trained = [p for p in group["params"] if p.grad is not None]
        fresh = [p for p in trained if self.state[p].get("momentum_buffer") is None]
        for p in fresh:
            self.state[p]["momentum_buffer"] = candle.zeros_like(p)
        new = {id(p) for p in fresh}
        old = [p for p in trained if id(p) not in new]
        for some in (fresh, old):
            for _, _, (params, grads, buffers) in self.batches({"params": some}, "momentum_buffer"):
                self._go(group, params, grads, buffers, first=some is fresh)

    def _go(self, group: dict[str, Any], params: Any, grads: Any, buffers: Any, first: bool) -> None:
        mutate(
            Step,
            *(params, grads, buffers, float(group["lr"]), float(group["momentum"])),
            dampening=float(group["dampening"]),
            weight_decay=float(group["weight_decay"]),
            nesterov=bool(group["nesterov"]),
            maximize=bool(group["maximize"]),
            first=first,
        )
