"""`retain_grad`: the gradient of a tensor that is no leaf, kept for its user."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

import candle

from .oracle import check_both

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)


def test_retain_grad_keeps_the_gradient_of_a_non_leaf() -> None:
    def program(lib, x):
        y = x * 2
        y.retain_grad()
        (y * y).sum().backward()
        return y.grad, y.retains_grad, x.retains_grad, y.grad.requires_grad

    check_both(program, X)


def test_retain_grad_adds_up() -> None:
    def program(lib, x):
        y = x * 2
        y.retain_grad()
        y.retain_grad()
        (y * y).sum().backward(retain_graph=True)
        (y * y).sum().backward()
        return y.grad

    check_both(program, X)


def test_retain_grad_sees_what_other_hooks_return() -> None:
    def program(lib, x):
        y = x * 2
        y.retain_grad()
        y.register_hook(lambda grad: grad * 10)
        y.sum().backward()
        return y.grad, x.grad

    check_both(program, X)


def test_retain_grad_follows_the_tensor_through_a_write() -> None:
    def program(lib, x):
        y = x * 2
        y.retain_grad()
        y.mul_(5)
        (y * y).sum().backward()
        return y.grad, x.grad

    check_both(program, X)


def test_retain_grad_follows_a_write_into_a_view() -> None:
    def program(lib, x):
        y = x * 2
        v = y[1:]
        y.retain_grad()
        v.retain_grad()
        v.mul_(5)
        (y * y).sum().backward()
        return y.grad, x.grad

    check_both(program, X)


def test_a_view_and_its_base_retain_what_arrives_at_each() -> None:
    def program(lib, x):
        y = x * 2
        v = y[1:]
        y.retain_grad()
        v.retain_grad()
        ((v * v).sum() + y.sum()).backward()
        return y.grad, v.grad

    check_both(program, X)


def test_retain_grad_of_a_leaf_and_of_what_needs_no_gradient() -> None:
    def program(lib, x):
        x.retain_grad()
        (x * 2).sum().backward()
        with pytest.raises(RuntimeError, match=r"retain_grad|requires_grad"):
            x.detach().retain_grad()
        return x.grad, x.retains_grad

    check_both(program, X)


def test_retain_grad_on_one_of_several_outputs() -> None:
    def program(lib, x):
        a, b, c = x.unbind(0)
        b.retain_grad()
        (a * b * c).backward()
        return b.grad

    check_both(program, X)


def test_a_retained_gradient_is_not_the_one_passed_on() -> None:
    def program(lib, x):
        y = x + 0
        y.retain_grad()
        y.sum().backward()
        y.grad.mul_(7)
        return x.grad, y.grad

    check_both(program, X)


def test_retaining_does_not_keep_the_tensor_alive() -> None:
    x = candle.ones(3, requires_grad=True)
    y = x * 2
    y.retain_grad()
    loss, alive = y.sum(), weakref.ref(y)
    gc.disable()
    del y
    gc.enable()
    assert alive() is None
    loss.backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("retained", [False, True])
def test_backward_to_a_non_leaf_adds_its_gradient_once(retained: bool) -> None:
    def program(lib, x):
        y = x.exp()
        if retained:
            y.retain_grad()
        (y * y).sum().backward(inputs=[y])
        return y.grad, x.grad

    check_both(program, X)
