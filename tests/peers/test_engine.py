"""Where engines of candle's kind fail: precision, deep and wide graphs, no_grad, messages."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest

import candle
from candle import nn

BIG = 2**24 + 1  # the first integer that float32 does not have


KEEPING: dict[str, Any] = {
    "tensor": lambda x: x,
    "add": lambda x: x + 0,
    "mul": lambda x: x * 1,
    "neg": lambda x: x.neg().neg(),
    "abs": lambda x: x.abs(),
    "sum": lambda x: x.sum(),
    "max": lambda x: x.max(),
    "matmul": lambda x: x[None] @ x.new_ones(1, 1),
    "where": lambda x: candle.where(x > 0, x, 0),
    "cat": lambda x: candle.cat([x, x]),
    "index": lambda x: x[candle.tensor([0])],
    "reshape": lambda x: x.reshape(1, 1).T.clone(),
    "clamp": lambda x: x.clamp(min=0),
    "cumsum": lambda x: x.cumsum(0),
    "sort": lambda x: x.sort().values,
    "copy": lambda x: x.clone().fill_(x[0]),
}


@pytest.mark.parametrize("dtype", ["float64", "int64"])
@pytest.mark.parametrize("name", KEEPING)
def test_no_operation_goes_through_float32(name: str, dtype: str) -> None:
    """Elsewhere every operation casts, and 2**24 + 1 becomes 2**24."""
    result = KEEPING[name](candle.tensor([BIG], dtype=getattr(candle, dtype)))
    assert str(result.dtype) == f"candle.{dtype}"
    assert set(result.flatten().tolist()) == {BIG}


def test_no_gradient_goes_through_float32() -> None:
    """Nor its gradient."""
    x = candle.ones(2, dtype=candle.float64, requires_grad=True)
    (x * BIG).sum().backward()
    assert x.grad.dtype is candle.float64
    assert x.grad.tolist() == [BIG, BIG]


def test_a_graph_deeper_than_pythons_stack_goes_back() -> None:
    """A backward that recurses ends in a RecursionError."""
    x = y = candle.tensor(0.5, requires_grad=True)
    for _ in range(2 * sys.getrecursionlimit()):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1.0


def test_a_diamond_is_walked_once() -> None:
    """A backward that walks every path takes 2**16 steps for 16 sums of two."""
    calls = []
    x = y = candle.tensor(1.0, dtype=candle.float64, requires_grad=True)
    for _ in range(16):
        y = y + y
        y.register_hook(lambda grad: calls.append(grad.item()))
    y.backward()
    assert x.grad.item() == 2.0**16
    assert calls == [2.0**i for i in range(16)]


def test_the_graph_is_freed_without_the_garbage_collector() -> None:
    """A tensor that holds its graph and is held by it stays until the collector comes, or for good."""
    gc.disable()
    try:
        x = candle.ones(3, requires_grad=True)
        middle = x * 2
        seen = weakref.ref(middle.grad_fn)
        loss = (middle * middle).sum()
        loss.backward()
        del middle, loss
        assert seen() is None
    finally:
        gc.enable()


def test_no_grad_records_nothing() -> None:
    """Elsewhere it sets a flag that nobody reads."""
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 1))
    with candle.no_grad():
        inner = model[0](candle.ones(2, 3))
        out = model(candle.ones(2, 3)) + model[3].weight.sum()
    for each in (inner, out):
        assert not each.requires_grad
        assert each.grad_fn is None
    assert model(candle.ones(2, 3)).requires_grad


A, B, VECTOR = candle.ones(3, 4), candle.ones(5, 6), candle.ones(7)
WRONG: dict[str, tuple[Any, str, str]] = {
    "add": (lambda: A + B, "(3, 4)", "(5, 6)"),
    "mul": (lambda: A * B, "(3, 4)", "(5, 6)"),
    "matmul": (lambda: A @ B, "(3, 4)", "(5, 6)"),
    "batched matmul": (lambda: A[None] @ B[None], "(1, 3, 4)", "(1, 5, 6)"),
    "where": (lambda: candle.where(A > 0, B, 0.0), "(3, 4)", "(5, 6)"),
    "cat": (lambda: candle.cat([A, B]), "(3, 4)", "(5, 6)"),
    "stack": (lambda: candle.stack([A, B]), "(3, 4)", "(5, 6)"),
    "einsum": (lambda: candle.einsum("ij,jk->ik", A, B), "(3, 4)", "(5, 6)"),
    "copy_": (lambda: A.clone().copy_(B), "(3, 4)", "(5, 6)"),
    "setitem": (lambda: A.clone().__setitem__(0, VECTOR), "(7,)", "(4,)"),
    "expand": (lambda: A.expand(5, 6), "(3, 4)", "(5, 6)"),
    "a gradient": (lambda: A.clone().requires_grad_().mul(2).backward(B), "(3, 4)", "(5, 6)"),
    "linear": (lambda: nn.functional.linear(A, B), "(3, 4)", "(5, 6)"),
    "a layer": (lambda: nn.Linear(6, 5)(A), "(3, 4)", "(5, 6)"),
    "conv2d": (lambda: nn.Conv2d(2, 3, 3)(candle.ones(1, 4, 8, 8)), "(1, 4, 8, 8)", "(3, 2, 3, 3)"),
    "cross_entropy": (lambda: nn.functional.cross_entropy(A, VECTOR.long()), "(3, 4)", "(7,)"),
    "layer_norm": (lambda: nn.LayerNorm(6)(A), "(3, 4)", "(6,)"),
    "load_state_dict": (
        lambda: nn.Linear(4, 3, bias=False).load_state_dict({"weight": B}),
        "[3, 4]",  # in PyTorch's words
        "[5, 6]",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_message_names_both_shapes(name: str) -> None:
    """What users of other frameworks ask for."""
    call, one, other = WRONG[name]
    with pytest.raises((RuntimeError, ValueError, IndexError)) as raised:
        call()
    assert one in str(raised.value)
    assert other in str(raised.value)


def test_a_graph_has_a_picture() -> None:
    """Users ask to see it: every operation, its shape, and the names of the leaves."""
    w, x = candle.ones(3, 4, requires_grad=True), candle.ones(5, 3)
    picture = str(candle.graph((x @ w).relu().sum(), w=w))
    for part in ("sum ()", "relu (5, 4)", "matmul (5, 4)", "w (3, 4)"):
        assert part in picture
