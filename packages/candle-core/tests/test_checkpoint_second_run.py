"""The second run of a checkpointed function: the same random numbers, modes and values, or an error."""

from __future__ import annotations

import re

import pytest
import torch

import candle
from candle.utils.checkpoint import checkpoint

from .oracle import to_candle

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)


def test_the_same_random_numbers_are_drawn_again() -> None:
    masks = []

    def function(t):
        mask = candle.rand(3, dtype=candle.float64)
        masks.append(mask.tolist())
        return (t * mask).exp() * mask

    candle.manual_seed(7)
    x = to_candle(X)
    checkpoint(function, x).sum().backward()
    assert masks[0] == masks[1]
    mask = candle.tensor(masks[0], dtype=candle.float64)
    assert x.grad.tolist() == pytest.approx(((x.detach() * mask).exp() * mask * mask).tolist(), rel=1e-12)


def test_the_program_goes_on_where_its_generator_stood() -> None:
    def draws(checkpointed: bool) -> list[float]:
        candle.manual_seed(7)
        x = to_candle(X)
        function = lambda t: (t * candle.rand(3, dtype=candle.float64)).exp()  # noqa: E731
        y = checkpoint(function, x) if checkpointed else function(x)
        between = candle.rand(1).item()
        y.sum().backward()
        return [between, candle.rand(1).item()]

    assert draws(True) == draws(False)


def test_without_preserving_the_numbers_differ() -> None:
    masks = []

    def function(t):
        masks.append(candle.rand(3, dtype=candle.float64).tolist())
        return (t * 2).exp()

    checkpoint(function, to_candle(X), preserve_rng_state=False).sum().backward()
    assert len(masks) == 2
    assert masks[0] != masks[1]


def test_dropout_inside() -> None:
    candle.manual_seed(3)
    x = candle.ones(1000, requires_grad=True)
    y = checkpoint(lambda t: candle.dropout(t.exp(), 0.5, True).sin(), x)
    y.sum().backward()
    zero = (y == 0).tolist()
    assert 300 < sum(zero) < 700
    assert (x.grad == 0).tolist() == zero


def test_autocast_holds_in_the_second_run_too() -> None:
    dtypes = []

    def function(t):
        product = t @ t
        dtypes.append(product.dtype)
        return product.float().exp()

    x = candle.ones(2, 2, requires_grad=True)
    with candle.autocast("cpu", dtype=candle.float16):
        y = checkpoint(function, x)
    y.sum().backward()
    assert dtypes == [candle.float16, candle.float16]


def test_an_exception_inside_leaves_everything_usable() -> None:
    def fails(t):
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        checkpoint(fails, to_candle(X))
    x = to_candle(X)
    (x.exp() * x).sum().backward()
    assert x.grad is not None


def test_an_exception_in_the_second_run_leaves_everything_usable() -> None:
    runs = []

    def fails_later(t):
        runs.append(1)
        if len(runs) == 2:
            raise ValueError("on purpose")
        return t.exp().sin()

    x = to_candle(X)
    state = candle.get_rng_state().tolist()
    y = checkpoint(fails_later, x).sum()
    with pytest.raises(ValueError, match="on purpose"):
        y.backward(retain_graph=True)
    assert candle.get_rng_state().tolist() == state
    assert candle.is_grad_enabled()
    y.backward()  # the third run succeeds
    assert x.grad is not None


def test_a_function_that_does_something_else_the_second_time_is_noticed() -> None:
    runs = []

    def changes(t):
        runs.append(1)
        return t.exp().sin() if len(runs) == 1 else t.exp().sin().cos()

    with pytest.raises(RuntimeError, match=r"checkpoint.*same"):
        checkpoint(changes, to_candle(X)).sum().backward()


def test_other_shapes_the_second_time_are_noticed() -> None:
    runs = []

    def changes(t):
        runs.append(1)
        return t.exp().sin() if len(runs) == 1 else t[:2].exp().sin()

    with pytest.raises(RuntimeError, match="checkpoint"):
        checkpoint(changes, to_candle(X)).sum().backward()


def test_an_input_written_since_is_noticed_or_kept() -> None:
    """The second run must not quietly start from other values."""
    x = to_candle(X)
    y = x * 2
    z = checkpoint(lambda t: t.exp(), y)
    right = (2 * z.detach()).tolist()
    with candle.no_grad():
        y.mul_(10)
    try:
        z.sum().backward()
    except RuntimeError as error:
        if not re.search("modified|checkpoint", str(error)):
            raise
    else:
        assert x.grad.tolist() == right


def test_hooks_inside_do_not_leak_out() -> None:
    """Results of the second run are not the program's; its hooks run once."""
    calls = []

    def function(t):
        y = t.exp()
        y.register_hook(lambda grad: calls.append(grad.tolist()))
        return y.sin()

    checkpoint(function, to_candle(X)).sum().backward()
    assert len(calls) == 1
