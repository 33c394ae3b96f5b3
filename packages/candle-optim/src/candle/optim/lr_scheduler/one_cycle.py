"""One cycle of the rate for the whole training."""

from __future__ import annotations

import math
from typing import Any, Literal

from candle.optim.lr_scheduler._base import LRScheduler, Rate, checked, one_for_each
from candle.optim.lr_scheduler._momentum import put_momentum, start_momentum
from candle.optim.optimizer import Optimizer

__all__ = ["OneCycleLR"]


class OneCycleLR(LRScheduler):
    """From max_lr / div_factor up to max_lr, and down to 1 / final_div_factor of where it began (Smith and Topin 2019).

    The way up takes the part pct_start of the steps; with `three_phase` the way back takes as many, and the rest goes
    down from there. Along a cosine or a line. With `cycle_momentum`, momentum (beta1) goes from max_momentum to
    base_momentum and back. Call `step` after each batch.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 10000.0,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        checked(optimizer)
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        if last_epoch == -1:
            for lr, group in zip(one_for_each("max_lr", optimizer, max_lr), optimizer.param_groups, strict=True):
                group["initial_lr"], group["max_lr"] = lr / div_factor, lr
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1, _, _ = start_momentum(optimizer, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._warn_if_outside()
        step, rates = self.last_epoch, []
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        start: float = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if step <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        part = (step - start) / (end - start)
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                momentum = self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], part)
                put_momentum(group, momentum, self.use_beta1)
        return rates

    def _between(self, start: Any, end: Any, part: float) -> Any:
        if self._anneal_func_type == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return _positive("total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    return _positive("epochs", epochs) * _positive("steps_per_epoch", steps_per_epoch)


def _positive(name: str, number: int) -> int:
    if number <= 0 or not isinstance(number, int):
        raise ValueError(f"Expected positive integer {name}, but got {number}")
    return number


def _phases(steps: int, part: float, three: bool) -> list[dict[str, Any]]:
    """The names, in a group, of the rate and momentum at both ends of each phase, and the step that ends it."""

    def phase(end_step: float, lrs: str, momenta: str) -> dict[str, Any]:
        (start_lr, end_lr), (start_momentum, end_momentum) = lrs.split(), momenta.split()
        return {
            **{"end_step": end_step, "start_lr": f"{start_lr}_lr", "end_lr": f"{end_lr}_lr"},
            **{"start_momentum": f"{start_momentum}_momentum", "end_momentum": f"{end_momentum}_momentum"},
        }

    up = phase(float(part * steps) - 1, "initial max", "max base")
    if not three:
        return [up, phase(steps - 1, "max min", "base max")]
    return [
        up,
        phase(float(2 * part * steps) - 2, "max initial", "base max"),
        phase(steps - 1, "initial min", "max max"),
    ]
