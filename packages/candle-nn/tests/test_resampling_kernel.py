"""The NumPy backend's kernel for resample, beside the rule."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from candle import nn  # noqa: F401  (the op is there once it is imported)
from candle._numpy_kernels import resampling
from candle._numpy_kernels.resampling import Resample
from candle.kernels import Kernel
from candle.testing.kernels import KernelSuite
from candle.testing.samples import Sample, floats
from candle.testing.unusual import SPECIALS


def case(*shape: int, dim: int, size: int, mode: str, scale: float | None = None, aligned: bool = False) -> Sample:
    how = {"dim": dim, "size": size, "mode": mode, "scale": scale, "aligned": aligned}
    return Sample("resample", (floats(*shape),), how)


class TestResample(KernelSuite):
    samples = (
        case(2, 3, 7, 5, dim=2, size=12, mode="bicubic"),
        case(2, 3, 5, 9, dim=3, size=4, mode="bilinear", aligned=True),
        case(12, 8, dim=0, size=5, mode="area"),
        case(3, 4, 11, dim=2, size=7, mode="nearest", scale=0.6),
    )

    @pytest.fixture
    def kernel(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
        resampling.bands.cache_clear()
        monkeypatch.setattr(resampling, "WIDTH", 3)  # so that there are several bands
        yield Resample()
        resampling.bands.cache_clear()

    @pytest.mark.parametrize("kind", SPECIALS)
    def test_nan_and_infinities(self, kernel: Kernel, sample: Sample, dtype: str, kind: str) -> None:
        """Are left to the rule, so that they stay where they belong: in a product, 0 times infinity is nan."""
        inputs: Any = self.inputs(sample, dtype, SPECIALS[kind])
        assert self.ask(kernel, sample, inputs) is NotImplemented
        usual = self.inputs(sample, dtype)
        grad = self.grad_for(self.rule(sample, usual), SPECIALS[kind])
        assert self.ask(kernel, sample, usual, grad) is NotImplemented


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_pixel_reaches_its_neighbours_alone(value: float) -> None:
    torch = pytest.importorskip("torch")
    import candle

    x = np.random.default_rng(0).normal(size=(1, 1, 8, 8))
    x[0, 0, 2, 3] = value
    for mode, size in (("bilinear", 13), ("bicubic", 5), ("area", 3), ("nearest", 11)):
        found = candle.nn.functional.interpolate(candle.tensor(x), size=size, mode=mode)
        expected = torch.nn.functional.interpolate(torch.tensor(x), size=size, mode=mode)
        np.testing.assert_array_equal(np.isfinite(found.numpy()), np.isfinite(expected.numpy()))
