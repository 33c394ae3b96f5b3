"""Rates by a function of the epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle.optim.lr_scheduler._base import LRScheduler, Rate, saved_function
from candle.optim.optimizer import Optimizer

__all__ = ["LambdaLR", "MultiplicativeLR"]

Factor = Callable[[int], float]


class _ByFunction(LRScheduler):
    lr_lambdas: list[Factor]

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | list[Factor], last_epoch: int = -1) -> None:
        groups = len(optimizer.param_groups)
        if isinstance(lr_lambda, list | tuple) and len(lr_lambda) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(lr_lambda)}")
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, list | tuple) else [lr_lambda] * groups
        for each in self.lr_lambdas:
            if not callable(each):
                raise TypeError(f"lr_lambda should be a function, but got {type(each).__name__}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and the functions (of callable objects, their attributes are there)."""
        return {**super().state_dict(), "lr_lambdas": list(map(saved_function, self.lr_lambdas))}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        vars(self).update({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                vars(function).update(saved)


class LambdaLR(_ByFunction):
    """lr_t = lr_0 f(t).

    >>> import candle
    >>> optimizer = candle.optim.SGD([candle.zeros(1)], lr=1.0)
    >>> candle.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5 / (epoch + 1)).get_last_lr()
    [0.5]
    """

    def get_lr(self) -> list[Rate]:
        self._warn_if_outside()
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(_ByFunction):
    """lr_t = lr_(t-1) f(t)."""

    def get_lr(self) -> list[Rate]:
        self._warn_if_outside()
        rates = self._rates()
        if self._is_initial:
            return rates
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, rates, strict=True)]
