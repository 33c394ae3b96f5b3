"""What lands in `.grad`: memory of the leaf's own, whoever else was handed the array (law 11)."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import check_both

X = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=torch.float64, requires_grad=True)


def make_grads(combine):
    x, w = (candle.ones(3, requires_grad=True) for _ in "xw")
    combine(x, w).backward(candle.ones(3))
    return x, w


@pytest.mark.parametrize(
    "combine",
    [lambda x, w: x + w, lambda x, w: x - -w, lambda x, w: (x.clone() + w).reshape(3)],
    ids=["add", "sub", "views"],
)
def test_two_leaves_handed_one_array_do_not_share_it(combine) -> None:
    x, w = make_grads(combine)
    x.grad.add_(10)
    assert w.grad.tolist() == [1.0, 1.0, 1.0]
    assert x.grad.tolist() == [11.0, 11.0, 11.0]


def test_the_gradient_given_to_backward_is_not_the_leafs_memory() -> None:
    x = candle.ones(3, requires_grad=True)
    given = candle.ones(3)
    x.clone().backward(given)
    x.grad.mul_(5)
    assert given.tolist() == [1.0, 1.0, 1.0]
    x.grad = None
    x.backward(given)
    x.grad.mul_(5)
    assert given.tolist() == [1.0, 1.0, 1.0]


def test_adding_up_does_not_write_into_the_gradient_given() -> None:
    x = candle.ones(3, requires_grad=True)
    given = candle.ones(3)
    y = x.clone()
    (y + y.clone() + y.clone()).backward(given)
    assert x.grad.tolist() == [3.0, 3.0, 3.0]
    assert given.tolist() == [1.0, 1.0, 1.0]


MAKERS = {
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.mean(),
    "expand": lambda x: x.sum(1, keepdim=True).expand(2, 3).sum(),
    "transpose": lambda x: x.T.sum(0).sum(),
    "slice": lambda x: x[:, 1:].sum(),
    "flip": lambda x: x.flip(0).cumsum(0).sum(),
    "cat": lambda x: candle.cat([x, x]).sum(),
    "broadcast": lambda x: (x + candle.ones(4, 2, 3)).sum(),
    "itself": lambda x: x,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_grad_owns_writable_contiguous_memory(make) -> None:
    x = candle.ones(2, 3, requires_grad=True)
    y = make(x)
    y.backward(None if not y.ndim else candle.ones(3, 2).T)
    before = x.grad.tolist()
    x.grad.mul_(2)  # raises if the memory is a read-only broadcast
    assert x.grad.tolist() == [[2 * value for value in row] for row in before]
    x.grad[0, 0] = 7.0
    assert x.grad.numpy().ravel()[0] == 7.0
    assert sum(value == 7.0 for row in x.grad.tolist() for value in row) == 1
    assert not x.grad.requires_grad
    assert x.grad.is_leaf


def test_grad_can_be_set_and_cleared() -> None:
    x = candle.ones(3, requires_grad=True)
    x.grad = candle.full((3,), 2.0)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0, 5.0]
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    "wrong", [candle.ones(4), candle.ones(3, dtype=candle.float64), 1.0], ids=["shape", "dtype", "number"]
)
def test_grad_refuses_what_does_not_fit(wrong) -> None:
    x = candle.ones(3, requires_grad=True)
    with pytest.raises((RuntimeError, TypeError), match="grad"):
        x.grad = wrong


def test_create_graph_leaves_a_gradient_with_a_history() -> None:
    def program(lib, x):
        (x**3).sum().backward(create_graph=True)
        first = x.grad
        x.grad = None
        first.sum().backward()
        return first.detach(), first.requires_grad, x.grad

    check_both(program, X)
