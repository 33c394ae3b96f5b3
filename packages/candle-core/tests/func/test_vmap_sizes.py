"""Batches of one example and of none, other devices, and threads."""

from __future__ import annotations

import threading

import pytest
import torch

import candle
import candle.testing.strict

from ..oracle import assert_same, to_candle
from .expressions import TORCH, Expression, examples
from .families import FAMILIES, TEXTS
from .test_vmap_ops import plain
from .weighing import inexact, weighted


def outputs(result):
    return list(result) if isinstance(result, tuple | list) else [result]


@pytest.mark.parametrize("text", TEXTS)
def test_a_batch_of_one(text: str) -> None:
    """A batch axis of 1 must not be taken for one that is the same for all."""
    expression = Expression(text)
    for i in range(len(expression.names)):
        inputs = [examples(name, 1) if i == j else examples(name) for j, name in enumerate(expression.names)]
        dims = tuple(0 if i == j else None for j in range(len(inputs)))
        rows = outputs(expression(TORCH, *(x[0] if i == j else x for j, x in enumerate(inputs))))
        found = candle.vmap(expression.bound(candle), dims)(*map(to_candle, inputs))
        assert_same(outputs(found), [r[None] for r in rows], str(dims))


@pytest.mark.parametrize("text", TEXTS)
def test_a_batch_of_none(text: str) -> None:
    """The shapes and dtypes of nothing."""
    expression = Expression(text)
    inputs = expression.inputs()
    expected = outputs(expression(TORCH, *inputs))
    found = candle.vmap(expression.bound(candle))(*(to_candle(x[None][:0]) for x in inputs))
    assert [tuple(o.shape) for o in outputs(found)] == [(0, *e.shape) for e in expected]
    assert [str(o.dtype).split(".")[1] for o in outputs(found)] == [str(e.dtype).split(".")[1] for e in expected]


ELSEWHERE = [
    text for family in ("arithmetic", "products", "indexing", "selection", "networks") for text in FAMILIES[family]
]


@pytest.mark.parametrize("device", ["strict", "frozen"])
@pytest.mark.parametrize("text", [text for text in ELSEWHERE if "lib.tensor" not in text and "lib.ones" not in text])
def test_on_other_devices(text: str, device: str) -> None:
    """vmap is built on the device's namespace, and what it makes lands there."""
    expression = Expression(text)
    inputs = expression.inputs(2)
    given = [to_candle(x).to(device) for x in inputs]
    found = candle.vmap(expression.bound(candle))(*given)
    expected = candle.vmap(expression.bound(candle))(*map(to_candle, inputs))
    for mine, other in zip(outputs(found), outputs(expected), strict=True):
        assert str(mine.device) == device
        assert_same(mine.cpu(), torch.from_numpy(other.numpy()))


@pytest.mark.parametrize("device", ["strict", "frozen"])
@pytest.mark.parametrize(
    "text", ["(x @ w).softmax(1)", "h[r]", "lib.layer_norm(x, [3], v, u)", "lib.cross_entropy(x, g)"]
)
def test_gradients_on_other_devices(text: str, device: str) -> None:
    expression = Expression(text)
    inputs = expression.inputs(2)
    argnums = tuple(i for i, x in enumerate(inputs) if inexact(x))

    def loss(*xs):
        out = expression(candle, *xs)
        return (out * out).sum() if out.ndim else out * out

    found = candle.vmap(candle.func.grad(loss, argnums))(*(to_candle(x).to(device) for x in inputs))
    expected = candle.vmap(candle.func.grad(loss, argnums))(*map(to_candle, inputs))
    for mine, other in zip(found, expected, strict=True):
        assert str(mine.device) == device
        assert_same(mine.cpu(), torch.from_numpy(other.numpy()))


def test_threads_have_levels_of_their_own() -> None:
    """A vmap running in one thread is none of another's business."""
    started, done, results = threading.Event(), threading.Event(), {}

    def outer() -> None:
        def function(row):
            started.set()
            done.wait(10)
            return row * 2

        results["outer"] = candle.vmap(function)(candle.ones(2, 3)).tolist()

    def other() -> None:
        started.wait(10)
        results["plain"] = candle.ones(3).sum().item()
        results["grad"] = candle.func.grad(lambda x: (x * x).sum())(candle.ones(3)).tolist()
        results["vmap"] = candle.vmap(lambda r: r.sum())(candle.ones(4, 3)).tolist()
        done.set()

    threads = [threading.Thread(target=each) for each in (outer, other)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert results == {"outer": [[2.0] * 3] * 2, "plain": 3.0, "grad": [2.0] * 3, "vmap": [3.0] * 4}


def test_weights_are_for_every_element() -> None:
    """What these tests sum up losses by tells elements apart."""
    values = torch.arange(1, 5, dtype=torch.float64)
    assert weighted(TORCH, values) != weighted(TORCH, values.flip(0))
    assert plain([1]) == (1,)
