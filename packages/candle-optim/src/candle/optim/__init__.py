"""Optimizers and learning-rate schedules, with `torch.optim`'s names.

A step of most optimizers is one operation over all parameters of a group (`candle.op.MutatingOp`), in the file
of its name: the rule says what it computes, and a device's kernel may take its place.
"""

from __future__ import annotations

from typing import Any

from candle.optim import lr_scheduler as lr_scheduler
from candle.optim.adadelta import Adadelta
from candle.optim.adafactor import Adafactor
from candle.optim.adagrad import Adagrad
from candle.optim.adam import Adam
from candle.optim.adamax import Adamax
from candle.optim.adamw import AdamW
from candle.optim.asgd import ASGD
from candle.optim.lbfgs import LBFGS
from candle.optim.lion import Lion
from candle.optim.muon import Muon
from candle.optim.nadam import NAdam
from candle.optim.optimizer import Optimizer
from candle.optim.radam import RAdam
from candle.optim.rmsprop import RMSprop
from candle.optim.rprop import Rprop
from candle.optim.sgd import SGD

__all__ = [
    "ASGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LBFGS",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
    "lr_scheduler",
    "swa_utils",
]


def __getattr__(name: str) -> Any:
    if name == "swa_utils":  # needs candle-nn, which a plain optimizer does not
        from importlib import import_module

        return import_module("candle.optim.swa_utils")
    raise AttributeError(f"module 'candle.optim' has no attribute {name!r}")
