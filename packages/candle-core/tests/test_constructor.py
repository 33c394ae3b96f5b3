"""`candle.Tensor(...)`, PyTorch's first constructor: floats from data, or a tensor of some shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import candle

from .oracle import assert_same

DATA = {
    "integers": lambda lib: lib.Tensor([1, 2]),
    "bools": lambda lib: lib.Tensor([True, False]),
    "a tuple": lambda lib: lib.Tensor((2, 3)),
    "nested": lambda lib: lib.Tensor([[1, 2.5], [3, 4]]),
    "nothing": lambda lib: lib.Tensor(),
    "NumPy": lambda lib: lib.Tensor(np.array([1, 2])),
    "a tensor": lambda lib: lib.Tensor(lib.tensor([1.0, 2.0])),
}
SHAPES = {
    "sizes": lambda lib: lib.Tensor(2, 3),
    "one size": lambda lib: lib.Tensor(2),
    "a Size": lambda lib: lib.Tensor(lib.Size([2, 3])),
}


@pytest.mark.parametrize("name", DATA)
def test_data(name: str) -> None:
    assert_same(DATA[name](candle), DATA[name](torch))


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    mine, expected = SHAPES[name](candle), SHAPES[name](torch)
    assert mine.shape == expected.shape
    assert mine.dtype is candle.float32


def test_python_types_are_dtypes() -> None:
    for kind in (float, int, bool, complex):
        for make in (
            lambda lib, kind: lib.zeros(2, dtype=kind),
            lambda lib, kind: lib.tensor([1, 0], dtype=kind),
            lambda lib, kind: lib.full((2,), 1, dtype=kind),
            lambda lib, kind: lib.arange(2, dtype=kind) if kind in (float, int) else lib.ones(2, dtype=kind),
            lambda lib, kind: lib.ones(2).to(kind),
            lambda lib, kind: lib.ones(2).to(dtype=kind),
            lambda lib, kind: lib.ones(2).new_zeros(2, dtype=kind),
            lambda lib, kind: lib.ones(2).sum(dtype=kind),
        ):
            assert_same(make(candle, kind), make(torch, kind))


@pytest.mark.parametrize("given", [(0.0, 5), (0, 5), (5.0,), (0, 5, 1.0), (-0.0, 2)])
def test_one_float_makes_a_range_of_floats(given: tuple[float, ...]) -> None:
    mine, theirs = candle.arange(*given), torch.arange(*given)
    assert (mine.tolist(), str(mine.dtype)[7:]) == (theirs.tolist(), str(theirs.dtype)[6:])
