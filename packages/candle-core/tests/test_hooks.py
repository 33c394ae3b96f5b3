"""Hooks: on tensors, on leaves after they accumulate, and on nodes; their order, results and removal."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import check_both

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)


def test_a_hook_sees_the_gradient_and_may_replace_it() -> None:
    def program(lib, x):
        seen = []
        y = x * 3
        y.register_hook(lambda grad: seen.append(grad.clone()))
        y.register_hook(lambda grad: grad * 2)
        y.register_hook(lambda grad: seen.append(grad.clone()))
        (y * y).sum().backward()
        return seen, x.grad

    check_both(program, X)


def test_a_hook_on_a_leaf_runs_before_it_accumulates() -> None:
    def program(lib, x):
        seen = []
        x.register_hook(lambda grad: (seen.append(x.grad is None), grad * 10)[1])
        (x * 3).sum().backward()
        (x * 3).sum().backward()
        return seen, x.grad

    check_both(program, X)


def test_a_hook_sees_the_whole_gradient_once() -> None:
    def program(lib, x):
        seen = []
        y = x * 2
        y.register_hook(lambda grad: seen.append(grad.clone()))
        (y.exp() + y * y + y).sum().backward()
        return seen, x.grad

    check_both(program, X)


def test_hooks_run_in_the_order_of_registration() -> None:
    def program(lib, x):
        order = []
        y = x * 2
        handles = [y.register_hook(lambda grad, i=i: order.append(i)) for i in range(4)]
        handles[1].remove()
        y.register_hook(lambda grad: order.append("last"))
        y.sum().backward()
        return order

    check_both(program, X)


def test_hooks_of_different_tensors_run_from_the_loss_to_the_leaves() -> None:
    def program(lib, x):
        order = []
        y = x * 2
        z = y.exp()
        for name, t in (("x", x), ("z", z), ("y", y)):
            t.register_hook(lambda grad, name=name: order.append(name))
        z.sum().backward()
        return order

    check_both(program, X)


def test_hooks_on_one_of_several_outputs() -> None:
    def program(lib, x):
        seen = []
        a, b, c = x.unbind(0)
        b.register_hook(lambda grad: seen.append(grad.clone()))
        a.register_hook(lambda grad: grad * 5)
        (a * b * c).backward()
        return seen, x.grad

    check_both(program, X)


def test_a_handle_removes_once_and_works_as_a_context() -> None:
    def program(lib, x):
        calls = []
        y = x * 2
        with y.register_hook(lambda grad: calls.append("inside")):
            y.sum().backward(retain_graph=True)
        y.sum().backward(retain_graph=True)
        handle = y.register_hook(lambda grad: calls.append("outside"))
        handle.remove()
        handle.remove()
        y.sum().backward()
        return calls

    check_both(program, X)


def test_a_hook_may_remove_itself() -> None:
    def program(lib, x):
        calls = []
        y = x * 2
        handle = y.register_hook(lambda grad: (calls.append(1), handle.remove())[1])
        y.register_hook(lambda grad: calls.append(2))
        y.sum().backward(retain_graph=True)
        y.sum().backward()
        return calls

    check_both(program, X)


def test_hooks_run_for_autograd_grad_too() -> None:
    def program(lib, x):
        y = x * 2
        y.register_hook(lambda grad: grad * 3)
        x.register_hook(lambda grad: grad + 1)
        z = (y * y).sum()
        return lib.autograd.grad(z, [x], retain_graph=True), lib.autograd.grad(z, [y])

    check_both(program, X)


def test_hooks_are_part_of_the_second_derivative() -> None:
    def program(lib, x):
        y = x * x
        y.register_hook(lambda grad: grad * y)
        (g,) = lib.autograd.grad((y * y).sum(), [x], create_graph=True)
        return g.detach(), lib.autograd.grad(g.sum(), [x])

    check_both(program, X)


def test_a_hook_registered_before_a_write_keeps_its_meaning() -> None:
    def program(lib, x):
        seen = []
        y = x * 2
        y.register_hook(lambda grad: seen.append(("before", grad.clone())))
        y.mul_(5)
        y.register_hook(lambda grad: seen.append(("after", grad.clone())))
        y.sum().backward()
        return seen

    check_both(program, X)


def test_a_hook_runs_with_gradients_off() -> None:
    def program(lib, x):
        seen = []
        (x * 2).register_hook(lambda grad: None)
        y = x * 2
        y.register_hook(lambda grad: seen.append((lib.is_grad_enabled(), grad.requires_grad)))
        y.sum().backward()
        return seen

    check_both(program, X)


def test_hooks_survive_the_tensor() -> None:
    def program(lib, x):
        calls = []

        def function():
            y = x * 2
            y.register_hook(lambda grad: calls.append(1))
            return y.sum()

        function().backward()
        return calls

    check_both(program, X)


def test_a_hook_that_returns_another_shape_is_refused() -> None:
    y = candle.ones(3, requires_grad=True) * 2
    y.register_hook(lambda grad: grad[:2])
    with pytest.raises(RuntimeError, match=r"\(2,\).*\(3,\)"):
        y.sum().backward()


def test_a_hook_on_what_needs_no_gradient_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"register_hook.*require"):
        candle.ones(3).register_hook(lambda grad: None)


def test_what_a_hook_returns_must_be_such_a_gradient() -> None:
    for lib in (candle, torch):
        for answer, kind in (
            (lambda g: g.double(), RuntimeError),
            (lambda g: g[:1], RuntimeError),
            (lambda g: 5, TypeError),
        ):
            x = lib.ones(3, requires_grad=True)
            x.register_hook(answer)
            with pytest.raises(kind):
                (x * 1).sum().backward()
            assert x.grad is None


def test_a_hook_may_register_one_on_a_sibling() -> None:
    def program(lib, x):
        first, second, _ = (x * 1).unbind()
        first.register_hook(lambda grad: second.register_hook(lambda grad: grad * 5) and None)
        (first + 2 * second).backward()
        return x.grad[0]

    check_both(program, X)
