"""Pruning beside torch's: masks, what modules hold, training, and mistakes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.utils.prune

import candle
from candle.nn.utils import prune

from .twins import agree, normal, twin

THEIRS, SIDES = torch.nn.utils.prune, [(torch, torch.nn.utils.prune), (candle, prune)]
WAYS = {
    "l1, a number": lambda p, m: p.l1_unstructured(m, "weight", 5),
    "l1, a part": lambda p, m: p.l1_unstructured(m, "weight", 0.3),
    "l1, twice": lambda p, m: p.l1_unstructured(p.l1_unstructured(m, "weight", 0.3), "weight", 0.5),
    "l1, nothing": lambda p, m: p.l1_unstructured(m, "weight", 0),
    "l1 of the bias": lambda p, m: p.l1_unstructured(m, "bias", 1),
    "l2 of rows": lambda p, m: p.ln_structured(m, "weight", 2, n=2, dim=0),
    "inf of columns": lambda p, m: p.ln_structured(m, "weight", 0.5, n=float("inf"), dim=-1),
    "rows after elements": lambda p, m: p.ln_structured(p.l1_unstructured(m, "weight", 7), "weight", 1, n=1, dim=0),
    "rows after rows": lambda p, m: p.ln_structured(p.ln_structured(m, "weight", 1, 1, 0), "weight", 1, 1, 0),
    "elements after rows": lambda p, m: p.l1_unstructured(p.ln_structured(m, "weight", 1, 1, 0), "weight", 4),
    "identity": lambda p, m: p.identity(m, "weight"),
    "back": lambda p, m: p.remove(p.l1_unstructured(m, "weight", 5), "weight"),
}


def layers() -> tuple[Any, Any]:
    expected, actual = twin(torch.nn.Linear(6, 4), candle.nn.Linear(6, 4))
    with torch.no_grad():
        expected.weight.copy_(torch.tensor(normal(4, 6)))
    return twin(expected, actual)


def alike(expected: Any, actual: Any) -> None:
    assert [*expected.state_dict()] == [*actual.state_dict()]
    assert [name for name, _ in expected.named_parameters()] == [name for name, _ in actual.named_parameters()]
    for name, tensor in expected.state_dict().items():
        agree(tensor, actual.state_dict()[name], name)
    agree(expected.weight, actual.weight)


@pytest.mark.parametrize("way", WAYS)
def test_masks_and_training(way: str) -> None:
    expected, actual = layers()
    assert WAYS[way](THEIRS, expected) is expected
    assert WAYS[way](prune, actual) is actual
    alike(expected, actual)
    assert prune.is_pruned(candle.nn.Sequential(actual)) == THEIRS.is_pruned(torch.nn.Sequential(expected))
    for lib, layer in ((torch, expected), (candle, actual)):
        optimizer = lib.optim.SGD(layer.parameters(), 0.1)
        for seed in range(2):  # what is pruned gets no gradient
            optimizer.zero_grad()
            layer(lib.tensor(normal(3, 6, seed=seed))).square().sum().backward()
            optimizer.step()
    alike(expected, actual)


def test_by_other_scores_and_by_a_mask() -> None:
    scores, mask = normal(4, 6, seed=3), normal(4, 6, seed=4) > 0
    pairs = layers()
    for (lib, p), layer in zip(SIDES, pairs):
        p.l1_unstructured(layer, "weight", 5, importance_scores=lib.tensor(scores))
        p.custom_from_mask(layer, "weight", lib.tensor(mask))
    alike(*pairs)


def test_several_at_once() -> None:
    first, second = layers(), layers()
    for i, (lib, p) in enumerate(SIDES):
        p.l1_unstructured(first[i], "weight", 4)
        places = [(first[i], "weight"), (second[i], "bias"), (second[i], "weight")]
        scores = {(second[i], "bias"): lib.tensor(normal(4, seed=5))}
        p.global_unstructured(places, p.L1Unstructured, importance_scores=scores, amount=0.4)
    alike(first[0], first[1])
    alike(second[0], second[1])


def test_at_random() -> None:
    candle.manual_seed(0)
    layer = prune.random_unstructured(candle.nn.Linear(6, 4), "weight", 0.25)
    assert layer.weight_mask.sum() == 18
    prune.random_structured(layer, "weight", 2, dim=1)
    assert (layer.weight_mask.sum(0) == 0).sum() == 2
    assert [type(each).__name__ for each in prune.RandomUnstructured.apply(layer, "weight", 0)] == [
        "RandomUnstructured",
        "RandomStructured",
        "RandomUnstructured",
    ]


def test_a_tensor_alone() -> None:
    x = normal(3, 4)
    for (lib, p), other in zip(SIDES, SIDES[::-1]):
        pruned = p.L1Unstructured(5).prune(lib.tensor(x))
        assert pruned.tolist() == other[1].L1Unstructured(5).prune(other[0].tensor(x)).tolist()


MISTAKES = {
    "amount=99 is more than there are, 24": (ValueError, lambda p, m: p.l1_unstructured(m, "weight", 99)),
    "an int from 0 or a float 0 to 1, got 1.5": (ValueError, lambda p, m: p.l1_unstructured(m, "weight", 1.5)),
    "amount must be a number, got 'x'": (TypeError, lambda p, m: p.random_unstructured(m, "weight", "x")),
    "has no slices": (ValueError, lambda p, m: p.ln_structured(m, "bias", 1, 2, 0)),
    "dim 5 is out of range": (IndexError, lambda p, m: p.ln_structured(m, "weight", 1, 2, 5)),
    "'bias' of Linear is not pruned": (ValueError, lambda p, m: p.remove(m, "bias")),
    "no attribute 'nope'": (AttributeError, lambda p, m: p.l1_unstructured(m, "nope", 1)),
    "prunes structured, not elements": (
        TypeError,
        lambda p, m: p.global_unstructured([(m, "weight")], p.LnStructured, amount=1, n=1),
    ),
}


@pytest.mark.parametrize("says", MISTAKES)
def test_mistakes(says: str) -> None:
    kind, call = MISTAKES[says]
    for (lib, p), told in zip(SIDES, (None, says)):
        layer = lib.nn.Linear(6, 4)
        with pytest.raises(kind, match=told):
            call(p, layer)
        assert {*layer.state_dict()} == {"weight", "bias"}
        assert not p.is_pruned(layer)


def test_scores_and_masks_of_another_shape() -> None:
    layer = candle.nn.Linear(6, 4)
    with pytest.raises(ValueError, match=r"importance_scores have shape \(3,\), the tensor \(4, 6\)"):
        prune.l1_unstructured(layer, "weight", 1, importance_scores=candle.ones(3))
    with pytest.raises(ValueError, match=r"the mask has shape \(3,\), the tensor \(4, 6\)"):
        prune.custom_from_mask(layer, "weight", candle.ones(3))
