"""Adam: steps by the gradient's running mean over the root of its running mean square."""

from __future__ import annotations

import math
from typing import Any

import candle
from candle import Tensor
from candle._apply import mutate
from candle.op import MutatingOp
from candle.ops.optimization import AdamW as PlainStep
from candle.optim._checks import check_at_least_zero, check_betas
from candle.optim._rules import Arrays, running, running_squares, uphill
from candle.optim._state import scalar
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["Adam"]


class Step(MutatingOp):
    """p -= lr m^ / (sqrt(v^) + eps), m and v the running means of g and g^2 (Kingma and Ba 2015)

    With `decoupled`, weight decay shrinks p instead of joining g; with maxima, v is the largest so far (AMSGrad).
    """

    name, mutates = "adam", ("params", "means", "squares", "maxima")

    def forward(
        xp: Any,
        params: Arrays,
        grads: Arrays,
        means: Arrays,
        squares: Arrays,
        maxima: Arrays,
        step: int,
        lr: float,
        *,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        decoupled: bool,
        maximize: bool,
    ) -> Any:
        grads = uphill(params, grads, 0.0 if decoupled else weight_decay, maximize)
        means, squares = running(means, grads, beta1), running_squares(squares, grads, beta2)
        if maxima:
            maxima = [xp.maximum(u, v) for u, v in zip(maxima, squares, strict=True)]
        size, root = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
        kept = 1 - lr * weight_decay if decoupled else 1.0
        params = [
            p * kept - size * (m / (xp.sqrt(v) / root + eps))
            for p, m, v in zip(params, means, maxima or squares, strict=True)
        ]
        return params, means, squares, maxima


class Adam(GroupOptimizer):
    """m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, then p -= lr m^ / (sqrt(v^) + eps).

    m^ = m / (1 - beta1^t) and v^ = v / (1 - beta2^t) make up for the start at zero (Kingma and Ba 2015).
    weight_decay p joins g, unless `decoupled_weight_decay` (then it is `AdamW`). With `amsgrad`, v^ is the
    largest so far (Reddi et al. 2018).

    >>> import candle
    >>> w = candle.tensor([1.0, 100.0], requires_grad=True)
    >>> optimizer = candle.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w  # the first step has the size lr, whatever the gradient's
    tensor([ 0.9000, 99.9000], requires_grad=True)
    """

    scalars = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        _check_tensors(lr, betas, bool(foreach))
        check_at_least_zero(lr=lr, eps=eps)
        check_betas(betas)
        check_at_least_zero(weight_decay=weight_decay)
        super().__init__(
            params,
            {
                **{"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad},
                **{"maximize": maximize, "foreach": foreach, "capturable": capturable},
                **{"differentiable": differentiable, "fused": fused},
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        names = ["exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * group["amsgrad"]]
        return {"step": scalar(0), **{name: candle.zeros_like(p) for name in names}}

    def update(self, group: dict[str, Any]) -> None:
        maximize, amsgrad = bool(group["maximize"]), bool(group["amsgrad"])
        decay, decoupled = float(group["weight_decay"]), bool(group["decoupled_weight_decay"])
        beta1, beta2 = map(float, group["betas"])
        options = {"beta1": beta1, "beta2": beta2, "eps": float(group["eps"]), "weight_decay": decay}
        names = ["exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * amsgrad]
        for (step,), _, (params, grads, means, squares, *maxima) in self.batches(group, *names):
            largest = maxima[0] if maxima else []
            lists, numbers = (params, grads, means, squares), (int(step), float(group["lr"]))
            if maximize or amsgrad or (decay and not decoupled):
                mutate(Step, *lists, largest, *numbers, **options, decoupled=decoupled, maximize=maximize)
            else:  # the core's op, for which there are kernels
                mutate(PlainStep, *lists, *numbers, **options)


def _check_tensors(lr: Any, betas: tuple[Any, Any], foreach: bool) -> None:
    """PyTorch's rules for a learning rate and betas that are tensors."""
    if isinstance(lr, Tensor) and foreach:
        raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
    tensors = [isinstance(beta, Tensor) for beta in betas]
    if (any(tensors) and not all(tensors)) or not all(isinstance(beta, Tensor | float) for beta in betas):
        check_betas(betas)
        raise ValueError("betas must be either both floats or both Tensors")
    for i, beta in enumerate(betas):
        if isinstance(beta, Tensor) and foreach:
            raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
        if isinstance(beta, Tensor) and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{i}] must be 1-element")
