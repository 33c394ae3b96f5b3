"""nn.utils.weight_norm and spectral_norm, the older forms, against PyTorch's; and the checkpoints they leave."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

import candle
from candle import nn
from candle.nn import utils

from .twins import agree, normal, twin

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")

LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "Linear": (lambda layers: layers.Linear(3, 4), (5, 3)),
    "Conv1d": (lambda layers: layers.Conv1d(2, 3, 2), (2, 2, 5)),
    "ConvTranspose1d": (lambda layers: layers.ConvTranspose1d(2, 3, 2), (2, 2, 5)),
}
NORMS = {
    "weight_norm": {},
    "weight_norm of dim 1": {"dim": 1},
    "weight_norm of all": {"dim": None},
    "spectral_norm": {},
    "spectral_norm twice": {"n_power_iterations": 2},
}


def both(layer: str, norm: str) -> tuple[Any, Any]:
    """torch's layer and candle's, with the same values."""
    make, kind, options = LAYERS[layer][0], norm.split()[0], NORMS[norm]
    expected = getattr(torch.nn.utils, kind)(make(torch.nn), **options)
    actual = getattr(utils, kind)(make(nn), **options)
    assert list(expected.state_dict()) == list(actual.state_dict())
    assert [name for name, _ in expected.named_parameters()] == [name for name, _ in actual.named_parameters()]
    assert repr(expected) == repr(actual)
    return twin(expected, actual)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("layer", LAYERS)
def test_two_steps_and_back(layer: str, norm: str, training: bool) -> None:
    expected, actual = both(layer, norm)
    expected.train(training), actual.train(training)
    x = normal(*LAYERS[layer][1])
    outs = [(expected(torch.tensor(x)), actual(candle.tensor(x))) for _ in range(2)]  # before the first backward
    for left, right in outs:
        agree(left, right)
        left.sin().sum().backward()
        right.sin().sum().backward()
    for (name, p), q in zip(expected.named_parameters(), actual.parameters(), strict=True):
        agree(p.grad, q.grad, name)
    for name, value in expected.state_dict().items():
        agree(value, actual.state_dict()[name], name)
    agree(expected.weight, actual.weight)
    getattr(torch.nn.utils, f"remove_{norm.split()[0]}")(expected)
    assert getattr(utils, f"remove_{norm.split()[0]}")(actual) is actual
    assert list(expected.state_dict()) == list(actual.state_dict())
    assert isinstance(actual.weight, nn.Parameter)
    agree(expected.weight, actual.weight)
    agree(expected(torch.tensor(x)), actual(candle.tensor(x)))


def test_checkpoints_of_the_older_form_load_into_the_newer() -> None:
    expected = torch.nn.Sequential(torch.nn.utils.weight_norm(torch.nn.Linear(3, 4)))
    actual = nn.Sequential(utils.parametrizations.weight_norm(nn.Linear(3, 4)))
    expected, actual = twin(expected, actual)  # which loads torch's keys
    x = normal(5, 3)
    agree(expected(torch.tensor(x)), actual(candle.tensor(x)))
    actual.load_state_dict(actual.state_dict())


@pytest.mark.parametrize("norm", ["weight_norm", "spectral_norm"])
def test_mistakes(norm: str) -> None:
    add, remove = getattr(utils, norm), getattr(utils, f"remove_{norm}")
    layer = add(nn.Linear(2, 2))
    copied = copy.deepcopy(layer)
    with pytest.raises(RuntimeError, match=f"{norm}: 'weight' of Linear has it already"):
        add(layer)
    add(layer, "bias")  # another parameter may have it, too
    with pytest.raises(ValueError, match=f"{norm}: Linear has no parameter named 'bias'"):
        add(nn.Linear(2, 2, bias=False), "bias")
    with pytest.raises(ValueError, match=f"remove_{norm}: 'bias' of Linear has no {norm}"):
        remove(nn.Linear(2, 2), "bias")
    remove(copied)  # the copy's own hook, not the original's
    assert list(copied.state_dict()) == ["bias", "weight"]
    assert "weight" not in layer.state_dict()
    if norm == "spectral_norm":
        with pytest.raises(ValueError, match="n_power_iterations must be positive, got 0"):
            add(nn.Linear(2, 2), n_power_iterations=0)
