"""What is wrong is reported, never wrapped around or filled in."""

from __future__ import annotations

from typing import Any

import pytest

import candle
from candle.testing.backend_suite.base import Suite, tensor_on
from candle.testing.samples import at, floats

TOO_FAR = {
    "getitem": lambda x, i: x[i],
    "setitem": lambda x, i: x.__setitem__(i, 0.0),
    "second dim": lambda x, i: x[:, i],
    "two dims": lambda x, i: x[i * 0, i],
    "index_select": lambda x, i: x.index_select(0, i),
    "index_add": lambda x, i: x.index_add(0, i, x[:2]),
    "gather": lambda x, i: x.gather(0, i.reshape(2, 1)),
    "take_along_dim": lambda x, i: x.take_along_dim(i.reshape(2, 1), 0),
    "scatter_add": lambda x, i: x.scatter_add(0, i.reshape(2, 1), x),
    "scatter": lambda x, i: x.scatter(0, i.reshape(2, 1), x),
    "embedding": lambda x, i: candle.embedding(i, x),
    "cross_entropy": lambda x, i: candle.cross_entropy(x[:2], i),
}


class ErrorTests(Suite):
    """Errors."""

    @pytest.mark.parametrize("use", TOO_FAR.values(), ids=TOO_FAR.keys())
    @pytest.mark.parametrize("wrong", [5, -6])
    def test_index_out_of_range(self, backend: str, target: Any, use: Any, wrong: int) -> None:
        """At once, or when the device is next waited for."""
        x, i = tensor_on(backend, floats(4, 4)), tensor_on(backend, at(0, wrong))
        with pytest.raises(IndexError, match="out of bounds"):  # noqa: PT012
            use(x, i)
            target.synchronize()

    def test_nothing_to_index(self, backend: str) -> None:
        empty = candle.zeros(0, 2, device=backend)
        with pytest.raises(IndexError):
            empty[tensor_on(backend, at(0))]
        assert tuple(empty[tensor_on(backend, at())].shape) == (0, 2)

    def test_slices_may_end_anywhere(self, backend: str) -> None:
        """Python's rule, which the standard does not promise."""
        x = tensor_on(backend, floats(4, 2))
        assert [tuple(x[key].shape) for key in (slice(2, 99), slice(-99, 1), slice(7, 9), slice(3, 1))] == [
            (2, 2), (1, 2), (0, 2), (0, 2)
        ]  # fmt: skip

    def test_shapes_that_do_not_fit(self, backend: str) -> None:
        x, y = candle.ones(2, 3, device=backend), candle.ones(2, 2, device=backend)
        with pytest.raises(RuntimeError, match=r"add\(.*\(2, 3\).*\(2, 2\)"):
            x + y
        with pytest.raises(RuntimeError, match="matmul: inner sizes differ"):
            x @ y
