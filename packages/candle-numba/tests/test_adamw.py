"""The adamw kernel."""

import itertools
from typing import Any

import numpy as np
import pytest

from candle import adamw_, tensor
from candle.kernels import Kernel
from candle.numba._kernels import adamw
from candle.numba._kernels.adamw import HEIGHT, WIDTH, kernel
from candle.ops.optimization import AdamW
from candle.plugins import backend_of
from candle.testing.kernels import MutatingKernelSuite
from candle.testing.samples import Sample

SETTINGS = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}


def lists(*shapes: tuple[int, ...], dtype: Any = np.float64) -> list[list[np.ndarray]]:
    """Parameters, gradients, means and squares."""
    draw = np.random.default_rng(len(shapes))
    params, grads, means = ([np.array(draw.normal(size=s), dtype) for s in shapes] for _ in range(3))
    return [params, grads, means, [np.array(draw.uniform(0.1, 2, size=s), dtype) for s in shapes]]


def case(*shapes: tuple[int, ...]) -> Sample:
    return Sample("adamw", (*lists(*shapes), 3, 1e-2), SETTINGS)


class TestAdamW(MutatingKernelSuite):
    op = AdamW
    samples = (
        case((12, 9)),
        case((5,), (30, 4), (1, 1), (9, 2, 3)),
        case((300, 40)),
    )

    @pytest.fixture
    def kernel(self, threads: None) -> Kernel:
        return kernel


def by_the_rule(arrays: list[list[np.ndarray]]) -> Any:
    return AdamW.forward(backend_of("cpu").xp, *arrays, 3, 1e-2, **SETTINGS)


def assert_right(arrays: list[list[np.ndarray]], dtype: Any = np.float64) -> None:
    """The kernel accepts, and writes what the rule computes."""
    expected = by_the_rule(arrays)
    assert kernel.forward(*arrays, 3, 1e-2, **SETTINGS) is None
    for found, right in zip((arrays[0], *arrays[2:]), expected, strict=True):
        for f, r in zip(found, right, strict=True):
            bound = 1e-12 if dtype is np.float64 else 2e-6
            np.testing.assert_allclose(f, r, rtol=bound, atol=bound)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", [(3, 5), (HEIGHT, WIDTH), (HEIGHT + 1, WIDTH + 1), (3 * HEIGHT + 5, 2 * WIDTH + 9), (1, 700), (700, 1)]
)
def test_transposed_gradients(shape: tuple[int, int], dtype: Any) -> None:
    """The weight of `x @ w.T` gets one: this must not be what turns the kernel off, nor copy it."""
    arrays = lists((4,), shape, (2, 3), dtype=dtype)
    arrays[1][1] = np.asfortranarray(arrays[1][1])
    assert_right(arrays, dtype)


def test_gradients_of_convolutions() -> None:
    """Their first dimension is the last in memory; they are not copied (candle-optim's tests measure that)."""
    arrays = lists((4,), (19, 3, 3, 2), (2, 3))
    arrays[1][1] = np.moveaxis(np.array(np.moveaxis(arrays[1][1], 0, -1), order="C"), -1, 0)
    four, rows = adamw.laid_out(*(each[1] for each in arrays))
    assert rows == 19
    assert four[1] is arrays[1][1]
    assert_right(arrays)


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 64])
def test_wherever_the_pieces_meet(pieces: int) -> None:
    """All parameters laid end to end and cut: every element once, whole rows where the gradient is transposed."""
    shapes = [(7,), (19, 23), (1,), (40, 3), (3, 40), (11, 5, 2)]
    first, second = lists(*shapes), lists(*shapes)
    for arrays in (first, second):
        arrays[1][1], arrays[1][3] = np.asfortranarray(arrays[1][1]), np.asfortranarray(arrays[1][3])
    table = np.array([[x.ctypes.data for x in four] for four in zip(*first, strict=True)])
    sizes, rows = np.array([p.size for p in first[0]]), np.array([0, 19, 0, 40, 0, 0])
    settings = np.array(kernel.settings(3, 1e-2, **SETTINGS))
    adamw.step_parallel(table, sizes, rows, settings, 0, sizes.sum(), pieces)
    expected = by_the_rule(second)
    for found, right in zip((first[0], *first[2:]), expected, strict=True):
        for f, r in zip(found, right, strict=True):
            np.testing.assert_allclose(f, r, rtol=1e-12, atol=1e-14)


def test_parameters_in_fortran_order() -> None:
    assert_right([[np.asfortranarray(x) for x in each] for each in lists((6, 5), (4, 3, 2))])


def test_gradients_of_other_layouts() -> None:
    arrays = lists((6, 5), (4, 3, 2))
    arrays[1] = [np.broadcast_to(arrays[1][0][:1], (6, 5)), np.array(arrays[1][1].T, order="C").T]
    assert_right(arrays)


def test_numbers_and_empty_arrays_among_the_parameters() -> None:
    assert_right(lists((), (0,), (3, 0), (4,)))
    assert_right(lists((0,)))


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_mixed_dtypes_are_left_to_the_rule(which: int) -> None:
    arrays = lists((3,), (4,))
    arrays[which][1] = arrays[which][1].astype(np.float32)
    before = [x.copy() for each in arrays for x in each]
    assert kernel.forward(*arrays, 3, 1e-2, **SETTINGS) is NotImplemented
    assert all((x == old).all() for x, old in zip(itertools.chain(*arrays), before, strict=True))


def test_one_array_given_twice_is_left_to_the_rule() -> None:
    arrays = lists((3,), (3,))
    arrays[0][1] = arrays[0][0]
    assert kernel.forward(*arrays, 3, 1e-2, **SETTINGS) is NotImplemented


def test_many_steps_of_the_public_function() -> None:
    arrays = lists((20, 6), (6,))
    tensors = [[tensor(x) for x in each] for each in arrays]
    places = [t._array.ctypes.data for each in tensors for t in each]
    for number in range(1, 6):
        adamw_(*tensors, number, 1e-2)
        arrays[0], arrays[2], arrays[3] = AdamW.forward(
            backend_of("cpu").xp, *arrays, number, 1e-2, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2
        )
    assert places == [t._array.ctypes.data for each in tensors for t in each]
    for found, right in zip(tensors, arrays, strict=True):
        for f, r in zip(found, right, strict=True):
            np.testing.assert_allclose(f.numpy(), r, rtol=1e-12)
