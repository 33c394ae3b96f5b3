"""Gradients that frameworks of candle's kind get wrong: each test is named after what must not happen here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import candle
from candle import nn

from .both import check, normal

TOKENS = np.array([[2, 0, 2, 2], [1, 2, 1, 0]])  # each row repeats some; 3 appears in none


def test_repeated_tokens_of_a_row_all_count_in_the_embedding_gradient() -> None:
    """Elsewhere a token that a row repeats is counted once, or the last of them overwrites the others."""
    check(lambda lib, F, table, tokens: F.embedding(tokens, table), normal(4, 3), TOKENS)


def test_the_embedding_layer_learns_what_it_was_shown() -> None:
    """Elsewhere the gradient is zero, or the layer raises."""
    layer = nn.Embedding(4, 3)
    layer(candle.tensor(TOKENS)).sum().backward()
    assert layer.weight.grad.sum(1).tolist() == [
        3.0 * n for n in (2, 2, 4, 0)
    ]  # how often each appears, three features


GATHERS: dict[str, Any] = {
    "gather": lambda lib, F, x, i: lib.gather(x, 0, i[:, :3]),
    "indexing": lambda lib, F, x, i: x[i],
    "two indices": lambda lib, F, x, i: x[i, i % 3],
    "index_select": lambda lib, F, x, i: lib.index_select(x, 0, i[0]),
    "take": lambda lib, F, x, i: lib.take(x, i),
}


@pytest.mark.parametrize("name", GATHERS)
def test_gathering_one_place_twice_adds_both_gradients(name: str) -> None:
    """Elsewhere the second is assigned over the first."""
    check(GATHERS[name], normal(4, 3), TOKENS)


def test_a_column_and_a_row_multiply() -> None:
    """(3, 4) * (3, 1) hangs elsewhere, or is refused."""
    check(lambda lib, F, x, y: x * y, normal(3, 4), normal(3, 1))


BROADCASTS: dict[str, Any] = {
    "add": lambda lib, F, x, y: x + y,
    "sub": lambda lib, F, x, y: x - y,
    "div": lambda lib, F, x, y: x / (y * y + 1),
    "where": lambda lib, F, x, y: lib.where(x > y, x, y),
}


@pytest.mark.parametrize("name", BROADCASTS)
def test_gradients_of_what_was_broadcast_are_summed_back(name: str) -> None:
    """Elsewhere there is no broadcasting at all."""
    check(BROADCASTS[name], normal(2, 1, 4), normal(3, 1))


OTHERS: dict[str, Any] = {
    "a sum that keeps its dim": lambda lib, F, x: x.sum(dim=1, keepdim=True) * x,
    "a mean that keeps its dims": lambda lib, F, x: x / (x * x).mean(dim=(0, 2), keepdim=True),
    "softmax": lambda lib, F, x: x.softmax(-1),
    "softmax over another dim": lambda lib, F, x: x.softmax(1),
    "gelu": lambda lib, F, x: F.gelu(x),
    "gelu's tanh form": lambda lib, F, x: F.gelu(x, approximate="tanh"),
    "batched matmul": lambda lib, F, x: x @ x.transpose(1, 2),
    "batches times one matrix": lambda lib, F, x: x @ x[0].T,
    "slices": lambda lib, F, x: x[:, 1:, ::2] * x[:, :-1, 1::2],
    "a boolean mask": lambda lib, F, x: x[x.detach() > 0] ** 2,
}


@pytest.mark.parametrize("name", OTHERS)
def test_gradients_that_others_get_wrong(name: str) -> None:
    """Sums with keepdims, softmax, GELU, batched matmul, indexing."""
    check(OTHERS[name], normal(2, 3, 4))


def test_three_dims_multiply_three_dims() -> None:
    """3-D @ 3-D fails elsewhere."""
    check(lambda lib, F, x, y: x @ y, normal(5, 2, 3), normal(5, 3, 4))


def test_where_has_a_gradient_on_both_sides() -> None:
    """Elsewhere `where` has no backward."""
    check(lambda lib, F, x, y: lib.where(x > 0, x * x, y * 3), normal(3, 4), normal(3, 4, seed=1))


def masked_attention(lib: Any, F: Any, q: Any, k: Any, v: Any) -> Any:
    scores = q @ k.transpose(-2, -1)
    seen = lib.ones(5, 5, dtype=lib.bool).tril()
    return lib.where(seen, scores, -lib.inf).softmax(-1) @ v


def test_masked_attention_trains() -> None:
    """With a `where` that has no backward, nothing before the mask learns."""
    check(masked_attention, *(normal(2, 3, 5, 4, seed=seed) for seed in range(3)))


@pytest.mark.parametrize("pool", ["max_pool2d", "avg_pool2d"])
def test_pooling_has_gradients(pool: str) -> None:
    """There is no pooling elsewhere."""
    check(lambda lib, F, x: getattr(F, pool)(x, 3, stride=2, padding=1), normal(2, 3, 7, 6))


def test_a_second_backward_adds() -> None:
    """Elsewhere it overwrites the first one's gradients."""
    x = candle.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    (3 * x).sum().backward()
    assert x.grad.tolist() == [2 * 1 + 3, 2 * 2 + 3]
