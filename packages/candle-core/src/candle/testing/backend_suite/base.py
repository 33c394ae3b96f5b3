"""What the parts of the suite share: a device and its dtypes, arrays brought there, answers compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pytest

import candle
from candle import _dtypes
from candle.backends.base import Backend
from candle.plugins import backend_of

F = TypeVar("F", bound=Callable[..., Any])

EVERYTHING = frozenset(_dtypes.BY_NAME)
TOLERANCE = {"float16": 5e-3, "bfloat16": 4e-2, "float32": 1e-5, "complex64": 1e-5}


class Suite:
    """The root of the suite: who tests a device says which, and what dtypes it computes in."""

    supports: frozenset[str] | set[str] = EVERYTHING

    @pytest.fixture
    def backend(self) -> str:
        raise NotImplementedError("define the fixture `backend`, which returns the name of your device")

    @pytest.fixture
    def target(self, backend: str) -> Backend:
        """The backend of the device under test."""
        return backend_of(backend)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Only what the device supports becomes a test; nothing needs to be skipped."""
        cases = getattr(metafunc.function, "cases", None)
        if cases is not None:
            found = cases(sorted(self.supports))
            metafunc.parametrize("case", list(found.values()), ids=list(found))


def for_each(cases: Callable[[Any], dict[str, Any]]) -> Callable[[F], F]:
    """Run the test with every `case` of `cases(supports)`, which has them by id."""

    def mark(test: F) -> F:
        test.cases = cases  # type: ignore[attr-defined]
        return test

    return mark


def numpy_dtype(name: str) -> Any:
    """NumPy's element type of a candle name; bfloat16 is there where ml_dtypes is."""
    return backend_of("cpu").raw_dtype(_dtypes.BY_NAME[name])


def on_device(target: Backend, x: Any) -> Any:
    """A NumPy array as the device's, in the same layout; what is no array stays, tuples and lists are searched."""
    if isinstance(x, tuple | list):
        return type(x)(on_device(target, each) for each in x)
    if not isinstance(x, np.ndarray):
        return x
    if x.ndim > 1 and x.T.flags.c_contiguous and x.size:
        return target.xp.permute_dims(target.from_numpy(x.T), tuple(range(x.ndim))[::-1])
    return target.from_numpy(np.array(x))


def tensor_on(device: str, x: Any, requires_grad: bool = False) -> Any:
    """The same for Tensors."""
    if not isinstance(x, np.ndarray):
        return x
    backend = backend_of(device)
    t: candle.Tensor = candle._tensor.wrap(on_device(backend, x), backend)
    return t.requires_grad_() if requires_grad and x.dtype.kind in "fc" else t


def values(t: candle.Tensor) -> np.ndarray:
    """A Tensor's values, wherever it is."""
    return t.detach().cpu().numpy()


def assert_same(found: Any, expected: Any, what: Any = "") -> None:
    """Shape, dtype and values of NumPy arrays (or lists of them) agree, as far as the dtype can tell."""
    if isinstance(expected, tuple | list):
        assert len(found) == len(expected), what
        for f, e in zip(found, expected, strict=True):
            assert_same(f, e, what)
        return
    if expected is None or found is None:
        assert found is expected, what
        return
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    assert found.dtype == expected.dtype, f"{what}: dtype {found.dtype}, expected {expected.dtype}"
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    bound = TOLERANCE.get(expected.dtype.name, 1e-12 if expected.dtype.kind in "fcV" else 0)
    found, expected = found.astype(wide), expected.astype(wide)
    np.testing.assert_allclose(found, expected, rtol=bound, atol=bound / 10, err_msg=str(what))
