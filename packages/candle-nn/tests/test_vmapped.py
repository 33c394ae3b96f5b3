"""Layers and losses under vmap: a batch of calls is the calls one by one, gradients included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import candle
from candle.nn import functional as F

from .twins import normal

X, Y = candle.tensor(normal(3, 4, 2)), candle.tensor(normal(3, 4, 2, seed=1))
P, Q = X.sigmoid(), Y.sigmoid()
WEIGHT = candle.tensor(normal(5, 2))
CLASSES = candle.tensor([[0, 1, 1, 0]] * 3)

CALLS: dict[str, tuple[Callable[..., Any], tuple[candle.Tensor, ...]]] = {
    "l1": (F.l1_loss, (X, Y)),
    "mse": (F.mse_loss, (X, Y)),
    "huber": (F.huber_loss, (X, Y)),
    "bce": (F.binary_cross_entropy, (P, Q)),
    "bce with logits": (F.binary_cross_entropy_with_logits, (X, Q)),
    "cross entropy": (F.cross_entropy, (X, CLASSES)),
    "multi margin": (F.multi_margin_loss, (X, CLASSES)),
    "triplet": (F.triplet_margin_loss, (X, Y, P)),
    "cosine": (F.cosine_similarity, (X, Y)),
    "pdist": (F.pdist, (X,)),
    "group norm": (lambda x: F.group_norm(x, 1), (X,)),
    "batch norm": (lambda x: F.batch_norm(x, None, None, training=True), (X,)),
    "batch norm, evaluation": (lambda x: F.batch_norm(x, Y[0, 0], P[0, 0]), (X,)),
    "prelu": (lambda x, w: F.prelu(x, w), (X, Y[:, 0])),
    "elu": (F.elu, (X,)),
    "glu": (F.glu, (X,)),
    "normalize": (F.normalize, (X,)),
    "one hot": (lambda x, i: F.one_hot(i, 3) * x[:, :1], (X, CLASSES)),
    "embedding": (lambda w, i: F.embedding(i, w), (candle.stack([WEIGHT, WEIGHT * 2, -WEIGHT]), CLASSES)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_batch_is_a_loop(name: str) -> None:
    function, inputs = CALLS[name]

    def gradient(*given: candle.Tensor) -> Any:
        return candle.func.grad(lambda *t: function(*t).sin().sum())(*given)

    for each in (function, gradient):
        many = candle.func.vmap(each)(*inputs)
        for i in range(3):
            one = each(*(x[i] for x in inputs))
            np.testing.assert_allclose(many[i].detach().numpy(), one.detach().numpy(), 1e-9, 1e-12)
