"""`LRScheduler`: sets the learning rates of an optimizer, epoch by epoch."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

from candle import Tensor
from candle.optim.optimizer import Optimizer

Rate = Any  # a Python number, or the tensor of one element that somebody gave as lr
Closed = Callable[[], list[Rate]]

ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in the opposite order: "
    "`optimizer.step()` before `lr_scheduler.step()`. Otherwise the first value of the learning rate schedule is "
    "skipped."
)
EPOCH = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. "
    "Please use `scheduler.step()` to step the scheduler."
)
LAST = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."


class LRScheduler:
    """The base of all schedulers: define `get_lr`, which finds the rates of epoch `self.last_epoch`.

    Most are chainable: they change the rates that are there, so that several can work on one optimizer. They start
    with epoch 0 when they are made; `last_epoch` resumes.

    >>> import candle
    >>> class Halving(candle.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr * 0.5**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = candle.optim.SGD([candle.zeros(1)], lr=1.0)
    >>> scheduler = Halving(optimizer)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    optimizer: Optimizer
    base_lrs: list[Rate]
    last_epoch: int
    _last_lr: list[Rate]
    _step_count: int
    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    f"last_epoch >= 0; load the optimizer's state first, or leave last_epoch out"
                )
        self.base_lrs = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        optimizer._opt_called = False
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        vars(self).update(state_dict)

    def get_last_lr(self) -> list[Rate]:
        """The rates that it set last."""
        return self._last_lr

    def get_lr(self) -> list[Rate]:
        """The rates of epoch `self.last_epoch`, one for each group."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr: define what the rates of an epoch are")

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch; call it after the optimizer's step."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(ORDER, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed: Closed | None = getattr(self, "_get_closed_form_lr", None)
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr() if epoch is None or closed is None else closed()
        finally:
            self._get_lr_called_within_step = False
        self._set(rates)

    def _set(self, rates: Sequence[Rate]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            put(group, rate)
        self._last_lr = self._rates()

    def _rates(self) -> list[Rate]:
        """The rates that are there."""
        return values_of(self.optimizer, "lr")

    def _warn_if_outside(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(LAST, UserWarning, stacklevel=3)


_LRScheduler = LRScheduler  # its former name


def checked(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def copied(rate: Rate) -> Rate:
    return rate.clone() if isinstance(rate, Tensor) else rate


def values_of(optimizer: Optimizer, name: str) -> list[Any]:
    return [copied(group[name]) for group in optimizer.param_groups]


def put(group: dict[str, Any], rate: Rate, name: str = "lr") -> None:
    """A rate that is a tensor stays the same tensor."""
    if isinstance(group[name], Tensor):
        group[name].fill_(float(rate))
    else:
        group[name] = rate


def one_for_each(name: str, optimizer: Optimizer, given: Any) -> list[Any]:
    """A number for every group, from one for all or a list of them."""
    groups = optimizer.param_groups
    if not isinstance(given, list | tuple):
        return [copied(given) for _ in groups]
    if len(given) != len(groups):
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(given)} values, param_groups has {len(groups)}."
        )
    return list(map(copied, given))


def saved_function(function: Any) -> Any:
    """Of a function nothing can be saved; of a callable object, its attributes."""
    return None if isinstance(function, types.FunctionType) else dict(vars(function))


class Wrapper(LRScheduler):
    """A scheduler made of others: their states are saved within its own."""

    _schedulers: Sequence[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in ("optimizer", "_schedulers")}
        return {**state, "_schedulers": [each.state_dict() for each in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state = dict(state_dict)
        for scheduler, saved in zip(self._schedulers, cast(list[Any], state.pop("_schedulers")), strict=True):
            scheduler.load_state_dict(saved)
        vars(self).update(state)
