"""Lion: steps by the sign of the momentum."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle._apply import mutate
from candle.op import MutatingOp
from candle.optim._checks import check_at_least_zero, check_betas
from candle.optim._rules import Arrays, running, uphill
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["Lion"]


class Step(MutatingOp):
    """p -= lr (wd p + sign(beta1 m + (1 - beta1) g));  m = beta2 m + (1 - beta2) g (Chen et al. 2023)"""

    name, mutates = "lion", ("params", "means")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        means: Arrays,
        lr: float,
        *,
        beta1: float,
        beta2: float,
        weight_decay: float,
        maximize: bool,
    ) -> Any:
        grads = uphill(params, grads, 0.0, maximize)
        signs = [xp.sign(u) for u in running(means, grads, beta1)]
        params = [p * (1 - lr * weight_decay) - sign * lr for p, sign in zip(params, signs, strict=True)]
        return params, running(means, grads, beta2)


class Lion(GroupOptimizer):
    """p -= lr (weight_decay p + sign(beta1 m + (1 - beta1) g)), then m = beta2 m + (1 - beta2) g.

    Algorithm 2 of Chen et al., "Symbolic discovery of optimization algorithms" (2023), which advises a learning
    rate 3 to 10 times smaller than AdamW's and a weight decay larger by as much. PyTorch has no Lion; the names
    are those of its Adam.

    >>> import candle
    >>> w = candle.tensor([1.0, -100.0], requires_grad=True)
    >>> optimizer = candle.optim.Lion([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([  0.7500, -99.7500], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_at_least_zero(lr=lr)
        check_betas(betas)
        check_at_least_zero(weight_decay=weight_decay)
        super().__init__(
            params,
            {
                **{"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize, "foreach": foreach},
                **{"capturable": capturable, "differentiable": differentiable, "fused": fused},
            },
        )

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        return {"exp_avg": candle.zeros_like(p)}

    def update(self, group: dict[str, Any]) -> None:
        beta1, beta2 = map(float, group["betas"])
        for _, _, lists in self.batches(group, "exp_avg"):
            mutate(
                Step,
                *(*lists, float(group["lr"])),
                beta1=beta1,
                beta2=beta2,
                weight_decay=float(group["weight_decay"]),
                maximize=bool(group["maximize"]),
            )
