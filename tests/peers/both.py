"""One program in torch and in candle: the same values, and the same gradients, in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import candle
import candle.nn.functional


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def assert_same(mine: Any, expected: Any) -> None:
    """A tensor of candle and one of torch."""
    assert tuple(mine.shape) == tuple(expected.shape)
    np.testing.assert_allclose(mine.detach().numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-12)


def check(program: Callable[..., Any], *arrays: np.ndarray) -> None:
    """`program(library, functional, *tensors)` agrees, with its gradients by every array of floats."""
    mine, ours = answers(program, candle, candle.nn.functional, arrays)
    theirs, expected = answers(program, torch, torch.nn.functional, arrays)
    assert_same(mine, theirs)
    assert len(ours) == len(expected) > 0
    for gradient, other in zip(ours, expected):
        assert_same(gradient, other)


def answers(program: Callable[..., Any], library: Any, functional: Any, arrays: Any) -> tuple[Any, list[Any]]:
    """The result, and the gradients of a sum of it in which every element has a weight of its own."""
    given = [library.tensor(array) for array in arrays]
    floats = [x.requires_grad_() for x in given if x.is_floating_point()]
    result = program(library, functional, *given)
    (result * library.tensor(normal(*result.shape, seed=9))).sum().backward()
    return result, [x.grad for x in floats]


def twins(make: Callable[[Any], Any]) -> tuple[Any, Any]:
    """`make(nn)` of both libraries, in double precision; candle's layers with torch's values."""
    theirs, mine = make(torch.nn).double(), make(candle.nn).double()
    mine.load_state_dict({name: candle.tensor(value.numpy()) for name, value in theirs.state_dict().items()})
    return mine, theirs
