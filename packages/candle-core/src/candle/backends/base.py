"""`Backend`: one device, as the engine sees it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from candle import _dtypes
from candle._device import Device
from candle.backends import contract, derived

if TYPE_CHECKING:
    import numpy as np

    from candle.kernels import Table
    from candle.op import Op

Array = Any


def build_namespace(owner: str, library: Any, own: dict[str, Any]) -> Any:
    """The contract's names: the backend's `own` versions first, then the library's, then derived ones.

    None in `own` passes the library by: its function of that name is another one, or its dtype is of no use.
    """
    xp = ModuleType(f"candle.backends.xp.{owner}")
    missing = []
    for name in sorted(contract.NAMES):
        if own.get(name) is not None:
            function = own[name]
        elif name not in own and hasattr(library, name):
            function = getattr(library, name)
        elif hasattr(derived, name):
            function = functools.partial(getattr(derived, name), xp)
        else:
            missing.append(name)
            continue
        setattr(xp, name, function)
    if missing := [name for name in missing if name in contract.REQUIRED | contract.EXTRA]:
        raise TypeError(
            f"backend {owner!r}: the namespace lacks {', '.join(missing)}; "
            f"pass your own versions to build_namespace(owner, library, own)"
        )
    for part in contract.EXTENSIONS:
        setattr(xp, part, Extension(owner, part, library, own))
    for d in _dtypes.ALL:
        raw = own.get(d.name, getattr(library, d.name, None))
        if raw is not None:
            setattr(xp, d.name, raw)
    return xp


class Extension:
    """`xp.linalg` or `xp.fft`: the backend's `own["linalg.qr"]` or the library's, looked for when first asked for."""

    def __init__(self, owner: str, part: str, library: Any, own: dict[str, Any]):
        self._owner, self._part, self._library, self._own = owner, part, library, own

    def __getattr__(self, name: str) -> Any:
        if name not in contract.EXTENSIONS[self._part]:
            raise AttributeError(f"xp.{self._part} has no {name}")
        found = getattr(self._own.get(self._part, getattr(self._library, self._part, None)), name, None)
        found = self._own.get(f"{self._part}.{name}", found)
        if found is None:
            raise NotImplementedError(f"device '{self._owner}' has no {self._part}.{name}; use .cpu()")
        setattr(self, name, found)
        return found


class Way:
    """How a device runs an op: what the door asks of both, found once."""

    __slots__ = ("aliases", "array_type", "beside_numbers", "carriers", "name", "plans", "rule", "suited", "view")

    def __init__(self, op: type[Op], backend: Backend):
        self.rule, self.name, self.view, self.plans = backend.rule(op), op.name, op.view, op.plans
        self.array_type, self.aliases = backend.array_type, backend.aliases
        # Element types that need no promotion, alone and beside Python's ints and floats.
        # None: the op promotes nothing, so takes all of them, also together.
        self.suited = backend.suited[op.asks] if op.promoted else None
        self.beside_numbers = self.suited & backend.native if self.suited and op.numbers else frozenset()
        # Those whose results carry a gradient
        self.carriers = frozenset() if op.no_grad_outputs else backend.inexact


class Ways(dict[type["Op"], Way]):
    """The ways of one device, made when an op is first run."""

    def __init__(self, backend: Backend):
        self.backend = backend

    def __missing__(self, op: type[Op]) -> Way:
        return self.setdefault(op, Way(op, self.backend))


class Backend:
    """Subclass it, give it `xp`, `from_numpy` and `to_numpy`, and register it through the hook.

    `array_type` is the class (or classes) every array of the device has; what a function of `xp`
    returns beside that (NumPy's scalars, say) goes through `to_array` first.
    """

    aliases = True  # does x[1:] share x's memory, and can it be written?
    level = 0  # of vmap, whose backends stand above a device's
    xp: Any
    array_type: type | tuple[type, ...]
    kernels: Table  # by op name; filled by the registry

    def __init__(self, device: Device):
        self.device, self.ways = device, Ways(self)

    @functools.cached_property
    def dtypes(self) -> dict[Any, _dtypes.dtype]:
        """From the library's element types to candle's."""
        return {self.raw_dtype(d): d for d in _dtypes.ALL if hasattr(self.xp, d.name)}

    @functools.cached_property
    def inexact(self) -> frozenset[Any]:
        """The library's floating and complex element types: those that can carry a gradient."""
        return frozenset(raw for raw, d in self.dtypes.items() if d.category >= _dtypes.FLOAT)

    @functools.cached_property
    def native(self) -> frozenset[Any]:
        """Those of them that stay what they are when Python numbers join in."""
        return self.inexact

    @functools.cached_property
    def suited(self) -> tuple[frozenset[Any], ...]:
        """The element types that ops take as they are, by `op.asks`."""
        every = frozenset(self.dtypes)
        real = frozenset(raw for raw, d in self.dtypes.items() if not d.is_complex)
        return every, self.native, real, self.native & real

    def rule(self, op: type[Op]) -> Callable[..., Any]:
        """What the op computes here, as a function of arrays: one Python call less where that is a function of `xp`."""
        direct = op.forward.__code__.co_names == (op.contract,)  # its only line is `return xp.add(x, y)`
        return getattr(self.xp, op.contract) if direct else functools.partial(op.forward, self.xp)

    def raw_dtype(self, d: _dtypes.dtype) -> Any:
        """The library's element type for candle's."""
        if not isinstance(d := _dtypes.chosen(d), _dtypes.dtype):
            raise TypeError(f"dtype: expected a dtype such as candle.float32, got {d!r}")
        raw = getattr(self.xp, d.name, None)
        if raw is None:
            raise TypeError(f"device '{self.device}' has no {d}")
        return raw

    def detached(self, array: Array) -> Array:
        """The array without what it may know of gradients (which vmap's arrays do)."""
        return array

    def to_array(self, result: Any) -> Array:
        """Make a result of `xp` an array of `array_type`."""
        return self.xp.asarray(result)

    def from_numpy(self, array: np.ndarray) -> Array:
        """A device array with the values of a NumPy array, in memory of its own (the CPU's shares it)."""
        raise NotImplementedError

    def to_numpy(self, array: Array) -> np.ndarray:
        """The values on the host, in memory of their own (the CPU's share it)."""
        raise NotImplementedError

    def from_dlpack(self, array: Any) -> Array:
        """Another library's array on this device, sharing its memory."""
        raise BufferError(f"from_dlpack: device '{self.device}' does not share memory with other libraries")

    def copy(self, array: Array) -> Array:
        """A writable array of its own."""
        return self.xp.asarray(array, copy=True)

    def write(self, array: Array, value: Array) -> None:
        """array[...] = value, in the memory of `array` (only where `aliases`)."""
        array[...] = value

    def write_at(self, array: Array, indices: tuple[Array, ...], values: Array) -> None:
        """array[i, j, ...] = values, the same at some places; all of it is written unless a device can do better."""
        self.write(array, self.xp.index_put(array, indices, values))

    def shares_memory(self, a: Array, b: Array) -> bool:
        """Whether writing one would change the other (only where `aliases`)."""
        import numpy as np

        return bool(np.may_share_memory(a, b))

    def strides(self, array: Array) -> tuple[int, ...] | None:
        """Distances between neighbours in elements, or None where arrays have no layout."""
        return None

    def owned(self, array: Array) -> bool:
        """Whether `array` has writable memory that is not part of another array."""
        return False

    def synchronize(self) -> None:
        """Wait for everything that was asked of the device."""
