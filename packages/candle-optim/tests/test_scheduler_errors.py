"""Schedules that make no sense, and the order of steps."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
import torch

import candle
from candle import optim

from .test_schedulers import LIBRARIES, SCHEDULES, made

WRONG = {
    "lambdas": lambda s, o: s.LambdaLR(o, [lambda t: 1.0]),
    "no function": lambda s, o: s.MultiplicativeLR(o, 0.5),
    "constant": lambda s, o: s.ConstantLR(o, factor=1.5),
    "linear start": lambda s, o: s.LinearLR(o, start_factor=0),
    "linear end": lambda s, o: s.LinearLR(o, end_factor=-1),
    "T_0": lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
    "T_mult": lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, T_mult=1.5),
    "eta_min": lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, eta_min="low"),
    "base_lr": lambda s, o: s.CyclicLR(o, [0.1], 0.2),
    "max_lr": lambda s, o: s.CyclicLR(o, 0.1, [0.2] * 3),
    "cyclic mode": lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="square"),
    "steps": lambda s, o: s.OneCycleLR(o, 0.1),
    "total_steps": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=-1),
    "epochs": lambda s, o: s.OneCycleLR(o, 0.1, epochs=-1, steps_per_epoch=3),
    "steps_per_epoch": lambda s, o: s.OneCycleLR(o, 0.1, epochs=3, steps_per_epoch=0),
    "pct_start": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=9, pct_start=2.0),
    "anneal_strategy": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=9, anneal_strategy="steep"),
    "no chain": lambda s, o: s.ChainedScheduler([]),
    "no sequence": lambda s, o: s.SequentialLR(o, [], []),
    "milestones": lambda s, o: s.SequentialLR(o, [s.StepLR(o, 2)], [3]),
    "plateau chained": lambda s, o: s.ChainedScheduler([s.StepLR(o, 2), s.ReduceLROnPlateau(o)]),
    "plateau in sequence": lambda s, o: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], []),
    "no scheduler": lambda s, o: s.SequentialLR(o, [None], []),
    "factor": lambda s, o: s.ReduceLROnPlateau(o, factor=1.0),
    "min_lr": lambda s, o: s.ReduceLROnPlateau(o, min_lr=[0.1]),
    "mode": lambda s, o: s.ReduceLROnPlateau(o, mode="mean"),
    "threshold_mode": lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="odd"),
    "no optimizer": lambda s, o: s.StepLR([o], 3),
    "fresh at epoch 3": lambda s, o: s.StepLR(o, 3, last_epoch=3),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_schedules(name: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)) as expected:
        made("torch", WRONG[name])
    message = re.escape(str(expected.value).split("\n")[0].strip('"').split(" last_epoch")[0])
    with pytest.raises(expected.type, match=message):
        made("candle", WRONG[name])


def test_schedulers_of_different_optimizers() -> None:
    mine, others = (optim.SGD([candle.zeros(1)]) for _ in range(2))
    parts = [optim.lr_scheduler.StepLR(each, 2) for each in (mine, others)]
    with pytest.raises(ValueError, match="expects all schedulers to belong to the same optimizer"):
        optim.lr_scheduler.ChainedScheduler(parts)
    with pytest.raises(ValueError, match="expects all schedulers to belong to the same optimizer"):
        optim.lr_scheduler.SequentialLR(mine, parts, [3])


def test_momentum_cycles_need_a_momentum() -> None:
    for make in (
        lambda o: optim.lr_scheduler.CyclicLR(o, 0.1, 0.2),
        lambda o: optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=5),
    ):
        with pytest.raises(ValueError, match="must support momentum or beta1"):
            make(optim.Adagrad([candle.zeros(1)]))


def test_one_cycle_ends() -> None:
    optimizer, scheduler = made("candle", lambda s, o: s.OneCycleLR(o, 0.5, total_steps=3))
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    with pytest.raises(ValueError, match="Tried to step 4 times"):
        scheduler.step()


@pytest.mark.parametrize("steps", [0, -1, 1.5])
def test_warmup_needs_steps(steps: Any) -> None:
    with pytest.raises(ValueError, match="warmup_steps must be a whole number"):
        made("candle", lambda s, o: s.WarmupLR(s.StepLR(o, 2), steps))


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_order_of_steps(library: str) -> None:
    optimizer, scheduler = made(library, SCHEDULES["step"])
    with pytest.warns(UserWarning, match="before `optimizer.step..`"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer, scheduler = made(library, SCHEDULES["step"])
        optimizer.step()
        scheduler.step()
    with pytest.warns(UserWarning, match="use `get_last_lr"):
        scheduler.get_lr()


def test_a_schedule_without_rates() -> None:
    class Lazy(optim.lr_scheduler.LRScheduler):
        pass

    with pytest.raises(NotImplementedError, match="Lazy has no get_lr"):
        Lazy(optim.SGD([candle.zeros(1)]))


def test_every_scheduler_of_pytorch_is_there() -> None:
    assert set(torch.optim.lr_scheduler.__all__) - set(optim.lr_scheduler.__all__) == set()
    assert issubclass(optim.lr_scheduler.StepLR, optim.lr_scheduler._LRScheduler)
