"""Gradients per example, of every op that has them: vmap of grad, grad of vmap, and second derivatives."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import candle

from ..oracle import assert_same, to_candle
from .expressions import TORCH, Expression, examples
from .families import TEXTS
from .weighing import inexact, weighted

SIZE = 3


def is_differentiable(text: str) -> bool:
    """PyTorch has a derivative."""
    expression = Expression(text)
    inputs = [x.requires_grad_() if inexact(x) else x for x in expression.inputs()]
    loss = weighted(TORCH, expression(TORCH, *inputs))
    try:
        torch.autograd.grad(loss, [x for x in inputs if x.requires_grad], allow_unused=True)
    except (RuntimeError, TypeError):  # nothing recorded, or no derivative
        return False
    return True


DIFFERENTIABLE = [text for text in TEXTS if is_differentiable(text)]


def by_loop(expression: Expression, inputs: list[torch.Tensor], dims: tuple[Any, ...]) -> list[list[torch.Tensor]]:
    """PyTorch's gradients of one example after the other: a list for each example."""
    rows = []
    for i in range(SIZE):
        xs = [x if d is None else x.select(d, i) for x, d in zip(inputs, dims, strict=True)]
        xs = [x.detach().requires_grad_() if inexact(x) else x for x in xs]
        loss = weighted(TORCH, expression(TORCH, *xs))
        rows.append(list(torch.autograd.grad(loss, [x for x in xs if inexact(x)], materialize_grads=True)))
    return rows


def layouts(n: int) -> list[tuple[Any, ...]]:
    alone = [tuple(0 if i == j else None for j in range(n)) for i in range(n)] if n > 1 else []
    return [(0,) * n, *alone]


def setting(expression: Expression, dims: tuple[Any, ...]) -> tuple[list[torch.Tensor], tuple[int, ...]]:
    inputs = [
        examples(name, SIZE) if d == 0 else examples(name) for name, d in zip(expression.names, dims, strict=True)
    ]
    return inputs, tuple(i for i, x in enumerate(inputs) if inexact(x))


@pytest.mark.parametrize("text", DIFFERENTIABLE)
def test_vmap_of_grad(text: str) -> None:
    expression = Expression(text)
    for dims in layouts(len(expression.names)):
        inputs, argnums = setting(expression, dims)
        expected = tuple(torch.stack(column) for column in zip(*by_loop(expression, inputs, dims), strict=True))
        gradient = candle.func.grad(lambda *xs: weighted(candle, expression(candle, *xs)), argnums)
        assert_same(candle.vmap(gradient, dims)(*map(to_candle, inputs)), expected, str(dims))


@pytest.mark.parametrize("text", DIFFERENTIABLE)
def test_grad_of_vmap(text: str) -> None:
    """The backward pass of a mapped function: an input that is the same for all gets the sum."""
    expression = Expression(text)
    for dims in layouts(len(expression.names)):
        inputs, argnums = setting(expression, dims)
        columns = zip(*by_loop(expression, inputs, dims), strict=True)
        expected = tuple(
            torch.stack(column) if dims[i] == 0 else sum(column) for i, column in zip(argnums, columns, strict=True)
        )
        given = [to_candle(x, requires_grad=inexact(x)) for x in inputs]
        losses = candle.vmap(lambda *xs: weighted(candle, expression(candle, *xs)), dims)(*given)
        losses.sum().backward()
        for g, e in zip((given[i] for i in argnums), expected, strict=True):
            assert_same(candle.zeros_like(g) if g.grad is None else g.grad, e, str(dims))


@pytest.mark.parametrize("text", DIFFERENTIABLE)
def test_second_derivatives_per_example(text: str) -> None:
    expression = Expression(text)
    n = len(expression.names)
    inputs, argnums = setting(expression, (0,) * n)

    rows = []
    for i in range(SIZE):
        xs = [x[i].detach().requires_grad_() if inexact(x) else x[i] for x in inputs]
        wanted = [xs[i] for i in argnums]
        first = torch.autograd.grad(
            weighted(TORCH, expression(TORCH, *xs)), wanted, create_graph=True, materialize_grads=True
        )
        bent = sum(weighted(TORCH, g.sin()) for g in first)
        if not bent.requires_grad:
            rows.append([torch.zeros_like(x) for x in wanted])
        else:
            rows.append(list(torch.autograd.grad(bent, wanted, materialize_grads=True)))
    expected = tuple(torch.stack(column) for column in zip(*rows, strict=True))

    gradient = candle.func.grad(lambda *xs: weighted(candle, expression(candle, *xs)), argnums)
    second = candle.func.grad(lambda *xs: sum(weighted(candle, g.sin()) for g in gradient(*xs)), argnums)
    assert_same(candle.vmap(second)(*map(to_candle, inputs)), expected)
