"""The cross_entropy kernel."""

import math

import numpy as np
import pytest

import candle
from candle.kernels import Kernel
from candle.numba._compile import LARGE
from candle.numba._kernels import cross_entropy
from candle.numba._kernels.cross_entropy import BLOCK, kernel
from candle.testing.kernels import KernelSuite
from candle.testing.samples import Sample, floats, whole


def case(rows: int, classes: int, ignore_index: int = -100, scale: float = 2.0, reduction: str = "none") -> Sample:
    inputs = floats(rows, classes, low=-scale, high=scale), whole(rows, below=classes, above=-1).astype(np.int64)
    return Sample("cross_entropy", inputs, {"ignore_index": ignore_index, "reduction": reduction})


class TestCrossEntropy(KernelSuite):
    samples = (
        case(12, 10),
        case(12, 10, ignore_index=3),
        case(12, 10, ignore_index=3, reduction="mean"),
        case(12, 10, reduction="sum"),
        case(3, 2 * BLOCK + 17),  # the maximum may be in any block
        case(10, 30, scale=300.0),  # exp of these is out of range
    )

    @pytest.fixture
    def kernel(self, threads: None) -> Kernel:
        return kernel


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize("at", [0, BLOCK - 1, BLOCK, 2 * BLOCK, 3 * BLOCK - 1])
def test_the_maximum_in_any_block(at: int) -> None:
    """What was summed before a larger maximum turns up shrinks with it, from -inf on."""
    logits = np.full((1, 3 * BLOCK), -math.inf)
    logits[0, at], logits[0, 7], logits[0, BLOCK + 9] = 1000.0, 999.0, 998.0
    losses, _ = kernel.forward(logits, np.array([at]), ignore_index=-100, reduction="none")
    others = sum(math.exp(logits[0, j] - logits[0, at]) for j in {7, BLOCK + 9} - {at})
    assert losses[0] == pytest.approx(math.log1p(others), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("finite", [slice(2 * BLOCK, None), slice(BLOCK, BLOCK + 1), slice(0, 5), slice(0, 0)])
def test_whole_blocks_of_minus_infinity(finite: slice) -> None:
    logits = np.full((1, 3 * BLOCK), -math.inf)
    logits[0, finite] = 2.0
    count = logits[0, finite].size
    losses, _ = kernel.forward(logits, np.array([logits.argmax()]), ignore_index=-100, reduction="none")
    np.testing.assert_allclose(losses, math.log(count) if count else math.nan, rtol=1e-14)


@pytest.mark.parametrize(
    ("logits", "target"),
    [
        (rows([1, 2]), np.array([2])),
        (rows([1, 2]), np.array([-1])),
        (np.ones((2 * LARGE, 2), np.float32), np.arange(2 * LARGE) // (2 * LARGE - 1) * 5),
    ],
    ids=["above", "below", "among many"],
)
def test_a_target_that_is_no_class_is_left_to_the_rule(logits: np.ndarray, target: np.ndarray) -> None:
    assert kernel.forward(logits, target, ignore_index=-100, reduction="none") is NotImplemented


@pytest.mark.parametrize(
    ("logits", "target"),
    [
        (np.ones((2, 3), np.float16), np.array([0, 1])),
        (np.ones((2, 3), np.int64), np.array([0, 1])),
        (np.ones((3, 2)).T, np.array([0, 1])),
        (np.ones((2, 3)), np.array([0, 1], np.int32)),
        (np.ones((2, 3)), np.array([0, 0, 1])[::2]),
        (np.ones((2, 3)), np.array([0])),
        (np.ones((0, 3)), np.array([], np.int64)),
        (np.ones((2, 2, 3)), np.array([0, 1])),
    ],
    ids=["float16", "int64", "layout", "int32 targets", "target layout", "too few targets", "empty", "3-d"],
)
def test_leaves_the_rest_to_the_rule(logits: np.ndarray, target: np.ndarray) -> None:
    assert kernel.forward(logits, target, ignore_index=-100, reduction="none") is NotImplemented


def test_leaves_such_gradients_to_the_rule() -> None:
    """What was saved may come back in another layout, through the hooks of saved tensors."""
    logits, target, ones = np.ones((2, 3)), np.zeros(2, np.int64), np.ones(2)
    for x, grad in ((np.ones((3, 2)).T, ones), (logits, ones.astype(np.float32))):
        answer = kernel.vjp((True, False), grad, ones, None, x, target, ignore_index=-100, reduction="none")
        assert answer is NotImplemented


def test_keeps_two_numbers_a_row() -> None:
    _, sums = kernel.forward(np.ones((4, 1000), np.float32), np.zeros(4, np.int64), ignore_index=-100, reduction="none")
    np.testing.assert_allclose(sums, [[1, 1000]] * 4, rtol=1e-6)


@pytest.mark.parametrize("offset", [1e3, -1e5, 1e6])
def test_large_logits_lose_no_digits(offset: float) -> None:
    logits = candle.tensor(np.zeros((3, 4), np.float32) + np.float32(offset), requires_grad=True)
    loss = candle.cross_entropy(logits, candle.tensor([0, 1, 2]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(4), rel=1e-6)
    np.testing.assert_allclose(logits.grad.numpy(), (0.25 - np.eye(3, 4)) / 3, rtol=1e-5)


def test_through_the_public_function() -> None:
    logits = candle.tensor(floats(6, 5), requires_grad=True)
    loss = candle.cross_entropy(logits, candle.tensor([0, 1, 2, 3, 4, -100]))
    loss.backward()
    wide = logits.detach().numpy()
    p = np.exp(wide) / np.exp(wide).sum(1, keepdims=True)
    expected = (p - np.eye(6, 5)) / 5
    expected[5] = 0
    np.testing.assert_allclose(logits.grad.numpy(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_a_bit(dtype: type) -> None:
    logits = floats(64, BLOCK + 5).astype(dtype)
    target, grad = np.arange(64), floats(64).astype(dtype)
    results = []
    for pieces in (0, 1, 2, 7):
        losses, sums, dlogits = np.empty(64, dtype), np.empty((64, 2), dtype), np.empty_like(logits)
        if pieces:
            cross_entropy.forward_parallel(logits, target, 5, losses, sums, pieces)
            cross_entropy.vjp_parallel(logits, target, 5, grad, sums, dlogits, pieces)
        else:
            cross_entropy.forward(logits, target, 5, losses, sums)
            cross_entropy.vjp(logits, target, 5, grad, sums, dlogits)
        results.append(losses.tobytes() + sums.tobytes() + dlogits.tobytes())
    assert len(set(results)) == 1
