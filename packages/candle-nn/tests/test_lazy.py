"""Lazy layers beside PyTorch's: what they become, load, save and refuse."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch

import candle
from candle import nn

from .twins import agree, normal

LAYERS = {
    "LazyLinear(3)": (2, 4),
    "LazyLinear(3, bias=False)": (2, 5, 4),
    "LazyConv1d(4, 2, groups=2)": (2, 4, 5),
    "LazyConv2d(3, (2, 1), stride=2, padding=1, bias=False)": (4, 5, 5),
    "LazyConv3d(3, 2, padding_mode='circular', padding=1)": (1, 2, 3, 3, 3),
    "LazyConvTranspose1d(4, 3, groups=2)": (2, 4, 5),
    "LazyConvTranspose2d(3, 2, output_padding=1, stride=2)": (1, 4, 3, 3),
    "LazyConvTranspose3d(3, 2)": (1, 2, 3, 3, 3),
    "LazyBatchNorm1d()": (4, 3),
    "LazyBatchNorm2d(momentum=None, affine=False)": (2, 3, 2, 2),
    "LazyBatchNorm3d(1e-3)": (1, 3, 2, 2, 2),
    "LazyInstanceNorm1d()": (2, 3, 5),
    "LazyInstanceNorm2d(track_running_stats=False)": (2, 3, 2, 2),
    "LazyInstanceNorm3d(affine=False)": (1, 3, 2, 2, 2),
}


def both(made: str) -> list[Any]:
    return [eval(f"nn.{made}", {"nn": lib.nn}).double() for lib in (torch, candle)]


@pytest.mark.parametrize("made", LAYERS)
def test_the_first_input_makes_an_ordinary_layer(made: str) -> None:
    expected, actual = both(made)
    assert [type(t).__name__ for t in actual.parameters()] == [type(t).__name__ for t in expected.parameters()]
    assert [type(t).__name__ for t in actual.buffers()] == [type(t).__name__ for t in expected.buffers()]
    assert repr(actual) == repr(expected)
    before = list(actual.parameters())
    x = normal(*LAYERS[made])
    expected(torch.tensor(x)), actual(candle.tensor(x))
    assert repr(actual) == repr(expected)
    assert all(a is b for a, b in zip(before, actual.parameters(), strict=True))  # an optimizer may hold them
    assert all(type(p) is nn.Parameter and p.dtype is candle.float64 for p in actual.parameters())
    assert [p.requires_grad for p in actual.parameters()] == [True] * len(before)
    actual.load_state_dict({name: candle.tensor(t.numpy()) for name, t in expected.state_dict().items()})
    agree(expected(torch.tensor(x)), actual(candle.tensor(x)))


@pytest.mark.parametrize("made", LAYERS)
def test_a_state_dict_gives_the_shapes_too(made: str) -> None:
    x = candle.tensor(normal(*LAYERS[made]))
    _, given = both(made)
    _, taking = both(made)
    copied = copy.deepcopy(taking)
    given(x)
    for layer in (taking, copied):
        layer.load_state_dict(given.state_dict())
        assert not layer.has_uninitialized_params()
        assert candle.equal(layer.eval()(x), given.eval()(x))
        assert repr(layer) == repr(given)


def test_first_values_are_those_of_the_ordinary_layer() -> None:
    candle.manual_seed(0)
    plain = nn.Linear(4, 3)
    candle.manual_seed(0)
    lazy = nn.LazyLinear(3)
    lazy(candle.ones(1, 4))
    assert candle.equal(lazy.weight, plain.weight)
    assert candle.equal(lazy.bias, plain.bias)


def test_training_a_model_of_lazy_layers() -> None:
    layers = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    optimizer = candle.optim.SGD(layers.parameters(), lr=0.1)
    x, losses = candle.tensor(normal(8, 3, 5, 5)).float(), []
    for _ in range(5):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(layers(x), candle.arange(8) % 2)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert nn.summary(layers, x).parameters == 4 * 3 * 9 + 4 + 8 + 36 * 2 + 2


def test_own_lazy_modules() -> None:
    class Scale(nn.modules.lazy.LazyModuleMixin, nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.UninitializedParameter()

        def initialize_parameters(self, x: candle.Tensor) -> None:
            if self.has_uninitialized_params():
                self.factor.materialize(x.shape[1:])
                self.factor.fill_(2.0)

        def forward(self, x: candle.Tensor) -> candle.Tensor:
            return x * self.factor

    layer = Scale()
    for _ in range(2):
        assert layer(candle.ones(3, 2)).tolist() == [[2.0, 2.0]] * 3
    assert nn.parameter.is_lazy(Scale().factor)


def test_in_a_model_of_symbols() -> None:
    x = nn.Input(3)
    model = nn.Model(x, nn.LazyLinear(2)(x))
    assert model(candle.ones(4, 3)).shape == (4, 2)


MISTAKES = [
    (lambda layer: layer.weight + 1, RuntimeError, "UninitializedParameter has no shape .* call the model once"),
    (lambda layer: layer.weight.shape, RuntimeError, "call the model once"),
    (lambda layer: sum(p.numel() for p in layer.parameters()), RuntimeError, "call the model once"),
    (lambda layer: nn.init.zeros_(layer.weight), RuntimeError, "call the model once"),
    (lambda layer: candle.save(layer.state_dict(), "never.safetensors"), RuntimeError, "call the model once"),
    (lambda layer: nn.LazyConv1d(2, 2)(candle.ones(3)), RuntimeError, "expected 2D .* or 3D input"),
    (lambda layer: nn.LazyConv1d(2, 2, groups=2)(candle.ones(1, 3, 4)), ValueError, "got 2 for 3"),
    (lambda layer: nn.LazyBatchNorm2d()(candle.ones(2, 3)), ValueError, "expected 4D input"),
    (lambda layer: nn.modules.lazy.LazyModuleMixin()(layer), NotImplementedError, "initialize_parameters"),
]


@pytest.mark.parametrize(("mistake", "kind", "told"), MISTAKES)
def test_mistakes_are_named(mistake: Any, kind: type[Exception], told: str, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=told):
        mistake(nn.LazyLinear(2))


@pytest.mark.parametrize("made", ["LazyLinear(3)", "LazyBatchNorm1d()"])
def test_a_lazy_layer_survives_pickling(made: str) -> None:
    for layer in both(made):
        again = pickle.loads(pickle.dumps(layer))
        assert again.has_uninitialized_params()
        assert type(again.weight) is type(layer.weight)
    assert tuple(again(candle.ones(2, 4).double()).shape) == (2, again.weight.shape[0])  # PyTorch's forgets the dtype
    assert layer.has_uninitialized_params()
