"""Shapes are `Size`s, and so are their parts and sums."""

from __future__ import annotations

import operator

import pytest
import torch

import candle

CALLS = {
    "slice": lambda shape: shape[1:],
    "item": lambda shape: shape[-1],
    "sum": lambda shape: operator.add(shape, (1,)),
    "sum from the left": lambda shape: operator.add((1,), shape),
    "of two": lambda shape: shape + shape,
    "product": lambda shape: shape * 2,
    "product from the left": lambda shape: 2 * shape,
    "count of a part": lambda shape: shape[1:].numel(),
}


@pytest.mark.parametrize("name", CALLS)
def test_as_in_torch(name: str) -> None:
    mine, expected = (CALLS[name](lib.ones(2, 3, 4).shape) for lib in (candle, torch))
    assert mine == expected
    assert type(mine).__name__ == type(expected).__name__


def test_only_tuples_are_added() -> None:
    with pytest.raises(TypeError):
        operator.add(candle.Size((1, 2)), [3])
