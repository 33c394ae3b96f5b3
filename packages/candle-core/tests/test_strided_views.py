"""Diagonals, windows and strides are views: what is written into them is written into the tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import candle
import candle.testing.strict

from .oracle import assert_same, to_candle

VIEWS: dict[str, Callable[[Any], Any]] = {
    "diagonal": lambda x: x.diagonal(),
    "upper diagonal": lambda x: x.diagonal(1),
    "diagonal of the transposed": lambda x: x.T.diagonal(-1),
    "diagonal of a part": lambda x: x[1:, 1:].diagonal(),
    "windows side by side": lambda x: x.unfold(1, 2, 2),
    "windows of the transposed": lambda x: x.T.unfold(0, 2, 2),
    "the first of each window": lambda x: x.unfold(0, 3, 1)[:, :, 0],
    "strides": lambda x: x.as_strided((2, 3), (5, 1), 2),
    "strides of the transposed": lambda x: x.T.as_strided((2, 2), (2, 1)),
}
DEVICES = ("cpu", "strict", "frozen")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", VIEWS)
def test_writing_into_the_view(name: str, device: str) -> None:
    view, x = VIEWS[name], torch.arange(16, dtype=torch.float64).reshape(4, 4)
    mine = candle.tensor(x.numpy(), device=device)
    view(x).mul_(10)
    view(mine).mul_(10)
    assert_same(mine.cpu(), x)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", VIEWS)
def test_writing_into_the_tensor(name: str, device: str) -> None:
    view, x = VIEWS[name], torch.arange(16, dtype=torch.float64).reshape(4, 4)
    mine = candle.tensor(x.numpy(), device=device)
    seen, found = view(x), view(mine)
    x.add_(1)
    mine.add_(1)
    assert_same(found.cpu(), seen)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", VIEWS)
def test_the_gradient_through_a_written_view(name: str, device: str) -> None:
    view, weights = VIEWS[name], torch.linspace(-1, 1, 16, dtype=torch.float64).reshape(4, 4)

    def program(x: Any, w: Any) -> Any:
        y = x * x
        view(y).mul_(3)
        return (y * w + view(y).sum()).sum()

    x = torch.arange(16, dtype=torch.float64).reshape(4, 4).requires_grad_()
    mine = candle.tensor(x.detach().numpy(), device=device, requires_grad=True)
    program(x, weights).backward()
    program(mine, to_candle(weights).to(device)).backward()
    assert_same(mine.grad.cpu(), x.grad)


def test_strides_of_a_part_of_the_memory_are_refused() -> None:
    """PyTorch counts the offset from the start of the memory, which is not this tensor's to see."""
    with pytest.raises(NotImplementedError, match="only a part of its memory"):
        candle.arange(10)[5:].as_strided((2,), (1,), storage_offset=0)
    with pytest.raises(RuntimeError, match="element 6 is asked for, but the tensor has 6"):
        candle.arange(6).as_strided((2, 2), (3, 3), 0)


def test_a_scatter_is_a_copy() -> None:
    x = candle.zeros(3, 3)
    y = x.diagonal_scatter(candle.ones(3))
    assert x.sum() == 0
    assert y.diagonal().tolist() == [1.0, 1.0, 1.0]


IN_ORDER = {
    "index": lambda lib, x, i: x[:, :, i],
    "neighbours": lambda lib, x, i: x[:, i, i],
    "index and None": lambda lib, x, i: x[:, i, :, None],
    "mask": lambda lib, x, i: x[..., x[0, 0] >= 0],
    "index_select": lambda lib, x, i: x.index_select(1, i),
    "cat": lambda lib, x, i: lib.cat([x.transpose(0, 1), x.transpose(0, 1)]),
    "stack": lambda lib, x, i: lib.stack([x.transpose(0, 1), x.transpose(0, 1)], 1),
    "cumsum": lambda lib, x, i: x.transpose(0, 1).cumsum(0),
    "roll": lambda lib, x, i: x.transpose(0, 1).roll(1, 2),
    "repeat_interleave": lambda lib, x, i: x.transpose(0, 1).repeat_interleave(2, 1),
}


@pytest.mark.parametrize("name", IN_ORDER)
def test_results_lie_in_memory_as_pytorchs_do(name: str) -> None:
    """Otherwise a view() that works there raises here."""
    ours, theirs = (IN_ORDER[name](lib, lib.zeros(3, 4, 5), lib.tensor([1, 0, 2])) for lib in (candle, torch))
    assert ours.stride() == theirs.stride()
    assert ours.view(-1).shape == theirs.view(-1).shape


def test_windows_that_overlap_are_written_only_without_gradients() -> None:
    """Which of two equal places won, no rule could know: PyTorch's gradient of this is not that of what it computes."""
    for lib in (candle, torch):
        lib.zeros(4).unfold(0, 2, 1).fill_(3.0)
    x = candle.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"overlapping view, of shape \(2, 2\) and strides \(1, 1\).*clone"):
        (x * 1).unfold(0, 2, 1).mul_(2)
    y = x * 1
    y.unfold(0, 1, 2).mul_(2)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 1.0, 2.0]
