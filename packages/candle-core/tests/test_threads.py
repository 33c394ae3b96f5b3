"""Several Python threads at once: switches are each thread's own, and no gradient gets lost."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

import candle


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """Threads take turns after a microsecond, so that what can go wrong between two lines does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(*functions) -> None:
    threads = [threading.Thread(target=f) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_decorated_function_shared_by_threads() -> None:
    wrong = []

    @candle.no_grad()
    def shared() -> None:
        if candle.is_grad_enabled():
            wrong.append("on inside")

    def run(mode: bool) -> None:
        with candle.set_grad_enabled(mode):
            for _ in range(3000):
                shared()
                if candle.is_grad_enabled() is not mode:
                    wrong.append(f"{mode} lost")

    together(*(lambda mode=mode: run(mode) for mode in (True, False, True)))
    assert wrong == []


def test_backward_in_several_threads_adds_every_gradient() -> None:
    for _ in range(100):
        w = candle.ones(3, requires_grad=True)
        together(*[lambda w=w: (w * 2).sum().backward()] * 4)
        assert w.grad.tolist() == [8, 8, 8]


def test_one_graph_gone_back_through_by_several_threads() -> None:
    for _ in range(50):
        w = candle.ones(3, requires_grad=True)
        loss = (w * w).exp().sum()
        together(*[lambda loss=loss: loss.backward(retain_graph=True)] * 3)
        single = candle.autograd.grad(loss, w)[0]
        assert candle.allclose(w.grad, 3 * single)
