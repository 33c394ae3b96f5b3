"""The kernel of the convolutions, which takes a batch in pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import candle
import candle.nn
from candle._numpy_kernels import pieces
from candle.kernels import Kernel
from candle.testing.kernels import KernelSuite
from candle.testing.samples import Sample, floats

PLAIN: dict[str, Any] = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}

LINE: dict[str, Any] = {"stride": (1,), "padding": ((2, 1),), "dilation": (1,), "groups": 2}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of two examples of the samples below in float64, four in float32."""
    monkeypatch.setattr(pieces, "AT_ONCE", 2 * 8 * (2 * 5 * 4) * 6)


@pytest.mark.usefixtures("small")
class TestConv(KernelSuite):
    samples = (
        Sample("conv", (floats(7, 2, 5, 4), floats(3, 2, 3, 2), floats(3)), PLAIN),
        Sample("conv", (floats(7, 2, 5, 4), floats(6, 2, 2, 3), None), PLAIN | {"stride": (2, 1)}),
        Sample("conv", (floats(6, 2, 20), floats(4, 1, 6), floats(4)), LINE),
    )

    @pytest.fixture
    def kernel(self) -> Kernel:
        return pieces.Pieces("conv")


@pytest.mark.usefixtures("small")
class TestConvTranspose(KernelSuite):
    samples = (Sample("conv_transpose", (floats(7, 2, 5, 4), floats(2, 3, 3, 2), floats(3)), PLAIN),)

    @pytest.fixture
    def kernel(self) -> Kernel:
        return pieces.Pieces("conv_transpose")


def test_how_a_batch_is_cut() -> None:
    x, weight = np.empty((5, 1024, 32, 32), np.float32), np.empty((1, 1024, 1, 1))  # 4 MiB each
    assert pieces.pieces(x, weight) == [slice(i, i + 1) for i in range(5)]
    assert pieces.pieces(x[:, :400], weight) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert pieces.pieces(x[:, :1], weight) == [slice(0, 5)]
    assert pieces.pieces(x[:0], weight) == []


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("stride", [1, 2], ids=["runs", "pieces"])
@pytest.mark.parametrize("needs", [(True, False), (False, True)])
def test_what_no_derivative_reads_is_not_kept(needs: tuple[bool, bool], stride: int) -> None:
    """A stand-in comes in its place, and that of a piece in its place."""
    given = [candle.tensor(a, requires_grad=need) for a, need in zip((floats(7, 2, 5, 4), floats(3, 2, 3, 2)), needs)]
    out = candle.nn.functional.conv2d(*given, padding=1, stride=stride)
    assert isinstance(out.grad_fn.kernel, pieces.Pieces)
    out.square().sum().backward()
    leaf = given[needs.index(True)]
    again = candle.tensor(leaf.numpy(force=True), requires_grad=True)
    mixed = [again if x is leaf else x for x in given]
    parts = [candle.nn.functional.conv2d(mixed[0][i : i + 1], mixed[1], padding=1, stride=stride) for i in range(7)]
    candle.cat(parts).square().sum().backward()
    np.testing.assert_allclose(leaf.grad.numpy(), again.grad.numpy(), rtol=1e-12, atol=1e-12)
