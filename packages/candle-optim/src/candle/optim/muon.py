"""Muon: momentum of a matrix, made orthogonal."""

from __future__ import annotations

import math
from typing import Any

import candle
from candle import Tensor
from candle.optim._checks import check_lr
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["Muon"]

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # the steepest quintic at zero


class Muon(GroupOptimizer):
    """b = momentum b + (1 - momentum) g, then p -= lr_p U V^T for b = U S V^T (nearly), p a matrix.

    With `nesterov`, g + momentum (b - g) takes the place of b. lr_p is lr sqrt(max(1, rows / columns)), or, with
    `adjust_lr_fn="match_rms_adamw"`, 0.2 lr sqrt(max(rows, columns)). For the matrices inside a network; train
    embeddings, heads, biases and gains with AdamW (Jordan et al. 2024).

    U V^T is approached in `ns_steps` matrix polynomials, in the parameter's own precision: PyTorch rounds to
    bfloat16 there, so steps agree to about 1% only.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = COEFFICIENTS,
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(
            params,
            {
                **{"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov},
                **{"ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn},
            },
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        for p in param_group["params"]:
            if p.ndim != 2:
                self.param_groups.pop()
                raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}")

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        if p.dtype.is_complex:
            raise RuntimeError("Muon does not support complex parameters")
        return {"momentum_buffer": candle.zeros_like(p)}

    def update(self, group: dict[str, Any]) -> None:
        lr, momentum = group["lr"], float(group["momentum"])
        for p in group["params"]:
            if p.grad is None:
                continue
            buffer = self.state_of(group, p)["momentum_buffer"].lerp_(p.grad, 1 - momentum)
            step = p.grad.lerp(buffer, momentum) if group["nesterov"] else buffer
            step = orthogonal(step, group["ns_coefficients"], group["ns_steps"], group["eps"])
            p.mul_(float(1 - lr * group["weight_decay"]))
            p.add_(step, alpha=-float(lr * _ratio(group["adjust_lr_fn"], *p.shape)))


def orthogonal(x: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """Nearly U V^T for the matrix x = U S V^T: x -> a x + (b x x^T + c (x x^T)^2) x brings S towards one."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    x = x.t() if tall else x  # x x^T is the smaller then
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.t()
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.t() if tall else x


def _ratio(adjust: str | None, rows: int, columns: int) -> float:
    """The learning rate of a matrix, in parts of lr."""
    return 0.2 * math.sqrt(max(rows, columns)) if adjust == "match_rms_adamw" else math.sqrt(max(1, rows / columns))
