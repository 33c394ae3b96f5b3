"""The programs with their import changed to PyTorch's: the same losses, step by step, in float64."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import candle

from .conftest import EXAMPLES


def in_float64(pair: Any) -> Any:
    """No dropout, which draws differently in each library."""
    for training in (pair.ours, pair.theirs):
        training.model.double()
        for module in training.model.modules():
            if type(module).__name__ == "Dropout":
                module.p = 0.0
    batch = pair.ours.next_batch
    pair.ours.next_batch = lambda: [t.double() if t.is_floating_point() else t for t in batch()]
    return pair


def assert_same_losses(pair: Any, steps: int) -> None:
    for _ in range(steps):
        pair.step()
    ours, theirs = pair.ours.losses, pair.theirs.losses
    assert np.ptp(theirs) > 0.3  # else agreement would say little
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", ["mlp", "mlp-sgd", "resnet14"])
def test_digits(name: str, side_by_side: ModuleType) -> None:
    ours, theirs = side_by_side.load("digits"), side_by_side.twin("digits")
    recipes = [replace(each.RECIPES[name], batch=16, warmup=5, period=20) for each in (ours, theirs)]
    train, _ = ours.digits(batch=16)
    pair = side_by_side.Pair(ours.training_of(recipes[0], train), theirs.training_of(recipes[1]))
    assert_same_losses(in_float64(pair), 40)


@pytest.mark.parametrize("name", ["mlp", "convnet", "resnet"])
def test_mnist(name: str, side_by_side: ModuleType, mnist) -> None:
    ours, theirs = side_by_side.load("mnist"), side_by_side.twin("mnist")
    recipes = [replace(each.RECIPES[name], batch=8, steps=30) for each in (ours, theirs)]
    train, _ = ours.mnist(mnist, recipes[0])
    pair = side_by_side.Pair(ours.training_of(recipes[0], train), theirs.training_of(recipes[1]))
    assert_same_losses(in_float64(pair), 30)


def test_cifar(side_by_side: ModuleType, cifar) -> None:
    ours, theirs = side_by_side.load("cifar"), side_by_side.twin("cifar")
    dataset = ours.cifar(cifar)[0].dataset
    loader = ours.DataLoader(dataset, batch_size=4, shuffle=True)
    pair = side_by_side.Pair(ours.training_of(loader), theirs.training_of())
    for training in (pair.ours, pair.theirs):  # as after some of the warm-up
        for _ in range(100):
            training.optimizer.step()
            training.scheduler.step()
    assert_same_losses(in_float64(pair), 10)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_names(cell: str, side_by_side: ModuleType) -> None:
    ours, theirs = side_by_side.load("names"), side_by_side.twin("names")
    names = (EXAMPLES / "data/names.txt").read_text().split()[:300]
    alphabet, train, _ = ours.names_to_learn(names, batch=16)
    pair = side_by_side.Pair(*(each.training_of(cell, len(alphabet), 32, 5e-3, 60, train) for each in (ours, theirs)))
    assert_same_losses(in_float64(pair), 40)


def test_initialization(side_by_side: ModuleType) -> None:
    """The same gradient norm from the same weights; the weights' variances as the papers give them."""
    import torch

    ours, theirs = side_by_side.load("initialization"), side_by_side.twin("initialization")
    x, y = candle.randn(16, 64, dtype=candle.float64), candle.randn(16, 64, dtype=candle.float64)
    for name, variance in {"Kaiming": 2 / 64, "Xavier": 2 / 128, "normal, σ = 0.1": 0.01}.items():
        model, same = (each.network(6, 64, each.INITS[name]) for each in (ours, theirs))
        same.load_state_dict({key: torch.tensor(value.numpy()) for key, value in model.state_dict().items()})
        found = [
            ours.gradient_norm(model, x, y),
            theirs.gradient_norm(same, *(torch.tensor(t.numpy()) for t in (x, y))),
        ]
        assert found[0] == pytest.approx(found[1], rel=1e-12)
        drawn = candle.cat([weight.flatten() for weight in model.parameters()])
        assert drawn.var().item() == pytest.approx(variance, rel=0.05)  # of 24,576: 5.5 standard deviations


PARAMETERS: dict[str, Callable[[Callable[[str], ModuleType]], Any]] = {
    "11,066": lambda example: example("digits").RECIPES["resnet14"].model(),
    "273,066": lambda example: example("cifar").training_of().model,
    "13,130": lambda example: example("digits").RECIPES["mlp"].model(),
    "238,314": lambda example: example("mnist").RECIPES["mlp"].model(),
}


@pytest.mark.parametrize("count", PARAMETERS)
def test_parameters(count: str, example: Callable[[str], ModuleType]) -> None:
    """As the peers' own tables say; the last from 785 x 256 + 257 x 128 + 129 x 32 + 33 x 10."""
    assert f"{sum(p.numel() for p in PARAMETERS[count](example).parameters()):,}" == count
