"""`backward`: what lands in `.grad`, whose memory that is, and when it may be called again."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import assert_same, check_both, run_both

X = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=torch.float64, requires_grad=True)
W = torch.tensor([[1.0, 2.0], [-0.5, 0.3], [0.7, -1.1]], dtype=torch.float64, requires_grad=True)


# --- what arrives -------------------------------------------------------------


def test_gradients_add_up_over_backwards() -> None:
    def program(lib, x, w):
        for _ in range(3):
            (x @ w).tanh().sum().backward()
        return x.grad, w.grad

    check_both(program, X, W)


def test_grad_keeps_its_identity_while_it_adds_up() -> None:
    def program(lib, x):
        (x * 2).sum().backward()
        first = x.grad
        (x * 3).sum().backward()
        return first is x.grad, first

    check_both(program, X)


def test_a_leaf_used_twice_in_one_operation() -> None:
    def program(lib, x):
        (x * x).sum().backward()
        return x.grad

    check_both(program, X)


def test_the_gradient_given_weighs() -> None:
    def program(lib, x):
        y = x.exp()
        y.backward(lib.arange(6, dtype=lib.float64).reshape(2, 3))
        return x.grad

    check_both(program, X)


def test_backward_from_a_leaf() -> None:
    def program(lib, x):
        x.backward(lib.full((2, 3), 2.0, dtype=lib.float64))
        x.sum().backward()
        return x.grad

    check_both(program, X)


def test_backward_of_several_outputs() -> None:
    def program(lib, x, w):
        a, b = (x @ w).sum(), x.exp()
        lib.autograd.backward([a, b], [None, lib.ones(2, 3, dtype=lib.float64)])
        return x.grad, w.grad

    check_both(program, X, W)


def test_backward_of_one_output_given_twice() -> None:
    def program(lib, x):
        y = x.exp().sum()
        lib.autograd.backward([y, y])
        return x.grad

    check_both(program, X)


def test_backward_of_outputs_that_depend_on_one_another() -> None:
    def program(lib, x):
        y = x.exp().sum()
        z = y * y
        lib.autograd.backward([z, y])
        return x.grad

    check_both(program, X)


def test_inputs_names_the_leaves_that_accumulate() -> None:
    def program(lib, x, w):
        (x @ w).sum().backward(inputs=[w])
        return x.grad, w.grad

    check_both(program, X, W)


def test_inputs_may_be_a_tensor_that_is_no_leaf() -> None:
    def program(lib, x):
        y = x * 2
        (y * y).sum().backward(inputs=[y])
        return x.grad, y.grad

    mine, (x_grad, y_grad) = run_both(program, X)
    assert_same(mine, (x_grad, y_grad))
    assert x_grad is None


def test_integer_inputs_take_no_part() -> None:
    def program(lib, x):
        n = lib.tensor([2, 3, 4])
        (x * n).sum().backward()
        return x.grad, n.requires_grad, n.grad

    check_both(program, X)


def test_a_gradient_has_the_dtype_of_its_leaf() -> None:
    def program(lib, x, w):
        a, b = x.detach().to(lib.float32).requires_grad_(), w.detach().to(lib.float16).requires_grad_()
        (a.double() @ b.double()).sum().backward()
        (a * lib.ones(3, dtype=lib.float64)).sum().backward()
        return a.grad, b.grad

    check_both(program, X, W)


def test_a_real_leaf_gets_a_real_gradient() -> None:
    def program(lib, x):
        z = x * lib.tensor([1 + 2j, 3j, 2.0], dtype=lib.complex128)
        (z * z.conj()).real.sum().backward()
        return x.grad

    check_both(program, X)


# --- again --------------------------------------------------------------------


def test_a_second_backward_raises_and_says_what_to_do() -> None:
    x = candle.ones(3, requires_grad=True)
    loss = x.exp().sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"Exp.*freed.*retain_graph=True"):
        loss.backward()
    assert x.grad.tolist() == [candle.tensor(1.0).exp().item()] * 3


def test_a_second_backward_through_a_shared_part_raises() -> None:
    x = candle.ones(3, requires_grad=True)
    shared = x.exp()
    shared.sum().backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        (shared * 2).sum().backward()


def test_retain_graph_allows_it() -> None:
    def program(lib, x):
        loss = x.exp().sum()
        loss.backward(retain_graph=True)
        loss.backward(retain_graph=True)
        loss.backward()
        return x.grad

    check_both(program, X)


def test_a_graph_that_saved_nothing_goes_backward_twice() -> None:
    def program(lib, x):
        loss = (x + 1 + (x - 3)).sum()
        loss.backward()
        loss.backward()
        return x.grad

    check_both(program, X)


def test_retaining_survives_writing_into_grad() -> None:
    def program(lib, x):
        loss = x.sum() + (x * x).sum()
        loss.backward(retain_graph=True)
        x.grad.zero_()
        loss.backward()
        return x.grad

    check_both(program, X)


def test_the_other_part_of_a_freed_graph_still_works() -> None:
    def program(lib, x, w):
        a, b = x.exp(), w.exp()
        a.sum().backward()
        (b.sum() * 2).backward()
        return x.grad, w.grad

    check_both(program, X, W)


# --- what goes wrong on the way -------------------------------------------------


class Failing(candle.autograd.Function):
    fails = True

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, grad):
        if Failing.fails:
            raise ValueError("on purpose")
        return grad


def test_an_exception_in_backward_leaves_everything_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = (candle.full((3,), 2.0, requires_grad=True) for _ in "xw")
    before = x.exp()
    loss = (Failing.apply(before) * w).sum()
    with pytest.raises(ValueError, match="on purpose"):
        loss.backward(retain_graph=True)
    assert candle.is_grad_enabled()
    assert x.grad is None
    assert (x * 2).requires_grad
    (x * w).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
    x.grad = w.grad = None
    monkeypatch.setattr(Failing, "fails", False)
    loss.backward()  # the same graph, now that the reason is gone
    assert w.grad.tolist() == before.tolist()
    assert x.grad.tolist() == (before.detach() * 2).tolist()


def test_an_exception_in_a_hook_leaves_everything_usable() -> None:
    x = candle.full((3,), 2.0, requires_grad=True)
    y = x * 3
    handle = y.register_hook(lambda grad: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.sum().backward(retain_graph=True)
    assert candle.is_grad_enabled()
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 3.0]


def test_an_exception_names_the_node_it_came_through() -> None:
    with pytest.raises(ValueError, match="on purpose") as caught:
        Failing.apply(candle.ones(2, requires_grad=True)).sum().backward()
    assert any("FailingBackward" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: (candle.ones(3, requires_grad=True) * 2).backward(), r"scalar.*\(3,\)"),
        (lambda: candle.ones(3).sum().backward(), "require grad"),
        (lambda: candle.ones(3, requires_grad=True).backward(candle.ones(2)), r"\(2,\).*\(3,\)"),
        (lambda: candle.ones(1, requires_grad=True).backward(inputs=[]), "inputs"),
        (lambda: candle.autograd.backward([candle.ones(1, requires_grad=True)] * 2, [None]), r"2.*1|1.*2"),
        (lambda: candle.ones(3, dtype=candle.int64).requires_grad_(), r"int64"),
        (lambda: (candle.ones(3, requires_grad=True) * 2).requires_grad_(False), "detach"),
    ],
    ids=["no scalar", "no grad", "shape", "no inputs", "grads", "integers", "not a leaf"],
)
def test_wrong_calls(call, says: str) -> None:
    with pytest.raises(RuntimeError, match=says):
        call()
