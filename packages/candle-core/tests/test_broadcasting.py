"""Shapes that stretch: forward as in PyTorch, and gradients summed back to the shapes they came from."""

from __future__ import annotations

import operator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import candle

from .oracle import check_gradients

SHAPES = [
    ((3, 4), (3, 1)),
    ((3, 1), (1, 4)),
    ((3, 4), (4,)),
    ((3, 4), ()),
    ((), (2, 3)),
    ((1,), (1, 1, 1)),
    ((2, 1, 3), (4, 1)),
    ((1, 1), (5,)),
    ((0, 3), (3,)),
    ((2, 0), (1, 1)),
    ((2, 3), (2, 3)),
]


def values(shape: tuple[int, ...], start: float) -> torch.Tensor:
    return ((torch.arange(torch.Size(shape).numel(), dtype=torch.float64) + start) / 3).reshape(shape).requires_grad_()


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_operators_broadcast(name: str, shapes) -> None:
    check_gradients(lambda lib, x, y: getattr(operator, name)(x, y), values(shapes[0], 1), values(shapes[1], 2))


FUNCTIONS = {
    "where": lambda lib, x, y: lib.where(x.detach() > y.detach(), x, y * 2),
    "maximum": lambda lib, x, y: lib.maximum(x, y),
    "clamp": lambda lib, x, y: x.expand(lib.broadcast_tensors(x, y)[0].shape).clamp(max=y),
    "masked_fill": lambda lib, x, y: (x + y).masked_fill(x.detach() > 1, 0.0),
    "broadcast_tensors": lambda lib, x, y: lib.stack(lib.broadcast_tensors(x, y)),
    "expand": lambda lib, x, y: x.expand((x + y).shape) * 2,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_functions_broadcast(name: str, shapes) -> None:
    check_gradients(FUNCTIONS[name], values(shapes[0], 1), values(shapes[1], 2))


def test_minus_one_keeps_a_size() -> None:
    for shape in [(-1, 3), (2, -1, -1), (5, -1, 3)]:
        check_gradients(lambda lib, x, shape=shape: lib.broadcast_to(x, shape), values((2, 1), 1))
    with pytest.raises(RuntimeError, match="-1 is not allowed for a new leading dim"):
        candle.broadcast_to(candle.zeros(3), (-1, 3))


MATRICES = [((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4))]
MATRICES += [
    ((5, 1, 2, 3), (4, 3, 2)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((0, 2, 3), (3, 4)),
    ((2, 0), (0, 3)),
    ((1, 2, 3), (6, 3, 1)),
]


@pytest.mark.parametrize("shapes", MATRICES, ids=str)
def test_matmul_broadcasts_its_batches(shapes) -> None:
    check_gradients(lambda lib, x, y: x @ y, values(shapes[0], 1), values(shapes[1], 2))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(shapes=mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3))
def test_any_three_shapes(shapes) -> None:
    x, y, z = (values(shape, start) for shape, start in zip(shapes.input_shapes, (1, 2, 3), strict=True))
    check_gradients(lambda lib, x, y, z: x * y + z / (x * x + 1) - lib.where(z > y, y, x), x, y, z)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(a=st.lists(st.integers(2, 4), max_size=3), b=st.lists(st.integers(2, 4), max_size=3))
def test_shapes_that_do_not_fit_are_refused(a: list[int], b: list[int]) -> None:
    """The message has both shapes and the name of the operation."""
    fits = all(m == n for m, n in zip(reversed(a), reversed(b), strict=False))
    x, y = candle.ones(*a), candle.ones(*b)
    if fits:
        assert (x + y).shape == torch.broadcast_shapes(a, b)
        return
    with pytest.raises(RuntimeError) as caught:
        x + y
    assert str(caught.value).startswith("add")
    assert str(tuple(a)) in str(caught.value)
    assert str(tuple(b)) in str(caught.value)


def test_the_gradient_of_a_stretched_constant_is_not_computed() -> None:
    x = candle.ones(2, 3, requires_grad=True)
    c = candle.ones(3)
    (x * c).sum().backward()
    assert c.grad is None
    assert x.grad.shape == (2, 3)
