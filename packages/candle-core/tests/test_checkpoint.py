"""Checkpointing: the gradients of the plain program, with less kept in between."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest
import torch
from torch.utils.checkpoint import checkpoint as torch_checkpoint
from torch.utils.checkpoint import checkpoint_sequential as torch_checkpoint_sequential

import candle
from candle.utils.checkpoint import checkpoint, checkpoint_sequential

from .oracle import check_both, to_candle

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
W = torch.tensor([1.5, 0.25, -0.75], dtype=torch.float64, requires_grad=True)
CHECKPOINT = {torch: torch_checkpoint, candle: checkpoint}


def region(function, *args, lib, **options):
    return CHECKPOINT[lib](function, *args, use_reentrant=False, **options)


def test_gradients_of_arguments_and_of_what_is_closed_over() -> None:
    def program(lib, x, w):
        y = region(lambda t: (t * w).exp().sin() * t, x * 2, lib=lib)
        y.sum().backward()
        return y.detach(), x.grad, w.grad

    check_both(program, X, W)


def test_a_checkpointed_program_equals_the_plain_one() -> None:
    def layer(t, w):
        return (t * w).tanh() + t.exp().log1p()

    x, w = to_candle(X), to_candle(W)
    checkpoint(layer, checkpoint(layer, x, w), w).sum().backward()
    a, b = to_candle(X), to_candle(W)
    layer(layer(a, b), b).sum().backward()
    assert x.grad.tolist() == a.grad.tolist()
    assert w.grad.tolist() == b.grad.tolist()


def test_the_function_runs_once_more_and_only_if_needed() -> None:
    calls = []

    def function(t):
        calls.append(candle.is_grad_enabled())
        return t.exp().sin().cos()

    y = checkpoint(function, to_candle(X))
    assert calls == [True]
    y.sum().backward()
    assert calls == [True, True]
    checkpoint(function, to_candle(X))
    with candle.no_grad():
        checkpoint(function, to_candle(X))
    assert len(calls) == 4


def test_several_arguments_results_and_keywords() -> None:
    def program(lib, x, w):
        def function(a, n, b, *, scale, offset):
            return (a * b * scale).exp(), {"sum": (a + b).sin() * n}, offset

        y, more, text = region(function, x, 3, w, lib=lib, scale=x.detach(), offset="text")
        (y.sum() * 2 + more["sum"].sum()).backward()
        return y.detach(), text, x.grad, w.grad

    check_both(program, X, W)


def test_one_of_several_results_is_used() -> None:
    def program(lib, x, w):
        y, _ = region(lambda a, b: ((a * b).exp(), a.sin().exp()), x, w, lib=lib)
        y.sum().backward()
        return x.grad, w.grad

    check_both(program, X, W)


def test_arguments_that_need_no_gradient() -> None:
    def program(lib, x, w):
        y = region(lambda a, b: (a * b).exp(), x.detach(), w, lib=lib)
        y.sum().backward()
        plain = region(lambda a: a.exp(), x.detach(), lib=lib)
        return w.grad, plain.requires_grad

    check_both(program, X, W)


@pytest.mark.parametrize("depth", [2, 5])
def test_checkpoints_nest(depth: int) -> None:
    def program(lib, x, w):
        def nested(t, level):
            if not level:
                return (t * w).sin()
            return region(lambda s: nested(s.exp().log() + s * w, level - 1).cos(), t, lib=lib)

        y = nested(x, depth)
        y.sum().backward()
        return y.detach(), x.grad, w.grad

    check_both(program, X, W)


def test_autograd_grad_and_higher_derivatives() -> None:
    def program(lib, x, w):
        y = region(lambda t: (t * w).exp() * t.sin(), x, lib=lib)
        (g,) = lib.autograd.grad(y.sum(), [x], create_graph=True)
        (h,) = lib.autograd.grad((g**2).sum(), [x], create_graph=True)
        return y.detach(), g.detach(), h.detach(), lib.autograd.grad(h.sum(), [x, w])

    check_both(program, X, W)


def test_backward_twice_with_retain_graph() -> None:
    def program(lib, x, w):
        y = region(lambda t: (t * w).exp().sin(), x, lib=lib).sum()
        y.backward(retain_graph=True)
        y.backward()
        return x.grad, w.grad

    check_both(program, X, W)


def test_a_second_backward_without_it_raises() -> None:
    y = checkpoint(lambda t: t.exp().sin(), to_candle(X)).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()


# --- memory: what is held between forward and backward, and during backward ---

BIG = 131_072  # float64 values in a megabyte
MEGABYTE = 1 << 20


def held(make) -> int:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    y = make()
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    y.sum().backward()
    return size


def test_nothing_in_between_is_kept() -> None:
    x = candle.ones(BIG, dtype=candle.float64, requires_grad=True)

    def layers(t):
        for _ in range(6):
            t = t.sin().exp()
        return t

    plain, less = held(lambda: layers(x)), held(lambda: checkpoint(layers, x))
    assert plain > 5 * MEGABYTE
    assert less < 1.5 * MEGABYTE  # the result


def test_the_second_run_is_freed_as_backward_goes() -> None:
    x = candle.ones(BIG, dtype=candle.float64, requires_grad=True)
    y = x
    for _ in range(8):
        y = checkpoint(lambda t: t.sin().exp().cos().exp(), y)
    loss = y.sum()
    del y
    tracemalloc.start()
    loss.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * MEGABYTE  # one region of four and some gradients, not eight regions


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_checkpointed_segments(segments: int) -> None:
    def program(lib, x):
        runs, functions = [], [lib.exp, lib.sin, lib.tanh, lambda t: runs.append(t.shape) or t * t, lib.cos]
        run = torch_checkpoint_sequential if lib is torch else checkpoint_sequential
        y = run(functions, segments, x * 2, use_reentrant=False)
        y.sum().backward()
        return y.detach(), x.grad, len(runs)

    check_both(program, X)


def test_more_segments_than_functions_are_refused() -> None:
    with pytest.raises(ValueError, match="1 functions do not make 2 segments"):
        checkpoint_sequential([candle.exp], 2, candle.ones(1))


def test_contexts_of_the_forward_and_of_its_repetition() -> None:
    def program(lib, x):
        entered = []

        @contextlib.contextmanager
        def noting(name):
            entered.append(name)
            yield

        y = region(lib.exp, x, lib=lib, context_fn=lambda: (noting("first"), noting("second")))
        entered.append("backward")
        y.sum().backward()
        return entered, x.grad

    check_both(program, X)


def test_options_are_not_the_function_s() -> None:
    """determinism_check, debug and early_stop are checkpoint's own; without a check shapes may differ."""

    def program(lib, x):
        first = iter([True])

        def function(t):
            t * t.exp() if next(first, False) else t[:1] * t[:1].exp()
            return t.sin()

        region(function, x, lib=lib, determinism_check="none", debug=False, early_stop=True).sum().backward()
        return x.grad

    check_both(program, X)


def test_an_unknown_determinism_check_is_refused() -> None:
    for lib in (torch, candle):
        with pytest.raises(ValueError, match="determinism_check"):
            region(lib.exp, lib.ones(2, requires_grad=True), lib=lib, determinism_check="some").sum().backward()
