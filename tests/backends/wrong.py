"""Six backends with one mistake each, and one with none, for the suite to judge."""

from typing import Any

import numpy as np
import pytest

import candle
from candle.backends import contract
from candle.backends.base import build_namespace
from candle.backends.numpy import OWN, NumpyBackend
from candle.plugins import registry
from candle.testing.backend_suite import EVERYTHING, BackendSuite

Array = np.ndarray


class Sound(NumpyBackend):
    """No mistake; those with one define the function of the contract that they get wrong."""

    def __init__(self) -> None:
        super().__init__(candle.device(type(self).__name__.lower()))
        dtypes = {d.name: getattr(self.xp, d.name) for d in self.dtypes.values()}
        mistakes = {name: getattr(self, name) for name in contract.NAMES if hasattr(self, name)}
        self.xp = build_namespace(str(self.device), np, OWN | dtypes | mistakes)

    def from_numpy(self, array: Array) -> Array:
        return np.array(array)

    def to_numpy(self, array: Array) -> Array:
        return np.array(array)


class Naming(Sound):
    """Its dtypes are equal to those of its arrays, but are other objects, of another hash."""

    def __init__(self) -> None:
        super().__init__()
        self.xp.float32 = np.float32
        del self.dtypes


class Widening(Sound):
    """Sums of float32 are float64: losses change their dtype."""

    @staticmethod
    def sum(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        return np.asarray(np.sum(x, axis=axis, keepdims=keepdims, dtype=np.float64 if x.dtype == np.float32 else None))


class Copying(Sound):
    """It says that its views alias, but what permute_dims returns is a copy: writes into it are lost."""

    @staticmethod
    def permute_dims(x: Array, axes: tuple[int, ...]) -> Array:
        return np.array(np.permute_dims(x, axes))


class Wrapping(Sound):
    """An index out of range counts from the start again, as on some accelerators, and nothing reports it."""

    @staticmethod
    def check(condition: Array, message: str) -> None: ...

    @staticmethod
    def index(x: Array, *indices: Array) -> Array:
        return np.asarray(x[tuple(i % n for i, n in zip(indices, x.shape, strict=False))])


class Sideways(Sound):
    """The largest over a negative axis is sought over the axis before."""

    @staticmethod
    def max(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        wrong = isinstance(axis, int) and -x.ndim < axis < 0
        return np.asarray(np.max(x, axis=axis - 1 if wrong else axis, keepdims=keepdims))


class Rounding(Sound):
    """Double precision goes through single precision in exp: values look right, derivatives do not."""

    @staticmethod
    def exp(x: Array) -> Array:
        return np.asarray(np.exp(x.astype(np.float32)).astype(x.dtype) if x.dtype == np.float64 else np.exp(x))


BACKENDS = (Sound, Naming, Widening, Copying, Wrapping, Sideways, Rounding)
for _each in BACKENDS:
    registry.add(_each.__name__.lower(), lambda index, each=_each: each())


class Judged(BackendSuite):
    supports = EVERYTHING - {"bfloat16", "float16"}

    @pytest.fixture
    def backend(self) -> str:
        return type(self).__name__.removeprefix("Test").lower()


for _each in BACKENDS:
    globals()[f"Test{_each.__name__}"] = type(f"Test{_each.__name__}", (Judged,), {})
