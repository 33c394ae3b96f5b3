"""The kernels that come with the NumPy backend for steps of optimizers and for clipping."""

from typing import Any

import numpy as np
import pytest

from candle._numpy_kernels.adamw import AdamW
from candle._numpy_kernels.blocks import BLOCK, SMALL, Blocks
from candle._numpy_kernels.clip_norm import ClipNorm
from candle.kernels import Kernel
from candle.ops import optimization
from candle.plugins import backend_of
from candle.testing.kernels import MutatingKernelSuite
from candle.testing.samples import Sample

SETTINGS = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}
KERNELS = {"in place": AdamW, "by its rule": Blocks}
LARGE = (BLOCK + 3,)
each_kernel = pytest.mark.parametrize("kernel", [make("adamw") for make in KERNELS.values()], ids=KERNELS)


def lists(*shapes: tuple[int, ...], dtype: Any = np.float64) -> list[list[np.ndarray]]:
    """Parameters, gradients, means and squares."""
    draw = np.random.default_rng(len(shapes))
    params, grads, means = ([np.array(draw.normal(size=s), dtype) for s in shapes] for _ in range(3))
    return [params, grads, means, [np.array(draw.uniform(0.1, 2, size=s), dtype) for s in shapes]]


class TestAdamW(MutatingKernelSuite):
    op = optimization.AdamW
    samples = (
        Sample("adamw", (*lists((900, 800)), 3, 1e-2), SETTINGS),
        Sample("adamw", (*lists((5,), (30, 4), (900, 800), (1, 1), (9, 2, 3)), 3, 1e-2), SETTINGS),
    )

    @pytest.fixture(params=KERNELS)
    def kernel(self, request: pytest.FixtureRequest) -> Kernel:
        return KERNELS[request.param]("adamw")


def assert_right(kernel: Kernel, arrays: list[list[np.ndarray]]) -> None:
    expected = optimization.AdamW.forward(backend_of("cpu").xp, *arrays, 3, 1e-2, **SETTINGS)
    assert kernel.forward(*arrays, 3, 1e-2, **SETTINGS) is None
    for found, right in zip((arrays[0], *arrays[2:]), expected, strict=True):
        for f, r in zip(found, right, strict=True):
            np.testing.assert_allclose(f, r, rtol=(bound := 32 * np.finfo(r.dtype).eps), atol=bound)


@each_kernel
@pytest.mark.parametrize(
    "sizes", [[BLOCK - 1], [BLOCK], [BLOCK + 1, SMALL, SMALL + 1], [3 * BLOCK + 5], [11 * BLOCK + 5], [SMALL - 1] * 40]
)
def test_wherever_blocks_end(kernel: Kernel, sizes: list[int]) -> None:
    assert_right(kernel, lists((3, 2), *[(n,) for n in sizes], (1,), dtype=np.float32))


@each_kernel
def test_gradients_of_other_layouts_numbers_and_empty_arrays(kernel: Kernel) -> None:
    arrays = lists((300, 200), (400, 30, 2), (), (0,), (3, 0), LARGE, (2, 3, BLOCK + 5), (1, 9, 9, 800))
    grads = arrays[1]
    grads[0], grads[1] = np.asfortranarray(grads[0]), np.broadcast_to(grads[1][:1], (400, 30, 2))
    grads[5] = np.ones((BLOCK + 3, 2))[:, 1]
    grads[6], grads[7] = (np.moveaxis(np.moveaxis(g, 0, -1).copy(), -1, 0) for g in grads[6:])  # as of a convolution
    assert_right(kernel, arrays)


@each_kernel
@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_mixed_dtypes_are_left_to_the_rule(kernel: Kernel, which: int) -> None:
    arrays = lists((3,), (4,), LARGE)
    arrays[which][1] = arrays[which][1].astype(np.float32)
    before = [x.copy() for each in arrays for x in each]
    assert kernel.forward(*arrays, 3, 1e-2, **SETTINGS) is NotImplemented
    assert all((x == old).all() for x, old in zip((x for each in arrays for x in each), before, strict=True))


@each_kernel
def test_each_parameter_may_have_a_dtype_of_its_own(kernel: Kernel) -> None:
    double, single = lists((3,), LARGE), lists((4,), LARGE, dtype=np.float32)
    assert_right(kernel, [a + b for a, b in zip(double, single, strict=True)])


@each_kernel
def test_one_array_given_twice_is_left_to_the_rule(kernel: Kernel) -> None:
    arrays = lists(LARGE, LARGE)
    arrays[0][1] = arrays[0][0]
    assert kernel.forward(*arrays, 3, 1e-2, **SETTINGS) is NotImplemented


def clipped(grads: list[np.ndarray], most: float, p: float) -> tuple[Any, list[np.ndarray]]:
    """The norm and the gradients, as the rule says."""
    total = [np.zeros((), grads[0].dtype)]
    (norm,), scaled = optimization.ClipNorm.forward(backend_of("cpu").xp, total, grads, most, norm_type=p)
    return norm, scaled


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [2.0, float("inf"), 1.0, 3.0])
@pytest.mark.parametrize("most", [0.5, 1e9, np.nan])
def test_clipping_is_the_rules(dtype: Any, p: float, most: float) -> None:
    grads = lists((500, 400), (3,), (), (0,), dtype=dtype)[1]
    norm, scaled = clipped(grads, most, p)
    total, bound = [np.zeros((), dtype)], 64 * np.finfo(dtype).eps
    assert ClipNorm().forward(total, grads, most, norm_type=p) is None
    np.testing.assert_allclose(total[0], norm, rtol=bound)
    for found, right in zip(grads, scaled, strict=True):
        np.testing.assert_allclose(found, right, rtol=bound)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_clipped_as_the_rule_does(bad: float) -> None:
    grads, total = [np.array([1.0, bad]), np.ones(3)], [np.zeros(())]
    norm, scaled = clipped(grads, 1.0, 2.0)
    assert ClipNorm().forward(total, grads, 1.0, norm_type=2.0) is None
    np.testing.assert_array_equal(total[0], norm)
    for found, right in zip(grads, scaled, strict=True):
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("p", [2.0, float("inf"), 3.0])
def test_gradients_of_other_layouts_are_clipped_in_place(p: float) -> None:
    wide, tall, cube = lists((300, 200), (7, 1), (3, 40, 500))[1]
    grads = [wide.T, tall, cube.transpose(2, 0, 1), np.asfortranarray(wide[:3] + 1)]
    norm, scaled = clipped(grads, 0.5, p)
    total = [np.zeros(())]
    assert ClipNorm().forward(total, grads, 0.5, norm_type=p) is None
    np.testing.assert_allclose(total[0], norm, rtol=1e-13)
    for found, right in zip(grads, scaled, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-13)


@pytest.mark.parametrize("odd", [np.ones((4, 3))[::2], np.ones(3, np.float16), np.broadcast_to(1.0, 3)])
def test_other_gradients_are_left_to_the_rule(odd: np.ndarray) -> None:
    assert ClipNorm().forward([np.zeros(())], [np.ones(3), odd], 1.0, norm_type=2.0) is NotImplemented
