"""Derivatives of derivatives, to the fourth order, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import candle

from .oracle import check_both

X = torch.tensor([[0.5, 1.25, 0.75], [1.5, 0.25, 0.9]], dtype=torch.float64, requires_grad=True)
W = torch.tensor([0.4, 0.3, 1.7], dtype=torch.float64, requires_grad=True)

FUNCTIONS = {
    **{
        name: lambda lib, x, w, name=name: getattr(x * w, name)()
        for name in """
        exp log sin cos tan tanh sigmoid sqrt reciprocal square rsqrt log1p expm1 sinh cosh erf""".split()
    },
    "mul": lambda lib, x, w: x * w * x,
    "div": lambda lib, x, w: w / x,
    "pow by a number": lambda lib, x, w: x**5 * w**2.5,
    "pow by a tensor": lambda lib, x, w: x**w,
    "matmul": lambda lib, x, w: (x @ x.T) @ (x * w),
    "softmax": lambda lib, x, w: (x * w).softmax(1),
    "log_softmax": lambda lib, x, w: (x * w).log_softmax(0),
    "logsumexp": lambda lib, x, w: (x * w).logsumexp(1),
    "sum": lambda lib, x, w: (x * w).sum(0) ** 3,
    "mean": lambda lib, x, w: (x * w).mean(1, keepdim=True) ** 3,
    "prod": lambda lib, x, w: (x * w).prod(1) ** 2,
    "var": lambda lib, x, w: (x * w).var(1) ** 2,
    "std": lambda lib, x, w: (x * w).std(0),
    "cumsum": lambda lib, x, w: (x * w).cumsum(1) ** 3,
    "amax": lambda lib, x, w: (x * w).amax(1) ** 3,
    "maximum": lambda lib, x, w: lib.maximum(x, w) ** 3,
    "where": lambda lib, x, w: lib.where(x > w, x**3, w**3 * x),
    "clamp": lambda lib, x, w: (x * w).clamp(0.2, 1.0) ** 3,
    "abs": lambda lib, x, w: (x - w).abs() ** 3,
    "index": lambda lib, x, w: x[[0, 0, 1]][:, [1, 1, 2]] ** 3 * w,
    "mask": lambda lib, x, w: x[x > 0.6] ** 3,
    "gather": lambda lib, x, w: x.gather(1, lib.tensor([[0, 0], [2, 1]])) ** 3,
    "scatter_add": lambda lib, x, w: (x**2).scatter_add(1, lib.tensor([[0, 0, 1]] * 2), x**3),
    "cat and split": lambda lib, x, w: lib.cat([x, x * w]).split([1, 3])[1] ** 3,
    "stack and unbind": lambda lib, x, w: lib.stack([x, x.exp()]).unbind(1)[0] ** 3,
    "views": lambda lib, x, w: x.T.reshape(2, 3)[:, ::2].unsqueeze(0).expand(2, 2, 2) ** 3,
    "sort": lambda lib, x, w: (x * w).sort(1)[0] ** 3,
    "gelu": lambda lib, x, w: (x * w).erf() * x,
    "einsum": lambda lib, x, w: lib.einsum("ij,kj,j->ik", x, x, w),
    "norm": lambda lib, x, w: ((x * w) ** 2).sum().sqrt(),
    "a write in place": lambda lib, x, w: (x * w).sin().mul_(x).add_(w),
    "a write into a view": lambda lib, x, w: written(x, w),
}


def written(x, w):
    y = x * w
    y[0] = y[1].clone() ** 2
    y[:, 1].mul_(w[1])
    return y**2


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_derivatives_agree_with_torch(function, order: int) -> None:
    def program(lib, x, w):
        y = function(lib, x, w)
        found = []
        for i in range(order):
            weights = lib.linspace(1, 2, y.numel(), dtype=lib.float64).reshape(tuple(y.shape))
            inputs = [x, w]
            gx, gw = lib.autograd.grad(
                (y * weights).sum(), inputs, create_graph=True, allow_unused=True, materialize_grads=True
            )
            found += [gx.detach(), gw.detach()]
            y = gx * (i + 1) + gw.sum() * gx + x * w * 0  # a constant gradient may or may not require one
        return found

    check_both(program, X, W)


def test_mixed_derivatives_do_not_depend_on_the_order() -> None:
    x, w = (candle.tensor(v, dtype=candle.float64, requires_grad=True) for v in (0.7, 1.3))
    y = (x**3 * w).sin() * (w / x).exp()

    def derivative(*by: candle.Tensor) -> float:
        z = y
        for each in by:
            (z,) = candle.autograd.grad(z, each, create_graph=True)
        return z.item()

    assert derivative(x, w) == pytest.approx(derivative(w, x), rel=1e-12)
    assert derivative(x, x, w) == pytest.approx(derivative(w, x, x), rel=1e-11)
    assert derivative(x, w, x) == pytest.approx(derivative(x, x, w), rel=1e-11)


def test_the_fourth_derivative_by_hand() -> None:
    x = candle.tensor(2.0, dtype=candle.float64, requires_grad=True)
    y = x**6
    for expected in (6 * 2.0**5, 30 * 2.0**4, 120 * 2.0**3, 360 * 2.0**2):
        (y,) = candle.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(expected, rel=1e-13)


def test_the_gradient_of_a_power_of_zero_changes_by_zero() -> None:
    """What is masked must not be infinite: 0 times its slope would be nan."""

    def program(lib: Any, x: Any, tangent: Any) -> list[Any]:
        return [*lib.func.jvp(lambda x: lib.pow(x, lib.zeros_like(x)), (x,), (tangent,))]

    check_both(program, torch.tensor([0.0, 2.0, 0.0]), torch.tensor([1.0, -1.0, 3.0]))


def test_a_hessian_by_rows() -> None:
    def program(lib, x, w):
        (g,) = lib.autograd.grad(((w * w).sum() * w.exp()).sum(), w, create_graph=True)
        return [lib.autograd.grad(each, w, retain_graph=True)[0] for each in g]

    check_both(program, X, W)


@pytest.mark.parametrize("name", ["sigmoid", "silu", "softplus", "logsigmoid"])
def test_second_derivatives_where_an_exponential_overflows(name: str) -> None:
    """e^710 is infinite, and infinity over infinity is nan."""

    def derivatives(lib: Any, function: Any) -> list[Any]:
        x = lib.tensor([-1e4, -710.0, -1.0, 0.5, 710.0, 1e4], dtype=lib.float64, requires_grad=True)
        (first,) = lib.autograd.grad(function(x).sum(), x, create_graph=True)
        (second,) = lib.autograd.grad(first.sum(), x)
        return [first.detach().numpy(), second.numpy()]

    ours = derivatives(candle, getattr(candle, name))
    theirs = derivatives(torch, getattr(torch.nn.functional, name))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)
