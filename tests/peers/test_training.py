"""What goes wrong while others train: clipping, optimizers, batch statistics, devices, batch sizes, checkpoints."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import candle
import candle.testing.strict
from candle import nn, optim

from .both import assert_same, normal, twins


def test_clip_grad_norm_leaves_small_gradients_alone() -> None:
    """Elsewhere it always rescales, so that small gradients grow."""
    p = candle.zeros(2, requires_grad=True)
    p.grad = candle.tensor([0.3, 0.4])
    assert nn.utils.clip_grad_norm_([p], max_norm=1.0).item() == pytest.approx(0.5)
    assert candle.equal(p.grad, candle.tensor([0.3, 0.4]))
    nn.utils.clip_grad_norm_([p], max_norm=0.25)
    assert p.grad.norm().item() == pytest.approx(0.25, rel=1e-5)


def descend(library: Any, make: Any, steps: int = 5) -> Any:
    """A parameter after some steps over gradients that differ from step to step."""
    p = library.tensor(normal(4)).requires_grad_()
    optimizer = make(library.optim, [p])
    for step in range(steps):
        optimizer.zero_grad()
        (p**2 * library.tensor(normal(4, seed=step + 1))).sum().backward()
        optimizer.step()
    return p


OPTIMIZERS: dict[str, Any] = {
    "SGD": lambda optim, params: optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.01),
    "Nesterov": lambda optim, params: optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    "RMSprop": lambda optim, params: optim.RMSprop(params, lr=0.1),
    "Adam": lambda optim, params: optim.Adam(params, lr=0.1),
    "AdamW": lambda optim, params: optim.AdamW(params, lr=0.1, weight_decay=0.1),
    "NAdam": lambda optim, params: optim.NAdam(params, lr=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_step_is_the_one_of_the_paper(name: str) -> None:
    """Elsewhere Adam's correction stays that of the first step, because its count is stuck at 1."""
    assert_same(descend(candle, OPTIMIZERS[name]), descend(torch, OPTIMIZERS[name]))


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_adam_corrects_its_bias(name: str) -> None:
    """Without the correction the first step is not of size lr, whatever the gradient: sqrt(1 - b2) / (1 - b1) off."""
    p = candle.tensor([1.0, 1.0], dtype=candle.float64, requires_grad=True)
    optimizer = getattr(optim, name)([p], lr=0.1, weight_decay=0.0)
    p.grad = candle.tensor([0.001, -1000.0], dtype=candle.float64)
    optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), [0.9, 1.1], rtol=1e-5)


def test_adams_step_count_moves() -> None:
    """Elsewhere it is 1 for ever."""
    p = candle.zeros(1, requires_grad=True)
    optimizer = optim.Adam([p])
    for _ in range(3):
        p.grad = candle.ones(1)
        optimizer.step()
    assert int(optimizer.state[p]["step"]) == 3


def test_nesterov_is_not_plain_momentum() -> None:
    """Elsewhere NAG takes the steps of plain momentum."""
    nesterov = descend(candle, OPTIMIZERS["Nesterov"])
    plain = descend(candle, lambda optim, params: optim.SGD(params, lr=0.1, momentum=0.9))
    assert not candle.allclose(nesterov, plain)


def network(library: Any) -> Any:
    inner = library.Sequential(library.Linear(3, 4), library.BatchNorm1d(4), library.ReLU())
    return library.Sequential(inner, library.Dropout(0.5), library.Linear(4, 2))


def test_eval_stops_batch_norm_from_training() -> None:
    """Elsewhere eval() does not reach layers within layers, and evaluation moves the statistics."""
    mine, theirs = twins(network)
    for model, library in ((mine, candle), (theirs, torch)):
        model[0](library.tensor(normal(8, 3)))  # moves the statistics, without the dropout
        model.eval()
    before = mine[0][1].running_mean.clone()
    x = normal(5, 3, seed=1) + 100
    assert_same(mine(candle.tensor(x)), theirs(torch.tensor(x)))
    assert candle.equal(mine[0][1].running_mean, before)
    assert not any(each.training for each in mine.modules())


def test_batch_norms_statistics_keep_no_graph() -> None:
    """Elsewhere the running mean holds the graphs of all batches there have been."""
    layer = nn.BatchNorm1d(3)
    x = candle.ones(4, 3, requires_grad=True) * 2
    node = weakref.ref(x.grad_fn)
    gc.disable()
    try:
        layer(x).sum().backward()
        assert not layer.running_mean.requires_grad
        assert not layer.running_var.requires_grad
        del x
        assert node() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("placed", [{"device": "strict"}, {"dtype": candle.float64}, {"dtype": candle.float16}])
def test_optimizers_follow_the_model(name: str, placed: dict[str, Any]) -> None:
    """Elsewhere their state is made on the default device, in float32, wherever the model is."""
    model = nn.Linear(3, 2).to(**placed)
    before = model.weight.detach().clone()
    optimizer = OPTIMIZERS[name](optim, model.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        model(candle.ones(4, 3, **placed)).sum().backward()
        optimizer.step()
    assert (model.weight.device, model.weight.dtype) == (before.device, before.dtype)
    assert not candle.equal(model.weight, before)
    states = [x for state in optimizer.state.values() for x in state.values() if isinstance(x, candle.Tensor)]
    for each in states:
        if each.ndim:  # a step count may be anywhere
            assert (each.device, each.dtype) == (before.device, before.dtype)


def test_a_model_takes_batches_of_any_size() -> None:
    """Elsewhere a model that was put together for 64 takes 64 only, and an epoch's last batch is lost."""
    x = nn.Input(3)
    model = nn.Model(x, nn.Linear(4, 2)(nn.ReLU()(nn.Linear(3, 4)(x)))).double()
    inputs = candle.tensor(normal(65, 3))
    for batch in (inputs[:64], inputs[64:], inputs[:0]):
        assert model(batch).shape == (len(batch), 2)
    model(inputs).sum().backward()
    whole = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    for batch in (inputs[:64], inputs[64:]):
        model(batch).sum().backward()
    for p, gradient in zip(model.parameters(), whole):
        assert candle.allclose(p.grad, gradient)


def test_a_model_and_its_optimizer_survive_saving(tmp_path: Path) -> None:
    """Elsewhere there is no state dict, or it is a pickle: what was saved must go on exactly as it would have."""

    def train(model: nn.Module, optimizer: Any) -> None:
        for seed in range(3):
            optimizer.zero_grad()
            model(candle.tensor(normal(4, 3, seed=seed))).square().sum().backward()
            optimizer.step()

    def fresh() -> tuple[nn.Module, Any]:
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()
        return model, optim.AdamW(model.parameters(), lr=0.01)

    model, optimizer = fresh()
    train(model, optimizer)
    candle.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "checkpoint")
    other, other_optimizer = fresh()
    saved = candle.load(tmp_path / "checkpoint")
    other.load_state_dict(saved["model"])
    other_optimizer.load_state_dict(saved["optimizer"])
    train(model, optimizer), train(other, other_optimizer)
    for name, value in model.state_dict().items():
        assert candle.equal(value, other.state_dict()[name]), name
