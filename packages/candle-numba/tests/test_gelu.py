"""The gelu kernel: as its rule, and closer to the true value than the rule is."""

import math
from typing import Any

import numpy as np
import pytest

from candle.kernels import Kernel
from candle.numba._compile import LARGE
from candle.numba._kernels import gelu
from candle.testing.kernels import KernelSuite
from candle.testing.samples import Sample, floats

FORMS = ("none", "tanh")


class TestGelu(KernelSuite):
    samples = (
        *(Sample("gelu", (floats(5, 7, low=-4, high=4),), {"approximate": form}) for form in FORMS),
        *(Sample("gelu", (floats(1001),), {"approximate": form}) for form in FORMS),
    )

    @pytest.fixture
    def kernel(self, threads: None) -> Kernel:
        return gelu.kernel


@pytest.mark.parametrize(
    "x",
    [
        np.ones((2, 3), np.int64),
        np.ones((2, 3), np.float16),
        np.ones((2, 3), np.complex64),
        np.ones((2, 3)).T,
        np.ones((2, 6))[:, ::2],
        np.broadcast_to(np.ones(3), (2, 3)),
        np.array(1.0),
        np.ones((0, 3)),
    ],
    ids=lambda x: f"{x.dtype}{x.shape}",
)
def test_leaves_the_rest_to_the_rule(x: np.ndarray) -> None:
    assert gelu.kernel.forward(x, approximate="none") is NotImplemented


@pytest.mark.parametrize(
    ("x", "grad"), [(np.ones((2, 3)).T, np.ones((3, 2))), (np.ones((3, 2)), np.ones((3, 2), np.float32))]
)
def test_leaves_such_gradients_to_the_rule(x: np.ndarray, grad: np.ndarray) -> None:
    """What was saved may come back in another layout, through the hooks of saved tensors."""
    assert gelu.kernel.vjp((True,), grad, None, None, x, approximate="none") is NotImplemented


def test_takes_a_broadcast_gradient() -> None:
    """As every sum hands back: this must not be what turns the kernel off."""
    x = floats(4, 5)
    (dx,) = gelu.kernel.vjp((True,), np.broadcast_to(np.ones(()), x.shape), None, None, x, approximate="none")
    (same,) = gelu.kernel.vjp((True,), np.ones(x.shape), None, None, x, approximate="none")
    np.testing.assert_array_equal(dx, same)


# Accuracy. A float32 has an exact float64 neighbour, and math.erfc is right to an ulp of that.


def exact(x: np.ndarray, form: str) -> np.ndarray:
    wide = x.astype(np.float64)
    if form == "tanh":
        return wide / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)))
    return wide * 0.5 * np.array([math.erfc(-each * math.sqrt(0.5)) for each in wide])


def ulps(found: np.ndarray, true: np.ndarray) -> Any:
    """The largest error, in units of the last place of a float32."""
    smallest = np.float32(np.finfo(np.float32).tiny)
    return np.max(np.abs(found - true) / np.spacing(np.maximum(np.abs(true).astype(np.float32), smallest)))


@pytest.mark.parametrize(("low", "high", "bound"), [(-13, -0.5, 6), (-0.5, 0.5, 6), (0.5, 13, 4)])
def test_erf_form_is_right_to_a_few_ulp_everywhere(low: float, high: float, bound: float) -> None:
    x = np.random.default_rng(1).uniform(low, high, 20_000).astype(np.float32)
    assert ulps(gelu.kernel.forward(x, approximate="none")[0], exact(x, "none")) <= bound


@pytest.mark.parametrize(("low", "high", "bound"), [(-1, -0.5, 6), (-0.5, 0.5, 4), (0.5, 13, 3)])
def test_tanh_form_is_right_to_a_few_ulp_but_in_the_left_tail(low: float, high: float, bound: float) -> None:
    x = np.random.default_rng(2).uniform(low, high, 20_000).astype(np.float32)
    assert ulps(gelu.kernel.forward(x, approximate="tanh")[0], exact(x, "tanh")) <= bound


@pytest.mark.parametrize("form", FORMS)
def test_error_is_below_three_ulp_of_the_input(form: str) -> None:
    """Where the value is a tiny part of the input, as it is left of -3, the rule has no digit right."""
    x = np.random.default_rng(3).uniform(-13, 13, 50_000).astype(np.float32)
    error = np.abs(gelu.kernel.forward(x, approximate=form)[0] - exact(x, form))
    assert np.max(error / np.spacing(np.abs(x))) < 3


# Threads


@pytest.mark.parametrize("form", FORMS)
def test_threads_do_not_change_a_bit(form: str) -> None:
    x = floats(LARGE + 13, low=-6, high=6).astype(np.float32)
    grad = floats(x.size).astype(np.float32)
    alone, alone_dx = np.empty_like(x), np.empty_like(x)
    gelu.forward(x, alone, form == "tanh")
    gelu.vjp(x, grad, alone_dx, form == "tanh")
    for pieces in (1, 2, 3, 7):
        out, dx = np.empty_like(x), np.empty_like(x)
        gelu.forward_parallel(x, out, form == "tanh", pieces)
        gelu.vjp_parallel(x, grad, dx, form == "tanh", pieces)
        assert out.tobytes() == alone.tobytes()
        assert dx.tobytes() == alone_dx.tobytes()
