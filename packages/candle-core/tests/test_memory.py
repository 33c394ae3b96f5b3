"""Memory comes back by reference counting alone: the garbage collector is off in these tests."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

import candle
from candle.utils.checkpoint import checkpoint

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def live() -> int:
    """How many tensors and nodes there are."""
    node = type((candle.ones(1, requires_grad=True) * 2).grad_fn)
    return sum(issubclass(type(each), candle.Tensor | node) for each in gc.get_objects())


def leaf(*shape: int) -> candle.Tensor:
    return candle.ones(*shape, dtype=candle.float64).requires_grad_()


class Square(candle.autograd.Function):
    """Saves its input and its output."""

    @staticmethod
    def forward(ctx, x):
        y = x * x
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        return grad * (x + y / x)


class Failing(candle.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x * 1
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, grad):
        raise ValueError("on purpose")


# Each is one step of somebody's program.


def perceptron() -> None:
    x, w, b = leaf(3, 4), leaf(4, 2), leaf(2)
    (x @ w + b).relu().softmax(-1).log().mean().backward()


def without_backward() -> None:
    x = leaf(3)
    (x.exp() * x).tanh().sum()


def writes_into_views() -> None:
    y = leaf(3, 4) * 2
    row, column = y[0], y[:, 1]
    row.mul_(column[:1].clone()).exp_()
    y[1:, [0, 2]] = column[1:, None] * 3
    (y * row.sum()).sum().backward()


def writes_into_itself() -> None:
    y = leaf(3) * 2
    y.mul_(y).sigmoid_()
    y.sum().backward()


def saved_by_a_function() -> None:
    Square.apply(leaf(3)).sum().backward()


def saved_by_a_function_that_never_runs() -> None:
    Square.apply(leaf(3)).sum()


def second_derivative_of_a_function() -> None:
    x = leaf(3)
    (g,) = candle.autograd.grad(Square.apply(x).sum(), x, create_graph=True)
    (g * g).sum().backward()


def fourth_derivative() -> None:
    x = leaf(3)
    y = x.sin() * x.exp()
    for _ in range(4):
        (y,) = candle.autograd.grad(y.sum(), x, create_graph=True)


def hooks_and_retained_gradients() -> None:
    x = leaf(3)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda grad: grad * 2)
    x.register_post_accumulate_grad_hook(lambda t: None)
    y.grad_fn.register_hook(lambda inputs, outputs: None)
    (y * y).sum().backward()
    assert y.grad is not None


def a_graph_kept_and_used_twice() -> None:
    x = leaf(3)
    loss = x.exp().sum()
    loss.backward(retain_graph=True)
    loss.backward()


def failing_backward() -> None:
    with pytest.raises(ValueError, match="on purpose"):
        (Failing.apply(leaf(3).exp()) * leaf(3)).sum().backward()


def failing_forward() -> None:
    x = leaf(3)
    with pytest.raises(RuntimeError, match="mul"):
        x.exp() * leaf(4)


def failing_second_backward() -> None:
    loss = leaf(3).exp().sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        loss.backward()


def several_outputs() -> None:
    x = leaf(4, 3)
    values, places = x.topk(2)
    parts = x.unbind(0)
    candle.cat([values.sum(1), parts[0] * parts[1], x.max(0).values]).sum().backward()
    assert places.dtype is candle.int64


def checkpointed() -> None:
    x = leaf(3)
    checkpoint(lambda t: (t.exp() * x).sin(), x * 2, use_reentrant=False).sum().backward()


def checkpointed_and_dropped() -> None:
    checkpoint(lambda t: t.exp().sin(), leaf(3) * 2, use_reentrant=False)


def packed_away() -> None:
    with candle.autograd.graph.saved_tensors_hooks(
        lambda t: t.tolist(), lambda kept: candle.tensor(kept, dtype=candle.float64)
    ):
        y = leaf(3).exp().sin()
    y.sum().backward()


def with_anomaly_mode() -> None:
    with candle.autograd.detect_anomaly():
        (leaf(3).exp() * 2).sum().backward()


def with_autocast() -> None:
    with candle.autocast("cpu", dtype=candle.float16):
        loss = (candle.ones(2, 2, requires_grad=True) @ candle.ones(2, 2, requires_grad=True)).sum()
    loss.backward()


PROGRAMS: list[Callable[[], None]] = [
    *(perceptron, without_backward, writes_into_views, writes_into_itself, saved_by_a_function),
    *(saved_by_a_function_that_never_runs, second_derivative_of_a_function, fourth_derivative),
    *(hooks_and_retained_gradients, a_graph_kept_and_used_twice, failing_backward, failing_forward),
    *(failing_second_backward, several_outputs, checkpointed, checkpointed_and_dropped, packed_away),
    *(with_anomaly_mode, with_autocast),
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_nothing_is_left_after_a_step(program: Callable[[], None]) -> None:
    program()  # what is imported or cached the first time
    before = live()
    for _ in range(3):
        program()
    assert live() == before


def growth(program: Callable[[], None], steps: int) -> float:
    """Bytes that a step leaves behind."""
    for _ in range(20):
        program()
    tracemalloc.start()
    start = tracemalloc.get_traced_memory()[0]
    for _ in range(steps):
        program()
    end = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (end - start) / steps


def training() -> Callable[[], None]:
    """A step of a small network with momentum, its parameters outliving the step."""
    w, v = (candle.rand(8, 8, requires_grad=True) for _ in "wv")
    momentum = [candle.zeros(8, 8), candle.zeros(8, 8)]

    def step() -> None:
        loss = (candle.rand(4, 8) @ w).tanh().matmul(v).pow(2).mean()
        loss.backward()
        with candle.no_grad():
            for p, m in zip((w, v), momentum, strict=True):
                m.mul_(0.9).add_(p.grad)
                p.sub_(m * 0.01)
                p.grad = None

    return step


def test_200_training_steps_leave_less_than_a_kilobyte_each() -> None:
    assert growth(training(), 200) < 1_000


@pytest.mark.full
def test_5_000_training_steps_leave_less_than_a_kilobyte_each() -> None:
    assert growth(training(), 5_000) < 1_000


def traced(program: Callable[[], object]) -> int:
    """Bytes that are held while the result of the program is."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = program()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert result is not None
    return held


BIG = 131_072  # float64 values in a megabyte


def test_an_addition_keeps_no_arrays() -> None:
    a, b = leaf(BIG), leaf(BIG)
    assert traced(lambda: ((a + b) - a + 3).sum()) < MEGABYTE / 4


def test_a_product_keeps_only_what_its_derivative_reads() -> None:
    a, b = leaf(BIG), candle.ones(BIG, dtype=candle.float64)
    assert traced(lambda: ((a + 1) * b).sum()) < MEGABYTE / 4  # da needs b, and b needs no gradient
    assert MEGABYTE <= traced(lambda: ((a + 1) * a).sum()) < 2 * MEGABYTE  # da needs a + 1


def test_backward_frees_what_was_saved_though_the_loss_lives_on() -> None:
    x = leaf(BIG)

    def step() -> candle.Tensor:
        loss = x.exp().sin().tanh().sum()
        loss.backward()
        x.grad = None
        return loss

    assert traced(step) < MEGABYTE / 4


def test_a_long_backward_frees_as_it_goes() -> None:
    """The peak is the saved values and a few gradients, not a gradient for every node."""
    x = leaf(BIG)
    y = x
    for _ in range(20):
        y = y.exp().log()
    loss = y.sum()
    del y
    tracemalloc.start()
    loss.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MEGABYTE
