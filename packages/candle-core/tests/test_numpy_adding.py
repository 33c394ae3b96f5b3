"""`index_add` and `logaddexp` of the NumPy backend: NumPy's own results."""

from typing import Any

import numpy as np
import pytest

from candle._numpy_kernels.adding import MANY, index_add, logaddexp

rng = np.random.default_rng(0)


def whole(*shape: int, dtype: str = "float32") -> Any:
    """Whole numbers, whose sums are exact in any order."""
    return rng.integers(-9, 9, shape).astype(dtype)


def expected(x: Any, indices: tuple[Any, ...], values: Any) -> Any:
    out = np.array(x)
    np.add.at(out, indices, values)
    return out


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex64", "float16"])
@pytest.mark.parametrize("rest", [(), (1,), (3, 2), (8, 9)])
@pytest.mark.parametrize("count", [0, 1, 7, 8 * MANY])
def test_index_add(dtype: str, rest: tuple[int, ...], count: int) -> None:
    x, values = whole(5, *rest, dtype=dtype), whole(count, *rest, dtype=dtype)
    places = rng.integers(-5, 5, count)
    before = x.copy()
    found = index_add(x, (places,), values)
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, expected(x, (places,), values))
    np.testing.assert_array_equal(x, before)


def test_index_add_in_several_dims() -> None:
    x, row, column = whole(4, 5, 2), rng.integers(-4, 4, (3, 6)), rng.integers(-5, 5, (1, 6)).astype(np.int32)
    for values in (whole(3, 6, 2), whole(6, 1), whole(2), np.float32(3)):
        np.testing.assert_array_equal(index_add(x, (row, column), values), expected(x, (row, column), values))
    flat = whole(4, 5)
    np.testing.assert_array_equal(index_add(flat, (row, column), np.float32(2)), expected(flat, (row, column), 2))
    turned = whole(5, 4).T
    np.testing.assert_array_equal(index_add(turned, (row,), 1.0), expected(turned, (row,), 1))


@pytest.mark.parametrize("wrong", [5, -6])
@pytest.mark.parametrize("depth", [1, 2])
def test_index_add_refuses_what_is_out_of_bounds(wrong: int, depth: int) -> None:
    with pytest.raises(IndexError, match=f"index {wrong} is out of bounds for size 5"):
        index_add(whole(5, 5, 2), (np.array([0, wrong]),) * depth, 1.0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_logaddexp(dtype: str) -> None:
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e4, -1e4], dtype)
    x = np.concatenate([special, rng.normal(size=200).astype(dtype) * 20])
    with np.errstate(invalid="ignore"):
        found, told = logaddexp(x, x[:, None]), np.logaddexp(x, x[:, None])
    assert found.dtype == told.dtype
    np.testing.assert_allclose(found, told, rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)
    tail = np.linspace(-80, 0, 500, dtype=dtype)  # small results keep their digits
    np.testing.assert_allclose(
        logaddexp(tail, np.zeros_like(tail)), np.logaddexp(tail, 0 * tail), rtol=4 * np.finfo(dtype).eps
    )
