"""Two devices to test against, without hardware: `strict` and `frozen`. Importing this registers them.

`strict` is `array_api_strict` (2024.12): its arrays refuse whatever the standard does not promise, and NumPy
cannot read them behind the backend's back, as it could not read a GPU's. What runs there, with the same
results, keeps to the contract. `frozen` is the same with arrays that nobody can write, as JAX has them.

    >>> import candle, candle.testing.strict
    >>> candle.tensor([1.0, 2.0], device="strict") * 2
    tensor([2., 4.], device='strict')
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import array_api_strict
import numpy as np

from candle import device as Device
from candle.backends import contract
from candle.backends import numpy as reference
from candle.backends.base import Backend, build_namespace
from candle.plugins import registry

Array = Any

array_api_strict.set_array_api_strict_flags(api_version="2024.12")
StrictArray: type = type(array_api_strict.asarray(0.0))
ELSEWHERE = array_api_strict.Device("device1")  # arrays of this device are not NumPy's to read

DTYPES = """
bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128
""".split()


def to_host(x: Any) -> Any:
    """The values as a NumPy array, without a copy; what is no array stays."""
    if isinstance(x, tuple):
        return tuple(map(to_host, x))
    host: Any = np.from_dlpack  # typed for arrays that are known to be arrays
    return host(x) if isinstance(x, StrictArray) else x


def by_numpy(function: Callable[..., Any]) -> Callable[..., Any]:
    """What the standard lacks, computed on the host."""

    def call(*args: Any) -> Any:
        out = function(*map(to_host, args))
        if isinstance(out, tuple):
            return tuple(array_api_strict.asarray(each, device=ELSEWHERE) for each in out)
        return array_api_strict.asarray(out, device=ELSEWHERE)

    return call


def sharing(function: Callable[..., Any]) -> Callable[..., Array]:
    """The same, of functions that look at their argument's memory in another way."""
    return lambda x: array_api_strict.asarray(function(to_host(x)), copy=False, device=ELSEWHERE)


def copying(function: Callable[..., Array]) -> Callable[..., Array]:
    """A function that may return its argument, or a view of it, where the contract wants a copy."""

    def call(*args: Any, **kwargs: Any) -> Array:
        return array_api_strict.asarray(function(*args, **kwargs), copy=True)

    return call


class StrictBackend(Backend):
    """Arrays are `array_api_strict`'s; basic slices share memory, as the standard allows."""

    array_type = StrictArray

    def __init__(self, device: Device):
        super().__init__(device)
        own = {name: by_numpy(reference.OWN[name]) for name in contract.EXTRA}
        own |= {name: by_numpy(function) for name, function in reference.OWN.items() if "." in name}
        own["take_strided"] = lambda x, **lattice: array_api_strict.asarray(
            reference.take_strided(to_host(x), **lattice), device=ELSEWHERE
        )
        own["broadcast_to"] = lambda x, shape: array_api_strict.asarray(
            reference.expand(to_host(x), shape), copy=False, device=ELSEWHERE
        )
        for name in ("flip", "floor", "ceil", "trunc", "round"):
            own[name] = copying(getattr(array_api_strict, name))
        own |= {name: sharing(reference.OWN[name]) for name in ("as_real", "as_complex")}
        for name in ("asarray", "arange", "full", "zeros", "ones"):
            own[name] = functools.partial(getattr(array_api_strict, name), device=ELSEWHERE)
        self.xp = build_namespace(str(device), array_api_strict, own)

    def to_array(self, result: Any) -> Array:
        raise TypeError(f"a function of the strict namespace returned a {type(result).__name__}")

    def from_numpy(self, array: np.ndarray) -> Array:
        return array_api_strict.asarray(array, copy=True, device=ELSEWHERE)

    def to_numpy(self, array: Array) -> np.ndarray:
        return np.array(to_host(array))

    def write(self, array: Array, value: Array) -> None:
        array[...] = self.xp.astype(value, array.dtype)

    def shares_memory(self, a: Array, b: Array) -> bool:
        return np.may_share_memory(to_host(a), to_host(b))

    def strides(self, array: Array) -> tuple[int, ...]:
        host = to_host(array)
        return tuple(step // host.itemsize for step in host.strides)


# The same, immutable


class FrozenArray:
    """A strict array that cannot be written: each operator makes a new one."""

    __slots__ = ("dtype", "ndim", "shape", "value")

    def __init__(self, value: Array):
        self.value, self.dtype, self.ndim, self.shape = value, value.dtype, value.ndim, value.shape

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError("arrays of the device 'frozen' are immutable")

    def __repr__(self) -> str:
        return f"Frozen{self.value!r}"

    __hash__ = None  # type: ignore[assignment]


def thaw(x: Any) -> Any:
    if isinstance(x, tuple | list):
        return type(x)(map(thaw, x))
    return x.value if isinstance(x, FrozenArray) else x


def freeze(x: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(map(freeze, x))
    if isinstance(x, list):
        return list(map(freeze, x))
    return FrozenArray(x) if isinstance(x, StrictArray) else x


def freezing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of strict arrays as one of frozen arrays."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return freeze(function(*map(thaw, args), **{name: thaw(value) for name, value in kwargs.items()}))

    return call


PAIRS = "add sub mul truediv floordiv mod pow and or xor".split()
OPERATORS = "neg pos abs invert eq ne lt le gt ge getitem bool int float index".split()
for _name in (*OPERATORS, *PAIRS, *(f"r{each}" for each in PAIRS)):
    setattr(FrozenArray, f"__{_name}__", freezing(getattr(StrictArray, f"__{_name}__")))


class FrozenBackend(Backend):
    """Nothing aliases and nothing can be written: views and writes in place are the engine's work."""

    aliases = False
    array_type = FrozenArray

    def __init__(self, device: Device):
        super().__init__(device)
        self.strict = StrictBackend(device)
        frozen = {name: freezing(getattr(self.strict.xp, name)) for name in contract.NAMES}
        for part, names in contract.EXTENSIONS.items():
            frozen |= {f"{part}.{name}": freezing(getattr(getattr(self.strict.xp, part), name)) for name in names}
        dtypes = {name: getattr(self.strict.xp, name) for name in DTYPES}
        self.xp = build_namespace(str(device), SimpleNamespace(), frozen | dtypes)

    def to_array(self, result: Any) -> Array:
        return self.strict.to_array(result)

    def from_numpy(self, array: np.ndarray) -> Array:
        return freeze(self.strict.from_numpy(array))

    def to_numpy(self, array: Array) -> np.ndarray:
        return self.strict.to_numpy(array.value)


registry.add("strict", lambda index: StrictBackend(Device("strict")))
registry.add("frozen", lambda index: FrozenBackend(Device("frozen")))
