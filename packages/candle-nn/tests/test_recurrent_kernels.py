"""The NumPy backend's kernels for LSTM and GRU, beside the rules."""

from typing import Any

import numpy as np
import pytest

from candle import nn  # noqa: F401  (the ops are there once it is imported)
from candle._numpy_kernels import recurrent
from candle._numpy_kernels.recurrent import Gru, Lstm
from candle.kernels import Kernel
from candle.testing.kernels import KernelSuite
from candle.testing.samples import Sample, floats

L, N, H = 4, 3, 5
MASK = np.array([[True, True, True], [True, False, True], [True, False, True], [False, False, True]])[..., None]


def lstm(bias: bool = True, mask: Any = None, projection: Any = None) -> Sample:
    x, h, c, w, b = floats(L, N, 4 * H), floats(N, H), floats(N, H), floats(4 * H, H), floats(4 * H)
    return Sample("lstm", (x, h, c, w, b if bias else None, projection, mask), {})


def gru(bias: bool = True, mask: Any = None) -> Sample:
    x, h, w, b = floats(L, N, 3 * H), floats(N, H), floats(3 * H, H), floats(3 * H)
    return Sample("gru", (x, h, w, b if bias else None, mask), {})


@pytest.fixture(params=[2**15, 150], ids=["all steps", "a few steps at once"])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrent, "BLOCK", request.param)


class TestLstm(KernelSuite):
    samples = (lstm(), lstm(bias=False, mask=MASK))
    residuals_part = 2.2  # the gates, two states and a tanh of each step, as long as there are few steps

    @pytest.fixture
    def kernel(self, at_once: None) -> Kernel:
        return Lstm()


class TestGru(KernelSuite):
    samples = (gru(), gru(bias=False, mask=MASK))
    residuals_part = 1.8

    @pytest.fixture
    def kernel(self, at_once: None) -> Kernel:
        return Gru()


def test_leaves_projections_to_the_rule() -> None:
    sample = lstm(projection=floats(2, H))
    assert Lstm().forward(*sample.inputs, **sample.attrs) is NotImplemented


@pytest.mark.parametrize(("kernel", "sample"), [(Lstm(), lstm()), (Gru(), gru())], ids=["lstm", "gru"])
def test_leaves_mixed_dtypes_to_the_rule(kernel: Kernel, sample: Sample) -> None:
    inputs = [*sample.inputs]
    inputs[1] = inputs[1].astype(np.float32)
    assert kernel.forward(*inputs, **sample.attrs) is NotImplemented
