"""Views and gradients: what a write does to the history of the base and of the other views."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import check_both

X = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=torch.float64, requires_grad=True)


W = torch.tensor([1.5, 0.3, -0.7], dtype=torch.float64, requires_grad=True)


def test_a_view_of_a_view_writes_to_the_same_base() -> None:
    def program(lib, x, w):
        y = x * 2
        y.T[1:].T[0].unsqueeze(0)[:, 1:].mul_(w[0])
        (y * y).sum().backward()
        return y.detach(), x.grad, w.grad

    check_both(program, X, W)


def test_a_base_without_gradient_gets_one_from_a_write_into_its_view() -> None:
    def program(lib, x, w):
        y = lib.zeros(2, 3, dtype=lib.float64)
        v, sibling = y[1], y[:, 0]
        v.add_(w)
        flags = [t.requires_grad for t in (y, v, sibling)] + [t.is_leaf for t in (y, v, sibling)]
        (y.sum() + sibling.exp().sum()).backward()
        return flags, w.grad

    check_both(program, X, W)


def test_a_view_loses_the_gradient_that_is_overwritten() -> None:
    def program(lib, x, w):
        y = x * 2
        v = y[0]
        v.fill_(3.0)
        y[1, 1:] = w[1:]
        (y * y).sum().backward()
        return v.requires_grad, x.grad, w.grad

    check_both(program, X, W)


def test_a_detached_view_shares_memory_and_version_but_no_history() -> None:
    def program(lib, x, w):
        y = x * 2
        d = y.detach()
        d.mul_(3)
        result = y.clone().detach(), d.requires_grad, y._version
        y.sum().backward()
        return result, x.grad

    check_both(program, X, W)


def test_a_write_through_detach_is_noticed_by_backward() -> None:
    y = candle.ones(3, requires_grad=True) * 2
    z = y.exp()
    z.detach().zero_()
    with pytest.raises(RuntimeError, match=r"Exp.*modified by an inplace operation.*version is 1, expected 0"):
        z.sum().backward()


def test_a_view_taken_under_no_grad_has_no_history() -> None:
    def program(lib, x, w):
        y = x * 2
        with lib.no_grad():
            v = y[0]
            v.mul_(5)  # seen by y, whose history stays
        y.sum().backward()
        return y.detach(), x.grad

    check_both(program, X, W)


def test_a_view_taken_under_no_grad_is_not_written_under_grad() -> None:
    def program(lib, x, w):
        y = x * 2
        with lib.no_grad():
            v = y[0]
        with pytest.raises(RuntimeError, match="no_grad"):
            v.mul_(w)
        return y.detach()

    check_both(program, X, W)


def test_a_view_that_was_used_before_the_write_keeps_its_past() -> None:
    def program(lib, x, w):
        y = x * 2
        v = y[0]
        before = v * 3
        y.mul_(w)
        (before.sum() + (v * v).sum()).backward()
        return x.grad, w.grad

    check_both(program, X, W)


def test_a_detached_copy_of_a_leaf_may_be_written() -> None:
    def program(lib, x, w):
        x.detach()[0].add_(1)
        x.data.mul_(2)
        (x * x).sum().backward()
        return x.detach(), x.grad, x.is_leaf

    check_both(program, X, W)


def test_requires_grad_after_detach_makes_a_leaf_on_shared_memory() -> None:
    def program(lib, x, w):
        y = (x * 2).detach().requires_grad_()
        (y * y).sum().backward()
        return y.is_leaf, y.grad, x.grad

    check_both(program, X, W)


def test_detach_in_place() -> None:
    def program(lib, x, w):
        y = x * 2
        z = y + w
        y.detach_()
        (y * w + z).sum().backward()
        return y.requires_grad, y.is_leaf, x.grad, w.grad

    check_both(program, X, W)


def test_a_view_cannot_be_detached_in_place() -> None:
    with pytest.raises(RuntimeError, match="detach"):
        (candle.ones(3, requires_grad=True) * 2)[1:].detach_()


def test_the_second_derivative_through_a_write_into_a_view() -> None:
    def program(lib, x, w):
        y = x * x
        y[0].mul_(w)
        y.T[1].exp_()
        (g,) = lib.autograd.grad((y * y).sum(), [x], create_graph=True)
        return g.detach(), lib.autograd.grad(g.sum(), [x, w])

    check_both(program, X, W)


def test_a_view_that_became_a_leaf_is_a_leaf_like_any_other() -> None:
    def program(lib, x):
        w = x.detach().clone().reshape(3, 2).requires_grad_()
        with lib.no_grad():
            w[0] = 1.0
        (w * w).sum().backward()
        return w.is_leaf, w.grad

    check_both(program, X)
    for lib in (candle, torch):
        w = lib.arange(4.0).reshape(2, 2).requires_grad_()
        with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
            w[0] = 1.0
