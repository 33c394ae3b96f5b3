"""`where` and `take_along_axis` of the NumPy backend: NumPy's own results, bit for bit."""

from typing import Any

import numpy as np
import pytest

from candle._numpy_kernels.choosing import take_along_axis, where

SHAPE = (40, 128)  # large enough for the way over the bits


def numbers(shape: tuple[int, ...], dtype: str) -> Any:
    x = np.array(np.random.default_rng(len(shape)).normal(size=shape) * 100)
    if np.dtype(dtype).kind == "f":
        x.reshape(-1)[:4] = np.resize([np.nan, np.inf, -np.inf, -0.0], min(4, x.size))
    with np.errstate(invalid="ignore"):
        return x.astype(dtype)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "int32", "int64", "float16", "int8", "bool", "complex64", ">f4"]
)
@pytest.mark.parametrize("shapes", [(SHAPE, SHAPE), (SHAPE, ()), ((), SHAPE), ((), ()), ((1, 128), (40, 1))])
def test_where(dtype: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    condition = np.random.default_rng(0).random(SHAPE) < 0.5
    x, y = (numbers(shape, dtype) for shape in shapes)
    for mask in (condition, condition.T.copy().T, condition[:1]):
        for given in ((x, y), (x[..., ::-1], y) if x.ndim else (x, np.zeros((), dtype))):
            found, expected = where(mask, *given), np.where(mask, *given)
            assert (found.shape, found.dtype.newbyteorder("=")) == (expected.shape, expected.dtype.newbyteorder("="))
            np.testing.assert_array_equal(found, expected)
            if expected.dtype.kind == "f":
                np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
            assert not any(np.shares_memory(found, each) for each in given)


def test_where_of_two_dtypes_is_numpys() -> None:
    condition, x, y = np.ones(5000, bool), np.ones(5000, np.float32), np.zeros((), np.float64)
    assert where(condition, x, y).dtype == np.float64


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_take_along_axis(axis: int) -> None:
    x = numbers((5, 7), "float64")
    for indices in ([[0, 3], [4, -1], [1, 1], [2, 2], [0, 0]], [[1, 0, 1, 0, 1, 0, 1]] * (5 if axis else 2), [[3]]):
        index = np.array(indices)
        if axis == 0 and index.shape[1] not in (1, 7):
            continue
        np.testing.assert_array_equal(take_along_axis(x, index, axis=axis), np.take_along_axis(x, index, axis))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("least", [0, -6])
def test_take_along_axis_of_many(axis: int, least: int) -> None:
    x = numbers((6, 8, 10), "float32")
    shape = [6, 8, 10]
    shape[axis] = 12
    index = np.random.default_rng(0).integers(least, 6, shape)
    for each in (x, np.asfortranarray(x)):
        np.testing.assert_array_equal(take_along_axis(each, index, axis=axis), np.take_along_axis(x, index, axis))
    for wrong in (-11, 10):
        index.reshape(-1)[7] = wrong
        with pytest.raises(IndexError, match=f"index {wrong} is out of bounds"):
            take_along_axis(x, index, axis=axis)
