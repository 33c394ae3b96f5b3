"""Averages of a model's weights over its training: stochastic weight averaging, and exponential moving averages."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import candle
from candle import Tensor
from candle.optim.lr_scheduler._base import LRScheduler, Rate, one_for_each
from candle.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from candle.nn import Module
else:
    _nn = getattr(candle, "nn", None)  # candle-nn need not be installed to import this
    Module = object if _nn is None else _nn.Module

__all__ = [
    "AveragedModel",
    "SWALR",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]
AverageAll = Callable[[list[Tensor], list[Tensor], Any], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """For `AveragedModel(avg_fn=...)`: decay old + (1 - decay) new."""
    _check_decay(decay)

    @candle.no_grad()
    def average(old: Tensor, new: Tensor, number: Any) -> Tensor:
        return old * decay + new * (1 - decay)

    return average


def get_swa_avg_fn() -> Average:
    """For `AveragedModel(avg_fn=...)`: the plain mean."""

    @candle.no_grad()
    def average(old: Tensor, new: Tensor, number: Any) -> Tensor:
        return old + (new - old) / (int(number) + 1)

    return average


def get_ema_multi_avg_fn(decay: float = 0.999) -> AverageAll:
    """For `AveragedModel(multi_avg_fn=...)`: the same as `get_ema_avg_fn`, of lists and in place."""
    _check_decay(decay)
    return _in_place(get_ema_avg_fn(decay), lambda number: 1 - decay)


def get_swa_multi_avg_fn() -> AverageAll:
    """For `AveragedModel(multi_avg_fn=...)`: the same as `get_swa_avg_fn`, of lists and in place."""
    return _in_place(get_swa_avg_fn(), lambda number: 1 / (int(number) + 1))


def _in_place(average: Average, weight: Callable[[Any], float]) -> AverageAll:
    @candle.no_grad()
    def average_all(olds: list[Tensor], news: list[Tensor], number: Any) -> None:
        for old, new in zip(olds, news, strict=True):
            if old.dtype.is_floating_point or old.dtype.is_complex:
                old.lerp_(new, weight(number))
            else:
                old.copy_(average(old, new, number))

    return average_all


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


class AveragedModel(Module):
    """A copy of a model whose parameters are averages: call `update_parameters(model)` after each step or epoch.

    The plain mean of all updates (SWA, Izmailov et al. 2018), unless another average is given, such as
    `multi_avg_fn=get_ema_multi_avg_fn(0.999)`. Buffers are copied; with `use_buffers` they are averaged, too.

    >>> import candle
    >>> model = candle.nn.Linear(1, 1, bias=False)
    >>> averaged = AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = candle.nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged(candle.ones(1))
    tensor([3.], grad_fn=<...>)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Any,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: AverageAll | None = None,
        use_buffers: bool = False,
    ) -> None:
        if Module is object:
            _ = candle.nn  # raises, and tells what to install
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", candle.tensor(0, dtype=candle.int64, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model computes."""
        return self.module(*args, **kwargs)

    @candle.no_grad()
    def update_parameters(self, model: Any) -> None:
        """Take the model's parameters into the averages."""
        pairs = list(zip(_tensors(self.module, self.use_buffers), _tensors(model, self.use_buffers), strict=True))
        olds = [old.detach() for old, _ in pairs]
        news = [new.detach().to(old.device) for old, new in pairs]
        number = int(self.n_averaged)
        if not number:
            for old, new in zip(olds, news, strict=True):
                old.copy_(new)
        elif self.avg_fn is None:
            (self.multi_avg_fn or get_swa_multi_avg_fn())(olds, news, self.n_averaged)
        else:
            for old, new in zip(olds, news, strict=True):
                old.copy_(self.avg_fn(old, new, self.n_averaged))
        if not self.use_buffers:
            for old, new in zip(self.module.buffers(), model.buffers(), strict=True):
                old.copy_(new.detach().to(old.device))
        self.n_averaged.add_(1)


def _tensors(model: Any, use_buffers: bool) -> Iterable[Tensor]:
    return itertools.chain(model.parameters(), model.buffers() if use_buffers else ())


@candle.no_grad()
def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Find the running statistics of every BatchNorm anew, in one pass over the data.

    Averaged weights need that: their activations are not the averages of activations. Of batches that are
    tuples or lists, the first is the input.
    """
    from candle.nn.modules.batchnorm import BatchNorm

    norms = [module for module in model.modules() if isinstance(module, BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    was_training = model.training
    model.train()
    for batch in loader:
        first = batch[0] if isinstance(batch, list | tuple) else batch
        model(first if device is None else first.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the rates that are there to swa_lr in anneal_epochs, along a cosine or a line; then it stays.

    >>> import candle
    >>> optimizer = candle.optim.SGD([candle.zeros(1)], lr=1.0)
    >>> scheduler = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> for _ in range(4):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    1.0 0.75 0.5 0.5
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        for lr, group in zip(one_for_each("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._warn_if_outside()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, here = self._part(step - 1), self._part(step)
        rates = []
        for group in self.optimizer.param_groups:
            lr, goal = group["lr"], group["swa_lr"]
            start = goal if before == 1 else (lr - before * goal) / (1 - before)  # where it came from
            rates.append(goal * here + start * (1 - here))
        return rates

    def _part(self, step: int) -> float:
        """How much of the way is behind after some steps."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t
