"""`autograd.grad`: gradients returned, by any tensor of the graph, to any order."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import check_both

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
W = torch.tensor([1.5, 0.25, -0.75], dtype=torch.float64, requires_grad=True)


def loss_of(x, w):
    return (x * w + (x * x * w).tanh()).sum()


def test_grad_returns_and_accumulates_nothing() -> None:
    def program(lib, x, w):
        return *lib.autograd.grad(loss_of(x, w), [x, w]), x.grad, w.grad

    check_both(program, X, W)


def test_one_input_alone_gives_a_tuple_of_one() -> None:
    check_both(lambda lib, x, w: lib.autograd.grad(loss_of(x, w), x), X, W)


def test_grad_outputs_weigh_several_outputs() -> None:
    def program(lib, x, w):
        a, b, c = x * w, x.exp(), (x * x).sum()
        return lib.autograd.grad([a, b, c], [w, x], [lib.ones_like(a), x.detach(), None])

    check_both(program, X, W)


def test_an_input_in_the_middle_of_the_graph() -> None:
    def program(lib, x, w):
        y = x * w
        z = y.exp()
        return lib.autograd.grad((z * y).sum(), [y, z])

    check_both(program, X, W)


def test_inputs_that_depend_on_one_another() -> None:
    """The gradient by x does not stop at y."""

    def program(lib, x, w):
        y = x * 2
        z = y * y + x
        return lib.autograd.grad((z * w).sum(), [x, y, z, w])

    check_both(program, X, W)


def test_the_output_itself_as_an_input() -> None:
    def program(lib, x, w):
        y = loss_of(x, w)
        return lib.autograd.grad(y, [y, x])

    check_both(program, X, W)


def test_the_same_input_twice() -> None:
    check_both(lambda lib, x, w: lib.autograd.grad(loss_of(x, w), [x, w, x]), X, W)


def test_one_of_several_outputs_of_a_node_as_an_input() -> None:
    def program(lib, x, w):
        a, b, c = (x * w).unbind(0)
        return lib.autograd.grad(a * b * c, [a, c, x])

    check_both(program, X, W)


def test_inputs_of_inputs_are_not_visited() -> None:
    """Only the path to what was asked for is freed."""

    def program(lib, x, w):
        y = x.exp()
        z = (y * w).sum()
        found = lib.autograd.grad(z, [y])
        y.sum().backward()
        return *found, x.grad

    check_both(program, X, W)


# --- unused inputs ----------------------------------------------------------------


def test_an_unused_input_raises_and_names_the_way_out() -> None:
    x, w = (candle.ones(3, requires_grad=True) for _ in "xw")
    with pytest.raises(RuntimeError, match=r"input 1 .*allow_unused"):
        candle.autograd.grad((x * 2).sum(), [x, w])


def test_allow_unused_gives_none() -> None:
    check_both(lambda lib, x, w: lib.autograd.grad((x * 2).sum(), [w, x], allow_unused=True), X, W)


def test_materialize_grads_gives_zeros() -> None:
    check_both(lambda lib, x, w: lib.autograd.grad((x * 2).sum(), [w, x], materialize_grads=True), X, W)


def test_materialize_grads_contradicts_allow_unused_false() -> None:
    x = candle.ones(3, requires_grad=True)
    with pytest.raises(ValueError, match="materialize_grads"):
        candle.autograd.grad(x.sum(), x, allow_unused=False, materialize_grads=True)


def test_an_unused_output_of_a_node_gives_zeros() -> None:
    def program(lib, x, w):
        values, _ = x.sort()
        _, high = values.split([1, 2])
        return lib.autograd.grad(high.sum(), [x])

    check_both(program, X, W)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x, c: candle.autograd.grad(x.sum(), c), "require grad"),
        (lambda x, c: candle.autograd.grad(c.sum(), x), "require grad"),
        (lambda x, c: candle.autograd.grad(x * 2, x), r"scalar.*\(3,\)"),
        (lambda x, c: candle.autograd.grad(x * 2, x, candle.ones(4)), r"\(4,\).*\(3,\)"),
        (lambda x, c: candle.autograd.grad([x.sum(), x.sum()], x, [None]), "1.*2|2.*1"),
    ],
    ids=["input", "output", "scalar", "shape", "number"],
)
def test_wrong_calls(call, says: str) -> None:
    with pytest.raises(RuntimeError, match=says):
        call(candle.ones(3, requires_grad=True), candle.ones(3))


# --- again, and to higher order ----------------------------------------------------


def test_retain_graph() -> None:
    def program(lib, x, w):
        loss = loss_of(x, w)
        first = lib.autograd.grad(loss, [x], retain_graph=True)
        return first, lib.autograd.grad(loss, [x, w])

    check_both(program, X, W)


def test_without_retain_graph_the_second_raises() -> None:
    x = candle.ones(3, requires_grad=True)
    loss = x.exp().sum()
    candle.autograd.grad(loss, x)
    with pytest.raises(RuntimeError, match="retain_graph"):
        candle.autograd.grad(loss, x)


def test_create_graph_keeps_the_graph() -> None:
    def program(lib, x, w):
        loss = loss_of(x, w)
        first = lib.autograd.grad(loss, [x], create_graph=True)
        return first[0].detach(), first[0].requires_grad, lib.autograd.grad(loss, [x, w])

    check_both(program, X, W)


def test_without_create_graph_the_gradient_has_no_history() -> None:
    def program(lib, x, w):
        (g,) = lib.autograd.grad(loss_of(x, w), [x])
        return g.requires_grad, g.is_leaf, g.grad_fn

    check_both(program, X, W)


def test_the_gradient_given_is_differentiated_too() -> None:
    """What the double-vjp trick for jvp relies on."""

    def program(lib, x, w):
        v = lib.ones(3, dtype=lib.float64).requires_grad_()
        (g,) = lib.autograd.grad(x * x * w, [x], v, create_graph=True)
        return lib.autograd.grad(g.sum(), [v])

    check_both(program, X, W)


def test_a_gradient_penalty_trains() -> None:
    def program(lib, x, w):
        (g,) = lib.autograd.grad(loss_of(x, w), [x], create_graph=True)
        ((g * g).sum().sqrt() - 1).pow(2).backward()
        return x.grad, w.grad

    check_both(program, X, W)


def test_higher_order_by_intermediate_inputs() -> None:
    def program(lib, x, w):
        y = x * w
        (g,) = lib.autograd.grad(y.exp().sum(), [y], create_graph=True)
        return lib.autograd.grad(g.sum(), [y, x])

    check_both(program, X, W)


def test_a_zero_second_derivative() -> None:
    """The gradient of x + x does not depend on x: torch says so by requires_grad=False."""

    def program(lib, x, w):
        (g,) = lib.autograd.grad((x + x).sum(), [x], create_graph=True)
        return g.detach(), g.requires_grad

    check_both(program, X, W)


def test_gradients_are_batched_with_is_grads_batched() -> None:
    def program(lib, x, w):
        y = x * w + x.sum()
        return lib.autograd.grad(y, [x, w], lib.eye(3, dtype=lib.float64), is_grads_batched=True)

    check_both(program, X, W)


def test_the_result_does_not_share_memory_with_grad_outputs() -> None:
    x = candle.ones(3, requires_grad=True)
    given = candle.ones(3)
    (g,) = candle.autograd.grad(x * 1, x, given)
    g.mul_(5)
    assert given.tolist() == [1.0, 1.0, 1.0]


def test_a_graph_goes_backward_after_one_of_two_gradients_was_written() -> None:
    """What the derivative reads must not be the memory of a gradient it returned."""

    def program(lib, x, w):
        loss = loss_of(x, w)
        (g,) = lib.autograd.grad(loss, [x], retain_graph=True)
        g.mul_(100)
        return lib.autograd.grad(loss, [x, w])

    check_both(program, X, W)


def test_gradients_without_dims_are_tensors_like_others() -> None:
    def program(lib, x):
        (g,) = lib.autograd.grad(x * x * x, x)
        h = x * 3
        h.register_hook(lambda grad: grad.view(1)[0].mul_(2))
        (h * h + h).backward()
        return g.mul_(2), g.view(1).add_(1), x.grad

    check_both(program, torch.tensor(2.0, requires_grad=True))
