"""Averaged models and their learning rates, against PyTorch."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle import nn, optim
from candle.optim import swa_utils

from .test_schedulers import followed, made


def model(library: Any) -> Any:
    layers = [library.nn.Linear(3, 4), library.nn.Linear(4, 2)]
    draw = np.random.default_rng(0)
    built = (
        library.nn.Sequential(*layers).double()
        if library is torch
        else library.nn.Sequential(*layers).to(candle.float64)
    )
    built.register_buffer("seen", library.tensor([1.0, 2.0], dtype=library.float64))
    with library.no_grad():
        for p in built.parameters():
            p.copy_(library.tensor(draw.normal(size=tuple(p.shape))))
    return built


AVERAGES: dict[str, Any] = {
    "mean": lambda u: {},
    "mean of lists": lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()},
    "mean of each": lambda u: {"avg_fn": u.get_swa_avg_fn()},
    "exponential": lambda u: {"avg_fn": u.get_ema_avg_fn(0.9)},
    "exponential of lists": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9)},
    "with buffers": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.5), "use_buffers": True},
    "own": lambda u: {"avg_fn": lambda old, new, number: old + new * (number + 1)},
}


@pytest.mark.parametrize("name", AVERAGES)
def test_averages(name: str) -> None:
    states = []
    for library, utils in ((candle, swa_utils), (torch, torch.optim.swa_utils)):
        trained = model(library)
        averaged = utils.AveragedModel(trained, **AVERAGES[name](utils))
        draw = np.random.default_rng(1)
        for _ in range(5):
            averaged.update_parameters(trained)
            with library.no_grad():
                for x in (*trained.parameters(), *trained.buffers()):
                    x.copy_(library.tensor(draw.normal(size=tuple(x.shape))))
        states.append(averaged.state_dict())
        assert averaged.n_averaged.item() == 5
    mine, theirs = states
    assert sorted(mine) == sorted(theirs)
    for key, value in theirs.items():
        tolerance = 1e-6 if name == "mean of lists" else 1e-12  # PyTorch's weight 1 / (n + 1) is a float32 tensor
        np.testing.assert_allclose(mine[key].numpy(), value.numpy(), rtol=tolerance, atol=tolerance, err_msg=key)


def test_an_averaged_model_is_a_model_of_its_own() -> None:
    trained = model(candle)
    averaged = swa_utils.AveragedModel(trained)
    averaged.update_parameters(trained)
    x = candle.ones(2, 3, dtype=candle.float64)
    before = averaged(x).tolist()
    assert before == trained(x).tolist()
    with candle.no_grad():
        for p in trained.parameters():
            p.add_(1)
    assert averaged(x).tolist() == before
    again = swa_utils.AveragedModel(model(candle))
    again.load_state_dict(averaged.state_dict())
    again.update_parameters(trained), averaged.update_parameters(trained)
    assert again(x).tolist() == averaged(x).tolist()
    assert copy.deepcopy(averaged)(x).tolist() == averaged(x).tolist()


def test_an_averaged_model_begins_without_gradients() -> None:
    for library, utils in ((candle, swa_utils), (torch, torch.optim.swa_utils)):
        trained = model(library)
        trained(library.ones(2, 3, dtype=library.float64)).sum().backward()
        assert [p.grad for p in utils.AveragedModel(trained).parameters()] == [None] * 4


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="Invalid decay value 1.5"):
        swa_utils.get_ema_avg_fn(1.5)
    with pytest.raises(ValueError, match="Invalid decay value -1"):
        swa_utils.get_ema_multi_avg_fn(-1)
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
        swa_utils.AveragedModel(
            model(candle), avg_fn=swa_utils.get_swa_avg_fn(), multi_avg_fn=swa_utils.get_swa_multi_avg_fn()
        )
    optimizer = optim.SGD([candle.zeros(1)])
    with pytest.raises(ValueError, match="anneal_strategy must be one of"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="steep")
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0"):
        swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr must have the same length"):
        swa_utils.SWALR(optimizer, [0.1, 0.2])


RATES: list[dict[str, Any]] = [
    {"swa_lr": 0.05},
    {"swa_lr": [0.05, 0.9], "anneal_epochs": 40},
    {"swa_lr": 0.05, "anneal_epochs": 7, "anneal_strategy": "linear"},
    {"swa_lr": 0.05, "anneal_epochs": 0},
]


@pytest.mark.parametrize("options", RATES, ids=str)
def test_swa_rates(options: dict[str, Any]) -> None:
    runs = []
    for library, utils in (("candle", swa_utils), ("torch", torch.optim.swa_utils)):
        optimizer, scheduler = made(library, lambda s, o: utils.SWALR(o, **options))
        seen = followed(optimizer, scheduler)
        state = scheduler.state_dict()
        runs.append((seen, state))
    assert runs[0] == runs[1]


def test_update_bn() -> None:
    if not hasattr(nn, "BatchNorm1d"):
        pytest.skip("candle.nn has no BatchNorm yet")
    batches = [np.random.default_rng(i).normal(size=(8, 3)).astype(np.float32) for i in range(4)]
    found = []
    for library, utils in ((candle, swa_utils), (torch, torch.optim.swa_utils)):
        net = library.nn.Sequential(library.nn.BatchNorm1d(3, momentum=0.3))
        net.eval()
        utils.update_bn([(library.tensor(x), 0) for x in batches], net)
        assert not net.training
        assert net[0].momentum == 0.3
        found.append((net[0].running_mean.numpy(), net[0].running_var.numpy()))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_update_bn_of_nothing() -> None:
    swa_utils.update_bn([], model(candle))
