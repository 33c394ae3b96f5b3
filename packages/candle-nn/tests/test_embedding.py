"""Tables of vectors: every repeated row gets all its gradients, and the rarer options do what torch's do."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

import candle
from candle import nn
from candle.nn import functional as F

from .twins import agree, check, normal, twin

WEIGHT = normal(5, 3)
REPEATED = np.array([[1, 1, 4], [1, 0, 4]])


@pytest.mark.parametrize("options", [{}, {"padding_idx": 1}, {"padding_idx": -1}, {"scale_grad_by_freq": True}])
def test_a_row_named_twice_gets_both_gradients(options: dict) -> None:
    def call(module):
        return lambda weight, indices: module.embedding(indices, weight, **options)

    check(call(TF), call(F), WEIGHT, REPEATED)


@pytest.mark.parametrize("norm_type", [1.0, 2.0, float("inf")])
def test_max_norm_shortens_the_rows_that_are_used_in_place(norm_type: float) -> None:
    theirs, ours = torch.tensor(WEIGHT, requires_grad=True), candle.tensor(WEIGHT, requires_grad=True)
    expected = TF.embedding(torch.tensor(REPEATED), theirs, max_norm=0.8, norm_type=norm_type)
    actual = F.embedding(candle.tensor(REPEATED), ours, max_norm=0.8, norm_type=norm_type)
    agree(expected, actual)
    agree(theirs, ours)
    assert ours.numpy(force=True)[2].tolist() == WEIGHT[2].tolist()
    expected.square().sum().backward()
    actual.square().sum().backward()
    agree(theirs.grad, ours.grad)


BAGS = {
    "rows": (REPEATED, None, {}),
    "offsets": (np.array([1, 2, 4, 0, 1]), np.array([0, 2, 2]), {}),
    "empty last": (np.array([1, 2, 4]), np.array([0, 2, 3]), {}),
    "last offset": (np.array([1, 2, 4]), np.array([0, 2, 3]), {"include_last_offset": True}),
    "padding": (REPEATED, None, {"padding_idx": 1}),
    "padding, offsets": (np.array([1, 1, 4, 0, 1]), np.array([0, 2, 3]), {"padding_idx": -4}),
    "short": (REPEATED, None, {"max_norm": 0.5}),
}


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("case", BAGS)
def test_bags(case: str, mode: str) -> None:
    indices, offsets, options = BAGS[case]

    def call(module):
        return lambda weight, *given: module.embedding_bag(given[0], weight * 1, *given[1:], mode=mode, **options)

    check(call(TF), call(F), WEIGHT, indices, *([] if offsets is None else [offsets]))


def test_gradients_of_bags_by_frequency() -> None:
    """Against embedding, whose sums they are: torch counts some rows wrong in embedding_bag."""
    check(
        lambda weight, indices: TF.embedding(indices, weight, scale_grad_by_freq=True).sum(1),
        lambda weight, indices: F.embedding_bag(indices, weight, scale_grad_by_freq=True, mode="sum"),
        WEIGHT,
        REPEATED,
    )


def test_weights_of_samples_have_gradients_too() -> None:
    def call(module):
        return lambda weight, share, indices: module.embedding_bag(
            indices, weight, mode="sum", per_sample_weights=share
        )

    check(call(TF), call(F), WEIGHT, normal(2, 3, seed=1), REPEATED)


LAYERS = ["Embedding(5, 3)", "Embedding(5, 3, padding_idx=-1)", "EmbeddingBag(5, 3, mode='sum', padding_idx=2)"]
LAYERS += ["Embedding(5, 3, 1, 0.7, 1.0, True)", "EmbeddingBag(5, 3, 0.7, 3.0, True)", "EmbeddingBag(5, 3)"]


@pytest.mark.parametrize("made", LAYERS)
def test_layers(made: str) -> None:
    theirs, ours = twin(eval(f"torch.nn.{made}"), eval(f"nn.{made}"))
    assert repr(theirs) == repr(ours)
    agree(theirs(torch.tensor(REPEATED)), ours(candle.tensor(REPEATED)))
    fresh = eval(f"nn.{made}")
    if fresh.padding_idx is not None:
        assert fresh.weight[fresh.padding_idx].tolist() == [0, 0, 0]
        rest = [row for i, row in enumerate(fresh.weight.tolist()) if i != fresh.padding_idx]
        assert all(any(row) for row in rest)


def test_first_values_are_normal() -> None:
    candle.manual_seed(0)
    values = nn.Embedding(300, 200).weight.detach().numpy()
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 1) < 0.01


def test_from_pretrained_is_frozen_and_shares_the_values() -> None:
    table = candle.tensor(WEIGHT)
    for layer in (nn.Embedding, nn.EmbeddingBag):
        assert not layer.from_pretrained(table).weight.requires_grad
        made = layer.from_pretrained(table, freeze=False)
        assert made.weight.requires_grad
        assert made.weight.tolist() == table.tolist()
        with pytest.raises(AssertionError, match="2 dims"):
            layer.from_pretrained(table[0])
    assert nn.EmbeddingBag.from_pretrained(table, mode="max").mode == "max"


@pytest.mark.parametrize("classes", [-1, 5, 7])
def test_one_hot(classes: int) -> None:
    assert F.one_hot(candle.tensor(REPEATED), classes).tolist() == TF.one_hot(torch.tensor(REPEATED), classes).tolist()


index = candle.tensor([0, 1])
MISTAKES = [
    (lambda w: F.embedding(index, w, sparse=True), NotImplementedError, "sparse"),
    (lambda w: nn.Embedding(3, 2, sparse=True), NotImplementedError, "sparse"),
    (lambda w: F.embedding(index.numpy(), w), TypeError, "input must be a Tensor, got ndarray"),
    (lambda w: F.embedding_bag(index, w), ValueError, "needs offsets"),
    (lambda w: F.embedding_bag(index[None], w, index), ValueError, "offsets must be None"),
    (lambda w: F.embedding_bag(index, w, index + 1), ValueError, "begin with 0"),
    (lambda w: F.embedding_bag(index, w, index, mode="prod"), ValueError, "mode must be"),
    (lambda w: F.embedding_bag(index[None], w, per_sample_weights=w), NotImplementedError, "mode='sum'"),
    (lambda w: F.embedding_bag(index[None], w, mode="sum", per_sample_weights=w), ValueError, "input's shape"),
    (lambda w: F.embedding(candle.tensor([9]), w), IndexError, "out of bounds for dimension 0 with size 5"),
    (lambda w: nn.Embedding(3, 2, padding_idx=3), AssertionError, "padding_idx"),
    (lambda w: nn.Embedding(3, 2, _weight=w), AssertionError, r"shape \(3, 2\)"),
    (lambda w: F.one_hot(candle.tensor([3]), 2), RuntimeError, "smaller than num_classes"),
    (lambda w: F.one_hot(candle.tensor([-1]), 2), RuntimeError, "negative"),
    (lambda w: F.one_hot(candle.tensor([1.0])), RuntimeError, "int64"),
]


@pytest.mark.parametrize(("call", "kind", "told"), MISTAKES)
def test_mistakes_are_named(call, kind, told) -> None:
    with pytest.raises(kind, match=told):
        call(candle.tensor(copy.copy(WEIGHT)))
