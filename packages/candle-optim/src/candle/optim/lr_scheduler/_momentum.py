"""What cyclic schedules share: momentum goes down while the rate goes up."""

from __future__ import annotations

from typing import Any

from candle.optim.lr_scheduler._base import one_for_each
from candle.optim.optimizer import Optimizer


def start_momentum(optimizer: Optimizer, base: Any, largest: Any, fresh: bool) -> tuple[bool, list[Any], list[Any]]:
    """Whether it is Adam's beta1, and the lowest and largest of every group; a fresh start begins with the largest."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
    is_beta = "betas" in optimizer.defaults
    lows = one_for_each("base_momentum", optimizer, base)
    highs = one_for_each("max_momentum", optimizer, largest)
    if fresh:
        for low, high, group in zip(lows, highs, optimizer.param_groups, strict=True):
            put_momentum(group, high, is_beta)
            group.update(max_momentum=high, base_momentum=low)
    return is_beta, lows, highs


def put_momentum(group: dict[str, Any], momentum: Any, is_beta: bool) -> None:
    if is_beta:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum
