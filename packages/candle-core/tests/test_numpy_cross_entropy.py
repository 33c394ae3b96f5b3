"""The NumPy backend's kernel for cross_entropy, beside its rule."""

import numpy as np
import pytest

from candle._numpy_kernels.cross_entropy import CrossEntropy
from candle.kernels import Kernel
from candle.testing.kernels import KernelSuite
from candle.testing.samples import Sample, floats, whole


def case(rows: int, classes: int, reduction: str, ignore_index: int = -100, scale: float = 2.0) -> Sample:
    inputs = floats(rows, classes, low=-scale, high=scale), whole(rows, below=classes, above=-1).astype(np.int64)
    return Sample("cross_entropy", inputs, {"ignore_index": ignore_index, "reduction": reduction})


class TestCrossEntropy(KernelSuite):
    samples = (
        case(12, 10, "none"),
        case(12, 10, "mean", ignore_index=3),
        case(12, 10, "sum", ignore_index=0),
        case(7, 200, "mean"),
        case(10, 30, "mean", scale=300.0),  # exp of these is out of range
    )

    @pytest.fixture
    def kernel(self) -> Kernel:
        return CrossEntropy()


@pytest.mark.parametrize(
    ("logits", "target"),
    [
        (np.ones((2, 3), np.float16), np.array([0, 1])),
        (np.ones((2, 3)), np.array([0, 1], np.int32)),
        (np.ones((0, 3)), np.array([], np.int64)),
        (np.ones((2, 2, 3)), np.array([0, 1])),
    ],
    ids=["float16", "int32 targets", "empty", "3-d"],
)
def test_leaves_the_rest_to_the_rule(logits: np.ndarray, target: np.ndarray) -> None:
    assert CrossEntropy().forward(logits, target, ignore_index=-100, reduction="mean") is NotImplemented
