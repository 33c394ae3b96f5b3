"""float16 and bfloat16 are computed in float32 and rounded once, as in PyTorch."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import assert_same

HALVES = ["float16", "bfloat16"]


@pytest.mark.parametrize("name", HALVES)
@pytest.mark.parametrize(
    "program",
    [
        lambda lib, x: (1 - x) * -1e9,
        lambda lib, x: x / 1e5,
        lambda lib, x: x * 1e-8,
        lambda lib, x: x * lib.tensor(1e9),
        lambda lib, x: x**3,
        lambda lib, x: (x * 300).var(),
        lambda lib, x: (x * 300).std(0),
        lambda lib, x: x.repeat(4000).sum(),
        lambda lib, x: x.repeat(2000, 1).sum(0),
        lambda lib, x: x.repeat(2000, 1).mean((0, 1)),
        lambda lib, x: x.abs().repeat(2000).cumsum(0)[::500],
        lambda lib, x: lib.stack([x * 300, x * 300, x / 300]).cumprod(0),
        lambda lib, x: lib.add(x.float(), x[0] * 1.52734375, alpha=7),
        lambda lib, x: (x * 10000).round(decimals=2),
        lambda lib, x: lib.einsum("ij,ij->j", x.repeat(2000, 1), x.repeat(2000, 1)),
        lambda lib, x: x.repeat(1000, 1).T @ x.repeat(1000, 1),
        lambda lib, x: x.softmax(0),
        lambda lib, x: lib.exp(x).log(),
    ],
)
def test_values(name: str, program) -> None:
    results = [program(lib, lib.tensor([1.0, 0.0, -0.5], dtype=getattr(lib, name))) for lib in (candle, torch)]
    assert_same(*results)


ORDERS = {
    "sort": lambda lib, x: [*x.sort(stable=True), *x.sort(descending=True, stable=True)],
    "topk": lambda lib, x: [*x.topk(2), *x.topk(2, largest=False)],
    "kthvalue": lambda lib, x: [part for k in (1, 2, 4) for part in x.kthvalue(k)],
    "median": lambda lib, x: [x.median(), *x.median(0), x.nanmedian(), *x.nanmedian(0)],
    "extremes": lambda lib, x: [*x.max(0), *x.min(0), x.argmax(), x.amin(), *x.cummax(0)],
    "unique": lambda lib, x: [x.unique(), lib.isin(x, x[:2]), x.msort()],
}


@pytest.mark.parametrize("name", HALVES)
@pytest.mark.parametrize("order", ORDERS)
def test_nan_is_above_all_numbers(order: str, name: str) -> None:
    results = [
        ORDERS[order](lib, lib.tensor([3.0, float("nan"), -2.5, 7.0], dtype=getattr(lib, name)))
        for lib in (candle, torch)
    ]
    assert_same(*map(list, results))


@pytest.mark.parametrize("name", HALVES)
def test_the_gradient_of_a_bias_counts_every_row(name: str) -> None:
    grads = []
    for lib in (candle, torch):
        dtype = getattr(lib, name)
        bias = lib.zeros(1, 5, dtype=dtype, requires_grad=True)
        (lib.ones(4000, 5, dtype=dtype) + bias).sum().backward()
        grads.append(bias.grad.float())
    assert grads[0].tolist() == grads[1].tolist() == [[4000.0] * 5]


@pytest.mark.parametrize("name", HALVES)
def test_index_add_counts_every_row(name: str) -> None:
    """PyTorch's, of bfloat16, stops at 127.5."""
    x = candle.tensor([1.0, 0.0, -0.5], dtype=getattr(candle, name)).repeat(1000)
    assert candle.zeros(2, dtype=x.dtype).index_add(0, candle.arange(3000) % 2, x).tolist() == [250, 250]


def test_a_default_dtype_of_16_bits() -> None:
    candle.set_default_dtype(candle.float16)
    try:
        x = candle.tensor([1, 2]) * 1.5
    finally:
        candle.set_default_dtype(candle.float32)
    assert (x.dtype, x.tolist()) == (candle.float16, [1.5, 3.0])
