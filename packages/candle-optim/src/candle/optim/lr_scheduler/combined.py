"""Schedulers made of others: all at once, one after the other, or slowly at first."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from candle.optim.lr_scheduler._base import LRScheduler, Wrapper, put
from candle.optim.lr_scheduler.plateau import ReduceLROnPlateau
from candle.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "SequentialLR", "WarmupLR"]


class ChainedScheduler(Wrapper):
    """All of them, one on the result of the other."""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if len(schedulers) < 1:
            raise ValueError(
                f"{type(self).__name__} expects at least one scheduler to be chained, but got no scheduler."
            )
        self.optimizer = optimizer or schedulers[0].optimizer
        _check(self, schedulers)
        self._schedulers = schedulers
        self._last_lr = self._rates()

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._rates()

    def _update_lr(self, epoch: int | None = None) -> None:
        """Begin anew, at the milestone of a sequence that it is part of."""
        for group in self.optimizer.param_groups:
            put(group, group["initial_lr"])
        for scheduler in self._schedulers:
            scheduler.last_epoch = -1
            scheduler._initial_step()
        self._last_lr = self._rates()


class SequentialLR(Wrapper):
    """One after the other: the next begins, with its epoch 0, at each milestone.

    >>> import candle
    >>> from candle.optim.lr_scheduler import ConstantLR, ExponentialLR, SequentialLR
    >>> optimizer = candle.optim.SGD([candle.zeros(1)], lr=1.0)
    >>> parts = [ConstantLR(optimizer, factor=0.1, total_iters=9), ExponentialLR(optimizer, gamma=0.5)]
    >>> scheduler = SequentialLR(optimizer, parts, milestones=[2])
    >>> for _ in range(5):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.1 0.1 1.0 0.5 0.25
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError(f"{type(self).__name__} expects at least one scheduler, but got no scheduler.")
        self.optimizer = optimizer
        _check(self, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._schedulers, self._milestones = schedulers, milestones
        self.last_epoch = last_epoch + 1
        # Each scheduler took its first step when it was made: take all of these back, and the first one's again
        for group in optimizer.param_groups:
            put(group, group["initial_lr"])
        _step_back(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def _update_lr(self, epoch: int | None = None) -> None:
        """Begin anew, at the milestone of a sequence that it is part of."""
        self.last_epoch = 0
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._update_lr(0)
        self._last_lr = first.get_last_lr()


class WarmupLR(Wrapper):
    """Another scheduler, whose rates are multiplied by (t + 1) / warmup_steps in the first warmup_steps epochs.

    The other one runs from the start: a warm-up over 200 steps takes these from its schedule. PyTorch has no
    such class; there, a LinearLR in front (`SequentialLR`) delays the schedule instead.

    >>> import candle
    >>> from candle.optim.lr_scheduler import StepLR, WarmupLR
    >>> optimizer = candle.optim.SGD([candle.zeros(1)], lr=1.0)
    >>> scheduler = WarmupLR(StepLR(optimizer, step_size=6, gamma=0.5), warmup_steps=4)
    >>> for _ in range(8):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.25 0.5 0.75 1.0 1.0 1.0 0.5 0.5
    """

    def __init__(self, scheduler: LRScheduler, warmup_steps: int) -> None:
        if not isinstance(warmup_steps, int) or warmup_steps < 1:
            raise ValueError(f"WarmupLR: warmup_steps must be a whole number from 1 up, got {warmup_steps!r}")
        self.optimizer, self._schedulers = scheduler.optimizer, [scheduler]
        self.warmup_steps, self.last_epoch = warmup_steps, 0
        self._warm_up()

    def step(self, *args: Any) -> None:
        """Go to the next epoch; what the other scheduler needs (a metric) is passed on."""
        (scheduler,) = self._schedulers
        for group, lr in zip(self.optimizer.param_groups, scheduler.get_last_lr(), strict=True):
            put(group, lr)  # it may go on from what is there
        scheduler.step(*args)
        self.last_epoch += 1
        self._warm_up()

    def _initial_step(self) -> None:
        self._schedulers[0]._initial_step()
        self.last_epoch = 0
        self._warm_up()

    def _update_lr(self, epoch: int | None = None) -> None:
        self._schedulers[0]._update_lr(epoch)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._warm_up()

    def _warm_up(self) -> None:
        factor = min(1.0, (self.last_epoch + 1) / self.warmup_steps)
        self._set([lr * factor for lr in self._schedulers[0].get_last_lr()])


def _check(owner: LRScheduler, schedulers: Sequence[Any]) -> None:
    name = type(owner).__name__
    for i, each in enumerate(schedulers):
        if not hasattr(each, "optimizer"):
            raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute.")
        if isinstance(each, ReduceLROnPlateau):
            raise ValueError(
                f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs to be "
                f"specified when calling `step`, but got one at index {i} in the given schedulers sequence."
            )
        if owner.optimizer is not each.optimizer:
            raise ValueError(
                f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                f"{type(each).__name__} at index {i} has {each.optimizer}, which is different from "
                f"{type(owner.optimizer).__name__}."
            )


def _step_back(scheduler: LRScheduler) -> None:
    if isinstance(scheduler, Wrapper):
        for each in scheduler._schedulers:
            _step_back(each)
    else:
        scheduler.last_epoch -= 1
