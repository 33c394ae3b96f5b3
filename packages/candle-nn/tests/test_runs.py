"""The kernel of convolutions of stride 1, which copies windows in long runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import candle
import candle.nn
from candle._numpy_kernels import pieces, runs
from candle.kernels import Kernel
from candle.testing.kernels import KernelSuite
from candle.testing.samples import Sample, floats

PLAIN: dict[str, Any] = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}
LINE: dict[str, Any] = {"stride": (1,), "padding": ((2, 1),), "dilation": (1,), "groups": 2}
CUBE: dict[str, Any] = {"stride": (1, 1, 1), "padding": ((1, 0),) * 3, "dilation": (1, 1, 1), "groups": 1}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for two or three examples of the samples below in float64."""
    monkeypatch.setattr(runs, "AT_ONCE", 8 * 1000)
    monkeypatch.setattr(pieces, "AT_ONCE", 8 * 1000)


@pytest.mark.usefixtures("small")
class TestConv(KernelSuite):
    samples = (
        Sample("conv", (floats(7, 2, 5, 4), floats(3, 2, 3, 2), floats(3)), PLAIN),
        Sample("conv", (floats(3, 4, 6, 7), floats(6, 2, 3, 3), None), PLAIN | {"groups": 2}),
        Sample("conv", (floats(3, 2, 9, 12), floats(3, 2, 2, 3), None), PLAIN | {"dilation": (3, 2)}),
        Sample("conv", (floats(2, 2, 6, 9), floats(3, 2, 3, 2), floats(3)), PLAIN | {"padding": ((0, 2), (1, 0))}),
        Sample("conv", (floats(2, 1, 6, 6), floats(5, 1, 3, 3), floats(5)), PLAIN),  # too many outputs to turn round
        Sample("conv", (floats(2, 2, 6, 9), floats(3, 2, 1, 2), None), PLAIN),  # turned round, the padding is negative
        Sample("conv", (floats(6, 2, 20), floats(4, 1, 6), floats(4)), LINE),
        Sample("conv", (floats(3, 2, 4, 5, 6), floats(3, 2, 2, 2, 2), floats(3)), CUBE),
        Sample("conv", (floats(5, 2, 6, 5), floats(3, 2, 3, 3), None), PLAIN | {"stride": (2, 1)}),  # in pieces
    )

    @pytest.fixture
    def kernel(self) -> Kernel:
        return runs.Runs("conv")


def arrays(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


@pytest.mark.usefixtures("small")
def test_what_is_behind_the_last_row_is_not_read() -> None:
    """Runs go beyond the example; into the next, and of the last into memory kept for that."""
    x, weight = arrays((3, 2, 5, 5), (3, 2, 3, 3))
    x[1] = np.nan
    out, _ = runs.Runs("conv").forward(x, weight, None, **PLAIN)
    expected = torch.nn.functional.conv2d(torch.tensor(x), torch.tensor(weight), padding=1)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"stride": (1, 2)}, False),
        ({"padding": ((0, 0), (0, -1))}, False),
        ({"kernel": (1, 1)}, False),
        ({"kernel": (1, 5)}, False),  # 10 elements a row are computed, and 6 wanted
        ({"kernel": (5, 1)}, True),
        ({"dtype": complex}, False),
        ({"examples": 0}, False),
    ],
)
def test_what_it_takes(changes: dict[str, Any], expected: bool) -> None:
    given = {"kernel": (3, 3), "dtype": float, "examples": 2, **PLAIN, **changes}
    kernel, dtype, examples = given.pop("kernel"), given.pop("dtype"), given.pop("examples")
    assert runs.suits(np.empty((examples, 2, 8, 8), dtype), np.empty((3, 2, *kernel), dtype), **given) is expected


def test_it_is_the_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the rule nor the pieces are asked for an everyday convolution, forward or back."""
    monkeypatch.setattr(pieces.Pieces, "forward", None)
    monkeypatch.setattr(pieces.Pieces, "vjp", None)
    model = candle.nn.Conv2d(3, 4, 3, padding=1)
    x = candle.randn(2, 3, 8, 8, requires_grad=True)
    model(x).sum().backward()
    assert x.grad is not None
    assert model.weight.grad is not None
