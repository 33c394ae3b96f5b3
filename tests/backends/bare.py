"""The least a library can have: the required names, real numbers in two precisions.

Everything else of the contract is derived, so the suite on this device is the test of `candle.backends.derived`.
"""

from types import SimpleNamespace

import numpy as np

import candle
from candle.backends import contract
from candle.backends.base import Backend, build_namespace
from candle.backends.numpy import OWN
from candle.plugins import registry

DTYPES = "bool int8 int32 int64 float32 float64".split()


def add(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Shapes that do not fit are refused in JAX's words: a TypeError that begins as candle's own messages do."""
    try:
        return np.add(x, y)
    except ValueError:
        raise TypeError(f"add got incompatible shapes for broadcasting: {x.shape}, {y.shape}.") from None


class BareBackend(Backend):
    array_type = np.ndarray

    def __init__(self) -> None:
        super().__init__(candle.device("bare"))
        own = {name: OWN.get(name) or getattr(np, name) for name in contract.REQUIRED | contract.EXTRA}
        self.xp = build_namespace(
            "bare", SimpleNamespace(), own | {"add": add} | {name: np.dtype(name) for name in DTYPES}
        )

    def from_numpy(self, array: np.ndarray) -> np.ndarray:
        return np.array(array)

    def to_numpy(self, array: np.ndarray) -> np.ndarray:
        return np.array(array)

    def strides(self, array: np.ndarray) -> tuple[int, ...]:
        return tuple(step // array.itemsize for step in array.strides)


registry.add("bare", lambda index: BareBackend())
