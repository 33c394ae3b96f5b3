"""Inference mode: what is made inside takes no part in any backward."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import check_both

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)


def test_inference_tensors_know_what_they_are() -> None:
    def program(lib, x):
        with lib.inference_mode():
            made, kept = lib.ones(3, dtype=lib.float64), x
            x[1:]  # a view does not change what it sees
            made.add_(1)
            result = [
                made.is_inference(),
                kept.is_inference(),
                (x * 2).is_inference(),
                made.requires_grad,
            ]
        return [*result, made.is_inference(), made.clone().is_inference(), (made * 1).is_inference(), made]

    check_both(program, X)


def test_inference_tensors_take_no_part_in_backward() -> None:
    x = candle.ones(3, requires_grad=True)
    with candle.inference_mode():
        made = candle.ones(3)
    assert (x + made).requires_grad  # nothing is saved
    with pytest.raises(RuntimeError, match=r"mul.*inference_mode.*clone"):
        x * made
    with pytest.raises(RuntimeError, match=r"inference_mode.*clone"):
        made.add_(1)
    with pytest.raises(RuntimeError, match=r"inference_mode.*clone"):
        made.requires_grad_()
    (x * made.clone()).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_requires_grad_is_still_possible_inside() -> None:
    def program(lib, x):
        with lib.no_grad():
            w = lib.ones(3, dtype=lib.float64, requires_grad=True)
            inside = (w * 2).requires_grad
        (w * x).sum().backward()
        return inside, w.requires_grad, w.grad

    check_both(program, X)


def test_leaves_can_be_made_inside() -> None:
    for lib in (candle, torch):
        with lib.inference_mode():
            w = lib.ones(3, requires_grad=True)
            assert w.requires_grad
            assert not (w * 2).requires_grad
        assert w.is_inference()
