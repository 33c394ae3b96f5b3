"""The gradient of atan2, 0 at the origin, where there is none."""

from __future__ import annotations

import torch

from .oracle import check_both

X = torch.tensor([0.0, 1.0, 0.0, -2.0], dtype=torch.float64, requires_grad=True)
Y = torch.tensor([0.0, 0.0, 1.0, 0.5], dtype=torch.float64, requires_grad=True)


def test_gradients_at_the_origin_are_zero() -> None:
    def program(lib, x, y):
        lib.atan2(x, y).sum().backward()
        return x.grad, y.grad

    check_both(program, X, Y)
