"""Reductions at their edges: nothing to reduce, nothing asked for, more taken off than there is."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import candle

from .oracle import assert_same, check_both, check_gradients


@pytest.mark.parametrize("correction", [0, 1, 2, 3, 0.5])
@pytest.mark.parametrize("values", [[1.0, 3.0], [2.0, 2.0], [1.0]])
@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
def test_variances_of_too_few(correction: float, values: list[float]) -> None:
    def program(lib: Any, x: Any) -> list[Any]:
        return [x.var(0, correction=correction), x.std(0, correction=correction)]

    check_both(program, torch.tensor(values))


@pytest.mark.parametrize(("shape", "dim"), [((2, 0), 1), ((2, 0), 0), ((2, 0), (0, 1)), ((0,), -1)])
def test_logsumexp_of_nothing(shape: tuple[int, ...], dim: Any) -> None:
    x = torch.zeros(shape, requires_grad=True)
    check_gradients(lambda lib, x: x.logsumexp(dim), x)
    check_both(lambda lib, x: x.logsumexp(dim, keepdim=True), x)


def test_logsumexp_of_each_number_of_a_batch() -> None:
    x = torch.tensor([1.0, 2.0, -3.0], requires_grad=True)
    check_gradients(lambda lib, x: lib.vmap(lambda number: number.logsumexp(-1))(x), x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.uint8])
def test_any_and_all_over_no_dims(dtype: torch.dtype) -> None:
    x = torch.tensor([[0, 2], [1, 1]]).to(dtype)
    check_both(
        lambda lib, x: [
            x.any(dim=()),
            x.all(dim=()),
            x.sum((), dtype=lib.bool),
            x.any(dim=[], keepdim=True),
            x.any(),
            x.all((0, 1)),
        ],
        x,
    )


@pytest.mark.parametrize("mode", ["floor", "trunc"])
def test_rounded_quotients_have_slopes_of_zero(mode: str) -> None:
    x = torch.tensor([[7.5, -7.5], [0.0, 2.0]], requires_grad=True)
    check_gradients(lambda lib, x, y: lib.div(x, y, rounding_mode=mode) + x, x, torch.tensor([2.0, -0.3]))
    check_gradients(lambda lib, x, y: lib.div(x, y, rounding_mode=mode) * y, x, torch.tensor(0.7, requires_grad=True))


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0, 2.5])
def test_an_interpolation_ends_at_its_end(weight: float) -> None:
    x, y = torch.tensor([1e8, -1e8, 1.0, -math.inf]), torch.tensor([1.0, 3.0, 1e8, 2.0])
    check_both(lambda lib, x, y: [x.lerp(y, weight), x.lerp(y, x.new_tensor(weight))], x, y)
    steps = torch.tensor([[weight], [0.1], [1.0]], requires_grad=True)
    check_gradients(lambda lib, x, y, w: lib.lerp(x, y, w), y.requires_grad_(), y.flip(0), steps)
    check_both(lambda lib, x: x.quantile(min(weight, 1.0)), torch.tensor([-math.inf, 0.0, 0.5]))


@pytest.mark.parametrize("name", ["trapezoid", "cumulative_trapezoid"])
def test_areas_under_small_integers_do_not_wrap(name: str) -> None:
    heights = [100, 100, 3, 120]
    ours = getattr(candle, name)(candle.tensor(heights, dtype=candle.int8))
    assert_same(ours, getattr(torch, name)(torch.tensor(heights)))  # PyTorch's own wrap


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "any", "all", "amax", "logsumexp", "nansum", "count_nonzero"])
def test_a_number_has_no_dim_one(name: str) -> None:
    for lib in (candle, torch):
        x = lib.tensor(3.0)
        getattr(x, name)(dim=-1)
        for dim in (1, -2):
            with pytest.raises(IndexError):
                getattr(x, name)(dim=dim)


@pytest.mark.parametrize("bounds", [{"min": 0.0}, {"max": 1.0}, {"min": 0.0, "max": 1.0}, {"min": 1.0, "max": 0.0}])
def test_clamp_passes_no_gradient_to_nan(bounds: dict[str, float]) -> None:
    x = torch.tensor([math.nan, -1.0, 0.5, 3.0, 0.0, 1.0], requires_grad=True)
    check_gradients(lambda lib, x: x.clamp(**bounds), x)


def test_the_dim_of_max_may_be_a_tensor() -> None:
    """By position, a tensor is the other one of a pair."""

    def program(lib: Any, x: Any) -> list[Any]:
        zero = lib.tensor(0)
        return [*lib.max(x, dim=zero), *x.min(dim=zero, keepdim=True), lib.max(x, zero), lib.min(x, other=zero)]

    check_both(program, torch.tensor([[3, -1], [2, 5]]))


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "complex64"])
def test_running_sums_do_not_gather_roundings(name: str, dtype: str) -> None:
    """A million times 0.1 was 100,958 in single precision."""
    start = 0.1 if name == "cumsum" else 1 + 2e-6
    values = torch.full((2, 300_000 if dtype in ("float32", "complex64") else 3000), start, dtype=getattr(torch, dtype))
    right = getattr(values.to(torch.complex128 if dtype == "complex64" else torch.float64), name)(1)[0, -1].item()
    mine = getattr(candle.full(tuple(values.shape), start, dtype=getattr(candle, dtype)), name)(1)[0, -1].item()
    assert abs(mine - right) <= 2 * torch.finfo(values.dtype).eps * abs(right)
