"""The kernel of AdamW that comes with the NumPy backend."""

from typing import Any

import numpy as np
import pytest

from candle._numpy_kernels.adamw import BLOCK, AdamW
from candle.kernels import Kernel
from candle.ops import optimization
from candle.plugins import backend_of
from candle.testing.kernels import MutatingKernelSuite
from candle.testing.samples import Sample

SETTINGS = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}


def lists(*shapes: tuple[int, ...], dtype: Any = np.float64) -> list[list[np.ndarray]]:
    """Parameters, gradients, means and squares."""
    draw = np.random.default_rng(len(shapes))
    params, grads, means = ([np.array(draw.normal(size=s), dtype) for s in shapes] for _ in range(3))
    return [params, grads, means, [np.array(draw.uniform(0.1, 2, size=s), dtype) for s in shapes]]


class TestAdamW(MutatingKernelSuite):
    op = optimization.AdamW
    samples = (
        Sample("adamw", (*lists((12, 9)), 3, 1e-2), SETTINGS),
        Sample("adamw", (*lists((5,), (30, 4), (1, 1), (9, 2, 3)), 3, 1e-2), SETTINGS),
        Sample("adamw", (*lists((500, 400)), 3, 1e-2), SETTINGS),
    )

    @pytest.fixture
    def kernel(self) -> Kernel:
        return AdamW()


def assert_right(arrays: list[list[np.ndarray]]) -> None:
    expected = optimization.AdamW.forward(backend_of("cpu").xp, *arrays, 3, 1e-2, **SETTINGS)
    assert AdamW().forward(*arrays, 3, 1e-2, **SETTINGS) is None
    for found, right in zip((arrays[0], *arrays[2:]), expected, strict=True):
        for f, r in zip(found, right, strict=True):
            np.testing.assert_allclose(f, r, rtol=(bound := 32 * np.finfo(r.dtype).eps), atol=bound)


@pytest.mark.parametrize("size", [BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_wherever_blocks_end(size: int) -> None:
    assert_right(lists((3, 2), (size,), (1,), dtype=np.float32))


def test_gradients_of_other_layouts_numbers_and_empty_arrays() -> None:
    arrays = lists((6, 5), (4, 3, 2), (), (0,), (3, 0))
    arrays[1][0], arrays[1][1] = np.asfortranarray(arrays[1][0]), np.broadcast_to(arrays[1][1][:1], (4, 3, 2))
    assert_right(arrays)


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_mixed_dtypes_are_left_to_the_rule(which: int) -> None:
    arrays = lists((3,), (4,))
    arrays[which][1] = arrays[which][1].astype(np.float32)
    before = [x.copy() for each in arrays for x in each]
    assert AdamW().forward(*arrays, 3, 1e-2, **SETTINGS) is NotImplemented
    assert all((x == old).all() for x, old in zip((x for each in arrays for x in each), before, strict=True))


def test_each_parameter_may_have_a_dtype_of_its_own() -> None:
    double, single = lists((3,)), lists((4,), dtype=np.float32)
    assert_right([a + b for a, b in zip(double, single, strict=True)])


def test_one_array_given_twice_is_left_to_the_rule() -> None:
    arrays = lists((3,), (3,))
    arrays[0][1] = arrays[0][0]
    assert AdamW().forward(*arrays, 3, 1e-2, **SETTINGS) is NotImplemented
