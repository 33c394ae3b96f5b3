"""Numbers that do not fit into a dtype raise, as in PyTorch, instead of becoming others."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import candle

INF, NAN = float("inf"), float("nan")
VALUES = [300, 255, -1, -255, -256, 1.5, 255.5, 1e20, INF, -INF, NAN, 2**63, 65504, 70000, 1e39, 1j, 2 + 0j, True]
DTYPES = ["bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64"]


def mask(lib: Any) -> Any:
    return lib.tensor([True, False, True])


WAYS = {
    "full": lambda lib, value, dtype: lib.full((2,), value, dtype=dtype),
    "full_like": lambda lib, value, dtype: lib.full_like(lib.zeros(2), value, dtype=dtype),
    "new_full": lambda lib, value, dtype: lib.zeros(2, dtype=dtype).new_full((2,), value),
    "fill_": lambda lib, value, dtype: lib.zeros(2, dtype=dtype).fill_(value),
    "masked_fill": lambda lib, value, dtype: lib.zeros(3, dtype=dtype).masked_fill(mask(lib), value),
    "index_fill": lambda lib, value, dtype: lib.zeros(3, dtype=dtype).index_fill(0, lib.tensor([1]), value),
}
FROM_DATA = {
    "tensor": lambda lib, value, dtype: lib.tensor(value, dtype=dtype),
    "tensor of a list": lambda lib, value, dtype: lib.tensor([0, value], dtype=dtype),
    "new_tensor": lambda lib, value, dtype: lib.zeros(2, dtype=dtype).new_tensor([value]),
}


def outcome(way: Any, lib: Any, value: Any, dtype: str) -> Any:
    """The values as a list, or that it failed."""
    try:
        return str(way(lib, value, getattr(lib, dtype)).tolist())  # a string, for nan is not itself
    except (RuntimeError, ValueError, TypeError) as error:
        return "failed" if lib is torch or "cannot be converted to" in str(error) else repr(error)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", WAYS)
def test_filling(way: str, dtype: str) -> None:
    for value in (v for v in VALUES if way != "index_fill" or not isinstance(v, complex)):
        assert outcome(WAYS[way], candle, value, dtype) == outcome(WAYS[way], torch, value, dtype), value


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", FROM_DATA)
def test_data(way: str, dtype: str) -> None:
    for value in (v for v in VALUES if not isinstance(v, complex)):
        assert outcome(FROM_DATA[way], candle, value, dtype) == outcome(FROM_DATA[way], torch, value, dtype), value


@pytest.mark.parametrize("value", [2**63, 2**64, -(2**63) - 1])
def test_integers_of_more_than_64_bits(value: int) -> None:
    with pytest.raises(RuntimeError, match="tensor: -?[0-9]+ cannot be converted to candle.int64"):
        candle.tensor(value)


@pytest.mark.parametrize("key", [0, slice(0, 2), [0, 1]], ids=str)
@pytest.mark.parametrize("value", [300, -256, NAN, INF])
def test_setitem(key: Any, value: float) -> None:
    for lib in (candle, torch):
        with pytest.raises(RuntimeError, match="cannot be converted|without overflow"):
            lib.zeros(3, dtype=lib.uint8)[key] = value


def test_a_tensor_that_fills_a_mask() -> None:
    x = candle.ones(3, dtype=candle.uint8)
    with pytest.raises(RuntimeError, match="masked_fill: 300 cannot be converted to candle.uint8"):
        x.masked_fill(mask(candle), candle.tensor(300))
    assert x.masked_fill(mask(candle), candle.tensor(7)).tolist() == [7, 1, 7]


def test_arrays_and_tensors_are_cast() -> None:
    assert candle.tensor(candle.tensor(300), dtype=candle.uint8).item() == 44


def test_bounds() -> None:
    x = candle.tensor([100], dtype=candle.uint8)
    for lib, t in ((candle, x), (torch, torch.tensor([100], dtype=torch.uint8))):
        with pytest.raises(RuntimeError, match="cannot be converted"):
            t.clamp(max=300)
        with pytest.raises(RuntimeError, match="cannot be converted"):
            lib.where(t > 0, t, 300)


@pytest.mark.parametrize(("low", "high"), [(0, 300), (-1, 25)])
def test_random_integers(low: int, high: int) -> None:
    for lib in (candle, torch):
        with pytest.raises(RuntimeError):
            lib.randint(low, high, (2,), dtype=lib.uint8)
    assert candle.randint(0, 256, (2,), dtype=candle.uint8).dtype is candle.uint8
