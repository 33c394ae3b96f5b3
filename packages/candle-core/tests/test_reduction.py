"""Reductions at their edges: nothing to reduce, nothing asked for, more taken off than there is."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import candle

from .oracle import check_both, check_gradients


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.uint8])
def test_any_and_all_over_no_dims(dtype: torch.dtype) -> None:
    x = torch.tensor([[0, 2], [1, 1]]).to(dtype)
    check_both(lambda lib, x: [x.any(dim=()), x.all(dim=()), x.any(dim=[], keepdim=True), x.any(), x.all((0, 1))], x)


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
