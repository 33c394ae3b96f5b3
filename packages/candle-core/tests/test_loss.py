"""The losses of core where targets are to be ignored, or wrong; candle-nn's tests compare the rest with PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import candle

from .oracle import assert_same


@pytest.mark.parametrize("target", [[1, 1], [0, 1], [0, 2]])
@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 3.0]])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradients_where_targets_are_ignored(target: Any, weight: Any, reduction: str, smoothing: float) -> None:
    """Also where all are: the mean of no losses is nan, but its gradient is zero."""

    def program(lib: Any, functional: Any) -> list[Any]:
        x = lib.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]], requires_grad=True)
        options = {"reduction": reduction, "label_smoothing": smoothing, "ignore_index": 1}
        weights = None if weight is None else lib.tensor(weight)
        loss = functional.cross_entropy(x, lib.tensor(target), weights, **options)
        loss.sum().backward()
        return [loss, x.grad]

    assert_same(program(candle, candle), program(torch, torch.nn.functional))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda lib, f: f.cross_entropy(lib.zeros(3, 4), lib.tensor([1, 2])), ValueError, r"\(3, 4\).*\(3,\).*\(2,\)"),
        (lambda lib, f: f.cross_entropy(lib.zeros(3, 4), lib.zeros(2, 4)), ValueError, r"\(3, 4\).*\(2, 4\)"),
        (
            lambda lib, f: f.cross_entropy(lib.zeros(3, 4, 5), lib.zeros(3, 4).long()),
            RuntimeError,
            r"\(3, 5\), got \(3, 4\)",
        ),
        (lambda lib, f: f.cross_entropy(lib.zeros(2, 4), lib.tensor([1, 9])), IndexError, "target 9 .* 4 classes"),
        (lambda lib, f: f.nll_loss(lib.zeros(2, 4), lib.tensor([-9, 1])), IndexError, "target -9 .* 4 classes"),
        (lambda lib, f: f.cross_entropy(lib.zeros(2, 4), np.array([1, 2])), TypeError, "target .*Tensor, got ndarray"),
        (lambda lib, f: f.nll_loss(np.zeros((2, 4)), lib.tensor([1, 2])), TypeError, "input .*Tensor, got ndarray"),
        (lambda lib, f: f.embedding(np.array([1]), lib.zeros(2, 4)), TypeError, "input .*Tensor, got ndarray"),
    ],
)
def test_what_does_not_fit_is_named(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error):
        call(torch, torch.nn.functional)
    with pytest.raises(error, match=says):
        call(candle, candle)
