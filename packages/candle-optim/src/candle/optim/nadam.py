"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle._apply import mutate
from candle.op import MutatingOp
from candle.optim._checks import check_at_least_zero, check_betas
from candle.optim._rules import Arrays, running, running_squares, uphill
from candle.optim._state import scalar, times_plus
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["NAdam"]


class Step(MutatingOp):
    """p = kept p - (grad_size g + mean_size m) / (sqrt(v / rest) + eps), m and v the running means of g and g^2"""

    name, mutates = "nadam", ("params", "means", "squares")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        means: Arrays,
        squares: Arrays,
        grad_size: float,
        mean_size: float,
        rest: float,
        kept: float,
        *,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        maximize: bool,
    ) -> Any:
        # weight decay joins g as it stands, which PyTorch's decoupled form shrinks first
        grads = uphill(params, grads, weight_decay, maximize)
        means, squares = running(means, grads, beta1), running_squares(squares, grads, beta2)
        roots = [xp.sqrt(v / rest) + eps for v in squares]
        params = [
            p * kept - g / root * grad_size - m / root * mean_size
            for p, g, m, root in zip(params, grads, means, roots, strict=True)
        ]
        return params, means, squares


class NAdam(GroupOptimizer):
    """p -= lr (mu_(t+1) m / (1 - mu_1..mu_(t+1)) + (1 - mu_t) g / (1 - mu_1..mu_t)) / (sqrt(v^) + eps) (Dozat 2016).

    mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2); m and v are Adam's. weight_decay p joins g, unless
    `decoupled_weight_decay`.
    """

    scalars = ("step", "mu_product")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, eps=eps)
        check_betas(betas)
        check_at_least_zero(weight_decay=weight_decay, momentum_decay=momentum_decay)
        super().__init__(
            params,
            {
                **{"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay},
                **{"momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay},
                **{"maximize": maximize, "foreach": foreach, "capturable": capturable},
                "differentiable": differentiable,
            },
        )

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        means = {"exp_avg": candle.zeros_like(p), "exp_avg_sq": candle.zeros_like(p)}
        return {"step": scalar(0), "mu_product": scalar(1), **means}

    def update(self, group: dict[str, Any]) -> None:
        lr, decay, (beta1, beta2) = float(group["lr"]), float(group["weight_decay"]), map(float, group["betas"])
        decoupled = bool(group["decoupled_weight_decay"])
        for (step, _), states, lists in self.batches(group, "exp_avg", "exp_avg_sq"):
            mu, after = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
            product, *_ = [times_plus(state["mu_product"], mu) for state in states]
            mutate(
                Step,
                *lists,
                *(lr * (1 - mu) / (1 - product), lr * after / (1 - product * after)),
                *(1 - beta2**step, 1 - lr * decay if decoupled else 1.0),
                beta1=beta1,
                beta2=beta2,
                eps=float(group["eps"]),
                weight_decay=0.0 if decoupled else decay,
                maximize=bool(group["maximize"]),
            )
