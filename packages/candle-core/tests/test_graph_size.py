"""Large graphs: linear work, no recursion, whether gone back through or merely dropped."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Iterator

import pytest

import candle

DEEP = 100_000


@pytest.fixture
def little_stack() -> Iterator[None]:
    """Room for some calls, not for a recursion as deep as the graph."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    yield
    sys.setrecursionlimit(before)


def chain(x: candle.Tensor, length: int) -> candle.Tensor:
    for _ in range(length):
        x = x + 1
    return x


def test_a_chain_of_100_000_operations_goes_backward(little_stack: None) -> None:
    x = candle.tensor(2.0, dtype=candle.float64, requires_grad=True)
    y = chain(x, DEEP)
    (y * y).backward()
    assert x.grad.item() == 2 * (2.0 + DEEP)


def test_a_chain_of_100_000_operations_can_be_dropped(little_stack: None) -> None:
    x = candle.tensor(2.0, requires_grad=True)
    y = chain(x, DEEP)
    assert y.item() == 2.0 + DEEP
    del y
    (x * 3).backward()
    assert x.grad.item() == 3.0


def test_a_long_chain_that_keeps_its_values_can_be_dropped(little_stack: None) -> None:
    x = y = candle.tensor(0.5, requires_grad=True)
    for _ in range(DEEP // 2):
        y = (y * y).sqrt()
    del y
    (x * 3).backward()
    assert x.grad.item() == 3.0


def test_a_thread_with_a_small_stack_is_enough() -> None:
    """Neither Python's recursion limit nor C's stack, for going backward and for dropping."""
    results = []

    def work() -> None:
        x = candle.tensor(2.0, requires_grad=True)
        chain(x, 20_000).exp()
        y = chain(x, 20_000)
        (y * y).backward()
        results.append(x.grad.item())

    before = threading.stack_size(256 * 1024)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    threading.stack_size(before)
    assert results == [2 * 20_002.0]


def test_grad_by_an_input_walks_a_long_chain(little_stack: None) -> None:
    x = candle.tensor(2.0, dtype=candle.float64, requires_grad=True)
    middle = chain(x, DEEP // 2)
    end = chain(middle * 3, DEEP // 2)
    assert [g.item() for g in candle.autograd.grad(end, [x, middle])] == [3.0, 3.0]


def test_a_long_chain_of_views_goes_backward(little_stack: None) -> None:
    x = candle.arange(4, dtype=candle.float64).reshape(2, 2).requires_grad_()
    y = x * 1
    for _ in range(5_000):
        y = y.T
    y[0].sum().backward()
    assert x.grad.tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_a_long_chain_of_writes_goes_backward(little_stack: None) -> None:
    x = candle.ones(3, dtype=candle.float64, requires_grad=True)
    y = x.clone()
    for _ in range(5_000):
        y[0].add_(1)
    y.sum().backward()
    assert y.tolist() == [5_001.0, 1.0, 1.0]
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_the_second_derivative_of_a_long_chain(little_stack: None) -> None:
    x = candle.tensor(2.0, dtype=candle.float64, requires_grad=True)
    y = chain(x, 10_000)
    (first,) = candle.autograd.grad(y**3, x, create_graph=True)
    (second,) = candle.autograd.grad(first, x)
    assert first.item() == 3 * 10_002.0**2
    assert second.item() == 6 * 10_002.0


def test_every_gradient_of_a_diamond_is_computed_once(little_stack: None) -> None:
    """10,000 joints, 2**10,000 paths."""
    calls = []
    x = y = candle.tensor(1.0, dtype=candle.float64, requires_grad=True)
    for _ in range(10_000):
        left, right = y * 0.25, y * 0.75
        y = left + right
        y.register_hook(lambda grad: calls.append(grad.item()))
    y.backward()
    assert x.grad.item() == 1.0
    assert calls == [1.0] * 10_000


def test_every_node_of_a_diamond_runs_once() -> None:
    runs = []

    class Half(candle.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 0.5

        @staticmethod
        def backward(ctx, grad):
            runs.append(1)
            return grad * 0.5

    x = y = candle.tensor(1.0, dtype=candle.float64, requires_grad=True)
    for _ in range(1_000):
        y = Half.apply(y) + Half.apply(y)
    y.backward()
    assert len(runs) == 2_000
    assert x.grad.item() == 1.0


def test_grad_visits_only_what_leads_to_its_inputs() -> None:
    runs = []

    class Seen(candle.autograd.Function):
        @staticmethod
        def forward(ctx, x, name):
            ctx.name = name
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            runs.append(ctx.name)
            return grad, None

    x, w = (candle.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    y = Seen.apply(x, "x") * Seen.apply(w, "w")
    assert candle.autograd.grad(y, [w])[0].item() == 2.0
    assert runs == ["w"]


def test_one_leaf_used_10_000_times() -> None:
    x = candle.tensor([1.0, 2.0], dtype=candle.float64, requires_grad=True)
    total = candle.zeros(2, dtype=candle.float64)
    for i in range(10_000):
        total = total + x * i
    total.sum().backward()
    assert x.grad.tolist() == [sum(range(10_000))] * 2


def test_a_gradient_waits_for_its_longest_path() -> None:
    """The short way to x must not be taken to the end before the long one has arrived."""
    x = candle.tensor(3.0, dtype=candle.float64, requires_grad=True)
    y = x * x
    z = y + chain(y, 100) * 2 + y.exp().log()
    seen = []
    y.register_hook(lambda grad: seen.append(round(grad.item(), 12)))
    z.backward()
    assert seen == [4.0]
    assert x.grad.item() == pytest.approx(24.0, rel=1e-12)
