"""Where an op's rule is more than the derivative of what its forward is made of.

A gradient that goes back through vmap must use the rule there too: at kinks and ties, where exp overflows,
and where the op leaves part of the gradient out on purpose.
"""

from __future__ import annotations

from math import inf

import pytest
import torch

import candle

from ..oracle import assert_same, to_candle
from .expressions import TORCH
from .weighing import weighted

SMALL = [[0.0, 1.0, 4.0], [-1.0, 0.5, 2.0]]
TIES = [[2.0, 2.0, -1.0], [0.0, 0.0, 0.0]]
LARGE = [[800.0, 1.0, 4.0], [-800.0, 0.0, 80.0]]
MASKED = [[-inf, 1.0, 4.0], [-inf, -inf, 0.0]]

KINKS = {
    "relu at 0": (lambda lib, x: x.relu(), SMALL),
    "abs at 0": (lambda lib, x: x.abs(), SMALL),
    "leaky_relu at 0": (lambda lib, x: lib.leaky_relu(x, 0.1), SMALL),
    "clamp at its bounds": (lambda lib, x: x.clamp(0, 1), SMALL),
    "amax of equals": (lambda lib, x: x.amax(0), TIES),
    "max of equals": (lambda lib, x: x.max(), TIES),
    "max of equals along a dim": (lambda lib, x: x.max(0).values, TIES),
    "maximum of equals": (lambda lib, x: lib.maximum(x, lib.zeros_like(x)), SMALL),
    "sort of equals": (lambda lib, x: x.sort(stable=True).values, TIES),
    "std of equals": (lambda lib, x: x.std(), [[1.0, 1.0, 1.0], [0.0, 0.0, 2.0]]),
    "layer_norm of equals": (lambda lib, x: lib.layer_norm(x, [3]), TIES),
    "square root of 0": (lambda lib, x: x.abs().sqrt(), SMALL),
    "0 squared": (lambda lib, x: x**2, SMALL),
    "0 to the power of x": (lambda lib, x: 0.0 ** x.abs(), SMALL),
    "x to the power of x": (lambda lib, x: x.abs() ** x.abs(), SMALL),
    "product with zeros": (lambda lib, x: x.prod(), [[0.0, 0.0, 4.0], [0.0, 0.5, 2.0]]),
    "fmod": (lambda lib, x: x.fmod(2), SMALL),
    "remainder": (lambda lib, x: x % 2, SMALL),
    "div towards zero": (lambda lib, x: lib.div(x, 2.0, rounding_mode="trunc") + x, SMALL),
    "sigmoid": (lambda lib, x: x.sigmoid(), LARGE),
    "tanh": (lambda lib, x: x.tanh(), LARGE),
    "silu": (lambda lib, x: lib.silu(x), LARGE),
    "gelu": (lambda lib, x: lib.gelu(x), LARGE),
    "gelu by tanh": (lambda lib, x: lib.gelu(x, approximate="tanh"), LARGE),
    "softplus": (lambda lib, x: lib.softplus(x), LARGE),
    "logsigmoid": (lambda lib, x: lib.logsigmoid(x), LARGE),
    "log_softmax": (lambda lib, x: x.log_softmax(0), LARGE),
    "cross_entropy": (lambda lib, x: lib.cross_entropy(x, lib.tensor(1)), LARGE),
    "logsumexp with -inf": (lambda lib, x: x.logsumexp(0), MASKED),
    "softmax with -inf": (lambda lib, x: x.softmax(0), MASKED),
    "embedding's padding": (
        lambda lib, x: lib.embedding(lib.tensor([0, 2, 1, 2]), x[:, None] * 2, padding_idx=2),
        SMALL,
    ),
    "attention's rows with nothing to see": (
        lambda lib, x: lib.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None], hidden(lib)),
        SMALL,
    ),
}


def hidden(lib):
    return lib.tensor([[0.0, -inf, -inf], [-inf, -inf, -inf], [0.0, 0.0, 0.0]], dtype=lib.float64)


def expected(program, rows: list[list[float]]) -> torch.Tensor:
    found = []
    for row in torch.tensor(rows, dtype=torch.float64):
        row.requires_grad_()
        found.append(torch.autograd.grad(weighted(TORCH, program(TORCH, row)), row)[0])
    return torch.stack(found)


@pytest.mark.parametrize(("program", "rows"), KINKS.values(), ids=KINKS)
def test_vmap_of_grad(program, rows) -> None:
    x = to_candle(torch.tensor(rows, dtype=torch.float64))
    found = candle.vmap(candle.func.grad(lambda row: weighted(candle, program(candle, row))))(x)
    assert_same(found, expected(program, rows))


@pytest.mark.parametrize(("program", "rows"), KINKS.values(), ids=KINKS)
def test_grad_of_vmap(program, rows) -> None:
    x = to_candle(torch.tensor(rows, dtype=torch.float64)).requires_grad_()
    candle.vmap(lambda row: weighted(candle, program(candle, row)))(x).sum().backward()
    assert_same(x.grad, expected(program, rows))


@pytest.mark.parametrize(("program", "rows"), KINKS.values(), ids=KINKS)
def test_grad_of_vmap_of_vmap(program, rows) -> None:
    x = to_candle(torch.tensor(rows, dtype=torch.float64)).requires_grad_()
    loss = lambda row: weighted(candle, program(candle, row))  # noqa: E731
    candle.vmap(candle.vmap(loss))(x.expand(2, *x.shape)).sum().backward()
    assert_same(x.grad, 2 * expected(program, rows))


@pytest.mark.parametrize("name", ["norm", "sinc", "sum"])
def test_halves_are_computed_in_float32(name: str) -> None:
    """... and so a norm of large ones does not overflow."""
    x = candle.full((3, 400), 300.0, dtype=candle.float16)
    mapped = candle.func.vmap(lambda row: getattr(row, name)())(x)
    assert mapped.tolist() == [getattr(row, name)().tolist() for row in x]
