"""Distances as functions and as layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

import candle
from candle import nn
from candle.nn import functional as F

from .twins import agree, check, normal

X, Y = normal(4, 3), normal(4, 3, seed=1)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_cosine_similarity(dim: int) -> None:
    check(lambda x, y: TF.cosine_similarity(x, y, dim), lambda x, y: F.cosine_similarity(x, y, dim), X, Y)
    check(lambda x, y: TF.cosine_similarity(x, y, dim), lambda x, y: F.cosine_similarity(x, y, dim), X * 0, Y)
    agree(
        torch.nn.CosineSimilarity(dim)(torch.tensor(X), torch.tensor(Y)),
        nn.CosineSimilarity(dim)(*map(candle.tensor, (X, Y))),
    )


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.5, np.inf])
def test_distances(p: float) -> None:
    check(lambda x, y: TF.pairwise_distance(x, y, p), lambda x, y: F.pairwise_distance(x, y, p), X, Y)
    check(lambda x: TF.pdist(x, p), lambda x: F.pdist(x, p), X)
    layers = (m.PairwiseDistance(p, keepdim=True) for m in (torch.nn, nn))
    agree(next(layers)(torch.tensor(X), torch.tensor(Y)), next(layers)(candle.tensor(X), candle.tensor(Y)))


def test_equal_rows_have_a_gradient_of_zero() -> None:
    x = candle.ones(3, 2, requires_grad=True)
    F.pdist(x).sum().backward()
    assert x.grad.abs().sum() == 0


def test_of_one_row_there_are_no_pairs() -> None:
    assert F.pdist(candle.zeros(1, 2)).shape == (0,)
    with pytest.raises(RuntimeError, match="expected a matrix"):
        F.pdist(candle.zeros(3))


def test_layers_look_like_torchs() -> None:
    assert repr(nn.CosineSimilarity()) == repr(torch.nn.CosineSimilarity())
    assert repr(nn.PairwiseDistance(1.0)) == repr(torch.nn.PairwiseDistance(1.0))
