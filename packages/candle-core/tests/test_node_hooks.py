"""Hooks on nodes, and on leaves after they have accumulated."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import check_both

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)


def test_post_accumulate_hooks_see_the_complete_grad() -> None:
    def program(lib, x):
        seen = []
        x.register_post_accumulate_grad_hook(lambda t: seen.append((t is x, t.grad.clone())))
        (x * x + x).sum().backward()
        (x * 3).sum().backward()
        return seen

    check_both(program, X)


def test_a_post_accumulate_hook_may_step_and_clear() -> None:
    def program(lib, x):
        def step(t):
            with lib.no_grad():
                t.sub_(t.grad * 0.1)
            t.grad = None

        handle = x.register_post_accumulate_grad_hook(step)
        for _ in range(3):
            (x * x).sum().backward()
        handle.remove()
        (x * x).sum().backward()
        return x.detach(), x.grad

    check_both(program, X)


def test_post_accumulate_hooks_do_not_run_for_autograd_grad() -> None:
    def program(lib, x):
        calls = []
        x.register_post_accumulate_grad_hook(lambda t: calls.append(1))
        lib.autograd.grad((x * 3).sum(), [x])
        return calls

    check_both(program, X)


def test_post_accumulate_hooks_are_for_leaves() -> None:
    y = candle.ones(3, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"register_post_accumulate_grad_hook.*leaves"):
        y.register_post_accumulate_grad_hook(lambda t: None)
    with pytest.raises(RuntimeError, match="register_post_accumulate_grad_hook"):
        candle.ones(3).register_post_accumulate_grad_hook(lambda t: None)


def test_inputs_of_backward_add_into_the_same_grad() -> None:
    def program(lib, x):
        (x * 3).sum().backward(inputs=[x])
        first = x.grad
        (x * 3).sum().backward(inputs=[x])
        first.mul_(2)
        return first is x.grad, x.grad

    check_both(program, X)


def test_inputs_of_backward_run_post_accumulate_hooks() -> None:
    def program(lib, x):
        calls = []
        x.register_post_accumulate_grad_hook(lambda t: calls.append(t.grad.clone()))
        (x * 3).sum().backward(inputs=[x])
        return calls

    check_both(program, X)


def test_a_node_hook_sees_gradients_of_inputs_and_outputs() -> None:
    def program(lib, x):
        seen = []
        y = x * lib.tensor([1.0, 2.0, 3.0], dtype=lib.float64)
        y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
        y.exp().sum().backward()
        (inputs, outputs) = seen[0]
        return inputs, outputs

    check_both(program, X)


def test_a_node_hook_may_replace_the_gradients_of_inputs() -> None:
    def program(lib, x):
        y = x * lib.tensor([1.0, 2.0, 3.0], dtype=lib.float64)
        handle = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 10, None))
        y.sum().backward(retain_graph=True)
        handle.remove()
        y.sum().backward()
        return x.grad

    check_both(program, X)


def test_a_prehook_of_a_node_may_replace_the_gradients_of_its_outputs() -> None:
    def program(lib, x):
        y = x * 3
        y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 10,))
        y.sum().backward()
        return x.grad

    check_both(program, X)


def test_next_functions_lead_to_the_leaves() -> None:
    def program(lib, x):
        w = lib.ones(3, dtype=lib.float64)
        y = (x * w).exp()
        product, index = y.grad_fn.next_functions[0]
        (leaf, _), (nothing, _) = product.next_functions
        return index, leaf.variable is x, nothing, leaf.next_functions, x.grad_fn

    check_both(program, X)


def test_the_names_of_nodes() -> None:
    x = candle.ones(3, requires_grad=True)
    assert "Exp" in x.exp().grad_fn.name()
    assert "Mul" in repr(x * x)
    assert "grad_fn=<" in repr(x * x)
