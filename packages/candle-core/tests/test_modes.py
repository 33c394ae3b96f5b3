"""Switching gradients off and on: as contexts, as decorators, in generators, in threads."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch

import candle

from .oracle import check_both

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)

CONTEXTS = {
    "no_grad": lambda lib: lib.no_grad(),
    "enable_grad": lambda lib: lib.enable_grad(),
    "set_grad_enabled off": lambda lib: lib.set_grad_enabled(False),
    "set_grad_enabled on": lambda lib: lib.set_grad_enabled(True),
    "inference_mode": lambda lib: lib.inference_mode(),
    "inference_mode off": lambda lib: lib.inference_mode(False),
}


def state(lib: Any) -> list[bool]:
    return [lib.is_grad_enabled(), lib.is_inference_mode_enabled()]


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_a_context_holds_inside_and_is_undone_after(context) -> None:
    def program(lib, x):
        seen = [state(lib)]
        with context(lib):
            seen += [state(lib), (x * 2).requires_grad, (x * 2).is_leaf]
        return [*seen, state(lib), (x * 2).requires_grad]

    check_both(program, X)


@pytest.mark.parametrize("outer", CONTEXTS)
@pytest.mark.parametrize("inner", CONTEXTS)
def test_contexts_nest(outer: str, inner: str) -> None:
    def program(lib, x):
        seen = []
        with CONTEXTS[outer](lib):
            with CONTEXTS[inner](lib):
                seen += [state(lib), (x * 2).requires_grad]
            seen += [state(lib), (x * 2).requires_grad]
        return [*seen, state(lib)]

    check_both(program, X)


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_an_exception_undoes_it_too(context) -> None:
    with pytest.raises(ZeroDivisionError), context(candle):
        raise ZeroDivisionError
    assert state(candle) == [True, False]


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_decorators(context) -> None:
    def program(lib, x):
        @context(lib)
        def function(t, factor=1):
            """doc"""
            return state(lib), (t * factor).requires_grad

        twice = [function(x, factor=2), function(x)]
        return [*twice, function.__name__, function.__doc__, state(lib)]

    def undone(lib, x):
        result = program(lib, x)
        lib.set_grad_enabled(True)  # PyTorch's decorator form of set_grad_enabled acts at once, too
        return result

    check_both(undone, X)


def test_a_decorator_without_parentheses() -> None:
    def program(lib, x):
        @lib.no_grad
        def quiet(t):
            return (t * 2).requires_grad

        @lib.enable_grad
        def loud(t):
            return (t * 2).requires_grad

        @lib.inference_mode
        def fast(t):
            return lib.is_inference_mode_enabled()

        with lib.no_grad():
            return quiet(x), loud(x), fast(x)

    check_both(program, X)


def test_a_decorated_function_may_call_itself() -> None:
    @candle.no_grad()
    def count(n: int) -> list[bool]:
        return [candle.is_grad_enabled(), *(count(n - 1) if n else [])]

    assert count(3) == [False] * 4
    assert candle.is_grad_enabled()


def test_one_context_object_entered_twice() -> None:
    mode = candle.no_grad()
    with mode:
        with mode:
            assert not candle.is_grad_enabled()
        assert not candle.is_grad_enabled()
    assert candle.is_grad_enabled()


def test_set_grad_enabled_acts_at_once() -> None:
    def program(lib, x):
        seen = []
        try:
            lib.set_grad_enabled(False)
            seen.append(lib.is_grad_enabled())
            with lib.set_grad_enabled(True):
                seen.append(lib.is_grad_enabled())
            seen.append(lib.is_grad_enabled())
        finally:
            lib.set_grad_enabled(True)
        return seen

    check_both(program, X)


# --- generators -----------------------------------------------------------------------------


def test_a_decorated_generator_keeps_its_mode_to_itself() -> None:
    def program(lib, x):
        @lib.no_grad()
        def numbers():
            for _ in range(3):
                yield lib.is_grad_enabled()
            return "done"

        seen = []

        def outer():
            seen.append((yield from numbers()))

        seen.extend((inside, lib.is_grad_enabled()) for inside in outer())
        return [*seen, lib.is_grad_enabled()]

    check_both(program, X)


def test_a_decorated_generator_can_be_sent_to_thrown_into_and_closed() -> None:
    def program(lib, x):
        log = []

        @lib.no_grad()
        def echo():
            received = None
            try:
                while True:
                    try:
                        received = yield received
                    except KeyError as error:
                        log.append(("caught", str(error), lib.is_grad_enabled()))
                        received = "thrown"
            finally:
                log.append(("closed", lib.is_grad_enabled()))

        generator = echo()
        log += [next(generator), generator.send(1), generator.send(2)]
        log.append(generator.throw(KeyError("k")))
        generator.close()
        return [*log, lib.is_grad_enabled()]

    check_both(program, X)


def test_a_generator_that_is_abandoned_leaves_the_mode_alone() -> None:
    @candle.no_grad()
    def numbers():
        yield 1
        yield 2

    generator = numbers()
    next(generator)
    assert candle.is_grad_enabled()
    del generator
    assert candle.is_grad_enabled()


def test_a_class_can_be_used_as_with_torch() -> None:
    """Methods are decorated like functions."""

    class Model:
        @candle.no_grad()
        def predict(self, x: candle.Tensor) -> candle.Tensor:
            return x * 2

    assert not Model().predict(candle.ones(2, requires_grad=True)).requires_grad


# --- threads --------------------------------------------------------------------------------


def in_a_thread(function) -> Any:
    result = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join()
    return result[0]


def test_modes_belong_to_their_thread() -> None:
    with candle.no_grad():
        assert in_a_thread(candle.is_grad_enabled)
    with candle.inference_mode():
        assert not in_a_thread(candle.is_inference_mode_enabled)
    in_a_thread(lambda: candle.set_grad_enabled(False))
    assert candle.is_grad_enabled()


def test_rare_modes_of_one_thread_do_not_reach_another() -> None:
    x = candle.ones(2, 2)
    with candle.autocast("cpu", dtype=candle.float16):
        assert in_a_thread(lambda: (x @ x).dtype) is candle.float32
        assert (x @ x).dtype is candle.float16
    with candle.autograd.detect_anomaly():
        assert in_a_thread(lambda: candle.tensor(-1.0).log().isnan().item())
    with candle.inference_mode():
        assert not in_a_thread(lambda: candle.ones(2).is_inference())


def test_threads_train_side_by_side() -> None:
    def train(start: float) -> float:
        x = candle.full((4,), start, dtype=candle.float64, requires_grad=True)
        for _ in range(50):
            (x * x).sum().backward()
            with candle.no_grad():
                x -= 0.1 * x.grad
                x.grad = None
        return x[0].item()

    alone = [train(i) for i in range(1, 5)]
    results: dict[int, float] = {}
    threads = [threading.Thread(target=lambda i=i: results.update({i: train(i)})) for i in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results[i] for i in range(1, 5)] == alone
