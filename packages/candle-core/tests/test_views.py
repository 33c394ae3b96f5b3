"""Views: what shares memory, and what a write through one does to the histories of the others."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import arange, assert_same, check_both, run_both

X = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=torch.float64, requires_grad=True)
W = torch.tensor([1.5, 0.3, -0.7], dtype=torch.float64, requires_grad=True)

VIEWS = {
    "slice": lambda x: x[1:],
    "step": lambda x: x[:, ::2],
    "integer": lambda x: x[1],
    "all integers": lambda x: x[1, 2],
    "none": lambda x: x[None, :, None],
    "dots": lambda x: x[..., 1],
    "transpose": lambda x: x.transpose(0, 1),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "t": lambda x: x.t(),
    "permute": lambda x: x.permute(1, 0),
    "movedim": lambda x: x.movedim(0, 1),
    "view": lambda x: x.view(-1),
    "view of three": lambda x: x.view(3, 1, 2),
    "reshape": lambda x: x.reshape(6),
    "flatten": lambda x: x.flatten(),
    "unflatten": lambda x: x.unflatten(1, (1, 3)),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "squeeze": lambda x: x[:1].squeeze(0),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(1, -1),
    "unbind": lambda x: x.unbind(1)[2],
    "chunk": lambda x: x.chunk(2, 1)[1],
    "split": lambda x: x.split([1, 2], 1)[1],
    "tensor_split": lambda x: x.tensor_split(2, 0)[1],
    "view_as": lambda x: x.view_as(x.detach()),
    "expand": lambda x: x.expand(2, 3),
    "detach": lambda x: x.detach(),
    "iteration": lambda x: next(iter(x)),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_write_is_seen_through_the_view_and_the_other_way_round(view) -> None:
    def program(lib, x):
        x = x.detach().clone()
        v = view(x)
        v.mul_(10)
        after, version = x.clone(), (x._version, v._version)
        x.add_(1)
        return after, v.clone(), version

    check_both(program, X)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_write_into_the_view_of_a_leaf_is_refused(view) -> None:
    x = candle.ones(2, 3, requires_grad=True)
    v = view(x)
    if v.requires_grad:  # not what was detached
        with pytest.raises(RuntimeError, match="leaf"):
            v.mul_(10)
        assert x.tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize(
    "view", [v for n, v in VIEWS.items() if n not in ("unbind", "chunk", "split", "tensor_split", "iteration")]
)
def test_gradients_after_a_write_through_a_view(view) -> None:
    def program(lib, x, w):
        y = x * 2
        v, sibling = view(y), y[:, 1:]
        v.mul_(v.detach().cos()).add_(w.sum())
        loss = (y * y).sum() + (sibling.exp() * 3).sum() + v.sum()
        loss.backward()
        return loss.detach(), x.grad, w.grad

    check_both(program, X, W)


@pytest.mark.parametrize(
    "view", [v for n, v in VIEWS.items() if n not in ("unbind", "chunk", "split", "tensor_split", "iteration")]
)
def test_gradients_of_a_view_after_a_write_into_its_base(view) -> None:
    def program(lib, x, w):
        y = x * 2
        v = view(y)
        y.mul_(w)
        loss = (v * v).sum()
        loss.backward() if v.requires_grad else None
        return loss.detach(), x.grad, w.grad

    check_both(program, X, W)


@pytest.mark.parametrize(
    "split", [lambda y: y.unbind(0), lambda y: y.chunk(2), lambda y: y.split(1), lambda y: list(y)]
)
def test_one_of_several_views_can_be_written(split) -> None:
    """PyTorch refuses; here, the gradient is that of the same program with slices."""

    def program(lib, x, w, parts):
        y = x * 2
        first, second = parts(y)
        first.mul_(w)
        (y * y).sum().backward()
        return second.detach().reshape(3), x.grad, w.grad

    mine, _ = run_both(lambda lib, x, w: program(lib, x, w, split if lib is candle else lambda y: (y[:1], y[1:])), X, W)
    _, theirs = run_both(lambda lib, x, w: program(lib, x, w, lambda y: (y[:1], y[1:])), X, W)
    assert_same(mine, theirs)


def test_what_is_no_view_shares_nothing() -> None:
    def program(lib, x):
        x = x.detach().clone()
        copies = [x[[0, 1]], x[x > -10], x.clone(), x.T.reshape(6), x.flip(0), x.T.flatten(), x.T.contiguous(), x + 0]
        copies += [
            x.index_select(0, lib.tensor([0])),
            x.to(lib.float32),
            x.expand(2, 2, 3).reshape(-1),
            x.to(x.dtype, copy=True),
        ]
        for copy in copies:
            copy.mul_(10)
        return x

    check_both(program, X)


def test_what_changes_nothing_is_the_tensor_itself() -> None:
    def program(lib, x):
        return [x.to(lib.float64) is x, x.contiguous() is x, x.double() is x, x.cpu() is x, x.clone() is x, x.real is x]

    check_both(program, X)


def test_view_refuses_what_the_layout_does_not_allow() -> None:
    with pytest.raises(RuntimeError, match=r"view.*\(6,\).*\(3, 2\).*reshape"):
        candle.ones(2, 3).T.view(6)


def test_strides_and_contiguity() -> None:
    def program(lib, x):
        views = [
            x,
            x.T,
            x[:, ::2],
            x[1],
            x[None],
            x.expand(4, 2, 3),
            x[:, :1],
            x.T.contiguous(),
            x.unsqueeze(2).permute(2, 1, 0),
        ]
        return [(tuple(v.stride()), v.is_contiguous(), v.stride(0)) for v in views]

    check_both(program, X)


def test_views_of_nothing() -> None:
    mine, theirs = arange(0, 3)
    for view in (
        lambda x: x[:, 1],
        lambda x: x.T,
        lambda x: x.reshape(3, 0),
        lambda x: x[:0],
        lambda x: x.expand(2, 0, 3),
    ):
        assert_same(view(mine), view(theirs))
    mine.add_(1)
    mine[:, 1:].zero_()
    assert mine.shape == (0, 3)
