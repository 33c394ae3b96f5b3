"""`amp.GradScaler`: the steps, the scale and the state of PyTorch's."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import candle

from .oracle import check_both

INPUTS = [1.0, 2.0, float("inf"), 0.5, 3.0, float("nan"), 1.0, 1.0, 1.0, 1.0]


def sgd(lib: Any, w: Any) -> Any:
    if lib is torch:
        return torch.optim.SGD([w], lr=0.125)
    return Descent(w)


class Descent:
    """As much of an optimizer as the scaler needs, so that candle-core's tests need no other package."""

    def __init__(self, w: candle.Tensor):
        self.param_groups = [{"params": [w]}]

    def step(self) -> None:
        with candle.no_grad():
            for p in self.param_groups[0]["params"]:
                p.sub_(p.grad, alpha=0.125)


@pytest.mark.parametrize("unscale", [False, True])
def test_steps_are_skipped_and_the_scale_follows(unscale: bool) -> None:
    def program(lib: Any) -> list[Any]:
        w = lib.tensor([1.0, -2.0], requires_grad=True)
        optimizer, seen = sgd(lib, w), []
        scaler = lib.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2, growth_factor=4.0, backoff_factor=0.25)
        for x in INPUTS:
            w.grad = None
            scaler.scale((w * w * x).sum()).backward()
            if unscale:
                scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
            seen += [w.detach().clone(), scaler.get_scale(), scaler.state_dict()]
        return seen

    check_both(program)


def test_a_resumed_scaler_goes_on() -> None:
    def program(lib: Any) -> Any:
        a, b = (lib.amp.GradScaler("cpu", growth_interval=n) for n in (3, 9))
        a.scale(lib.ones(1))
        a.update(4.0)
        b.load_state_dict(a.state_dict())
        return b.state_dict(), b.get_scale(), b.is_enabled()

    check_both(program)


def test_a_loss_in_half_precision_does_not_overflow() -> None:
    check_both(lambda lib: lib.amp.GradScaler("cpu").scale(lib.tensor(3.0, dtype=lib.float16)))
    check_both(lambda lib: lib.amp.GradScaler("cpu", 4.0).scale([lib.ones(2), (lib.ones(1),)]))


def test_off() -> None:
    def program(lib: Any) -> Any:
        scaler = lib.amp.GradScaler("cuda", enabled=False)
        w = lib.tensor([1.0], requires_grad=True)
        scaler.scale(w.sum()).backward()
        optimizer = sgd(lib, w)
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        return w.detach(), scaler.get_scale(), scaler.state_dict(), scaler.is_enabled()

    check_both(program)


def test_off_and_said_where_there_is_no_gpu() -> None:
    for lib in (torch, candle):
        with pytest.warns(UserWarning, match="GradScaler"):
            assert not lib.amp.GradScaler().is_enabled()


def test_the_same_under_the_older_names() -> None:
    assert candle.GradScaler is candle.amp.GradScaler


@pytest.mark.parametrize(
    "wrong", ["step twice", "unscale twice", "update first", "no gradients", "float16", "empty state"]
)
def test_mistakes_are_told(wrong: str) -> None:
    def program(lib: Any) -> None:
        w = lib.ones(2, requires_grad=True, dtype=lib.float16 if wrong == "float16" else lib.float32)
        optimizer, scaler = sgd(lib, w), lib.amp.GradScaler("cpu", 8.0)
        if wrong not in ("no gradients", "update first", "empty state"):
            scaler.scale(w.sum()).backward()
        if wrong == "update first":
            scaler.update()
        elif wrong == "empty state":
            scaler.load_state_dict({})
        elif wrong == "unscale twice":
            scaler.unscale_(optimizer)
            scaler.unscale_(optimizer)
        else:
            scaler.step(optimizer)
            scaler.step(optimizer)

    with pytest.raises((RuntimeError, AssertionError, ValueError)):
        program(torch)
    with pytest.raises(ValueError if wrong == "float16" else RuntimeError, match="GradScaler"):
        program(candle)
