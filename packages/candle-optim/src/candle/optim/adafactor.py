"""Adafactor: Adam's second moment from the sums of its rows and columns."""

from __future__ import annotations

import math
from typing import Any

import candle
from candle import Tensor
from candle.optim._checks import check_lr
from candle.optim._state import scalar, times_plus
from candle.optim.optimizer import GroupOptimizer, ParamsT

__all__ = ["Adafactor"]

EPSILON = {"float16": 2**-10, "bfloat16": 2**-7, "float32": 2**-23, "float64": 2**-52}  # between 1 and the next number


class Adafactor(GroupOptimizer):
    """p -= size g / sqrt(v) with the second moment v = row col / mean(row) of a matrix, kept as two vectors.

    size = min(lr, 1 / sqrt(t)) max(eps[1], RMS(p)) / max(1, RMS(g / sqrt(v)) / d); the running means of g^2 take in
    t^beta2_decay of each new one. The last two dims are rows and columns; vectors keep all of v. In Shazeer and
    Stern 2018 it is algorithm 4, without momentum.
    """

    scalars = ("step",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_lr(lr)
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(
            params,
            {
                **{"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay},
                **{"foreach": foreach, "maximize": maximize},
            },
        )

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        if p.ndim < 2:
            return {"step": scalar(0), "variance": candle.zeros_like(p)}
        row, column = p.detach()[..., :1], p.detach()[..., :1, :]
        return {"step": scalar(0), "row_var": candle.zeros_like(row), "col_var": candle.zeros_like(column)}

    def update(self, group: dict[str, Any]) -> None:
        for p in group["params"]:
            if p.grad is not None:
                if p.dtype.is_complex:
                    raise RuntimeError("Adafactor does not support complex parameters")
                self._change(p, -p.grad if group["maximize"] else p.grad, self.state_of(group, p), group)

    def _change(self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        (eps1, eps2), lr = group["eps"], float(group["lr"])
        eps1 = EPSILON[p.dtype.name] if eps1 is None else eps1
        step = times_plus(state["step"], add=1)
        size = max(eps2, _rms(p)) * min(lr, 1 / math.sqrt(step))
        if group["weight_decay"]:
            p.mul_(1 - lr * group["weight_decay"])
        direction = grad * _variance(grad, state, step ** group["beta2_decay"], eps1).clamp(min=eps1 * eps1).rsqrt()
        p.add_(direction, alpha=-size / max(1.0, _rms(direction) / group["d"]))


def _rms(x: Tensor) -> float:
    """The root of the mean square."""
    return float(x.detach().norm().item()) / math.sqrt(max(x.numel(), 1))


def _variance(grad: Tensor, state: dict[str, Any], weight: float, eps: float) -> Tensor:
    """The running mean of g^2, of which a matrix keeps the means over rows and over columns."""
    if grad.ndim < 2:
        return state["variance"].lerp_(grad * grad, weight)  # type: ignore[no-any-return]
    square = grad * grad
    row = state["row_var"].lerp_(square.mean(-1, keepdim=True), weight)
    column = state["col_var"].lerp_(square.mean(-2, keepdim=True), weight)
    return row @ column / row.mean(-2, keepdim=True).clamp(min=eps)  # type: ignore[no-any-return]
