"""The `cpu` device: NumPy, which speaks the array API standard since 2.1."""

from __future__ import annotations

import functools
import itertools
import operator
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from candle._device import Device
from candle._numpy_kernels import candle_register_kernels  # noqa: F401
from candle._numpy_kernels.adding import index_add, logaddexp
from candle._numpy_kernels.choosing import take_along_axis, where
from candle._numpy_kernels.dtypes import is_half
from candle._numpy_kernels.shortcuts import SHORTCUTS
from candle._numpy_kernels.sorting import argsort, sort, topk
from candle.backends import lapack
from candle.backends.base import Backend, build_namespace
from candle.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

Array = Any

# log(0) is -inf and sqrt(-1) is nan, as in PyTorch, without a word: anomaly mode is there to ask for one.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"candle\.")


def asarray(x: Any, *, dtype: Any = None, copy: bool | None = None) -> Array:
    return np.array(x, dtype=dtype) if copy else np.asarray(x, dtype=dtype)


def conj(x: Array) -> Array:
    return np.conj(x) if x.dtype.kind == "c" else x


def matmul(x: Array, y: Array) -> Array:
    if is_half(x):
        return np.matmul(x.astype(np.float32), y.astype(np.float32)).astype(x.dtype)
    return np.matmul(x, y)


def total(x: Array, *, axis: Any = None, keepdims: Any = False) -> Array:
    if is_half(x):
        return np.add.reduce(x, axis=axis, keepdims=keepdims, dtype=np.float32).astype(x.dtype)
    return np.add.reduce(x, axis=axis, keepdims=keepdims)  # np.sum goes through two Python functions first


def prod(x: Array, *, axis: Any = None, keepdims: Any = False) -> Array:
    if is_half(x):
        return np.multiply.reduce(x, axis=axis, keepdims=keepdims, dtype=np.float32).astype(x.dtype)
    return np.multiply.reduce(x, axis=axis, keepdims=keepdims)


def running(ufunc: np.ufunc) -> Callable[..., Array]:
    """ufunc of all elements up to here, in double precision: on a long way, roundings add up."""

    def run(x: Array, *, axis: int) -> Array:
        if is_half(x) or x.dtype.char in "fF":
            return ufunc.accumulate(x.astype("D" if x.dtype.kind == "c" else "d", order="C"), axis).astype(x.dtype)
        return ufunc.accumulate(np.ascontiguousarray(x), axis)

    return run


def index(x: Array, *indices: Array) -> Array:
    return x.take(indices[0], axis=0) if len(indices) == 1 and x.flags.c_contiguous else x[indices]


def index_put(x: Array, indices: tuple[Array, ...], values: Array) -> Array:
    """A copy of x with x[i, j, ...] = values."""
    out = np.array(x)
    out[indices] = values
    return out


def slice_put(x: Array, key: tuple[Any, ...], value: Array) -> Array:
    """A copy of x with x[key] = value, for a key of slices, integers and None."""
    out = np.array(x)
    out[key] = value
    return out


def index_combine(x: Array, indices: tuple[Array, ...], values: Array, how: str) -> Array:
    """A copy of x with values multiplied into x[i, j, ...], or taken there if larger ("max") or smaller ("min")."""
    out = np.array(x)
    {"prod": np.multiply, "max": np.maximum, "min": np.minimum}[how].at(out, indices, values)
    return out


def take_strided(x: Array, *, shape: tuple[int, ...], start: tuple[int, ...], steps: Any) -> Array:
    """x[start + steps @ i] for all i in `shape`, as a view."""
    strides = [sum(map(operator.mul, column, x.strides)) for column in zip(*steps)] or [0] * len(shape)
    if x.flags.c_contiguous and type(x) is np.ndarray:  # as_strided takes ten times as long
        return np.ndarray(shape, x.dtype, x, sum(map(operator.mul, start, x.strides)), strides)
    first = x[(*(slice(n, None) for n in start), ...)]
    return np.lib.stride_tricks.as_strided(first, shape, strides, writeable=x.flags.writeable)


def add_strided(x: Array, values: Array, *, start: tuple[int, ...], steps: Any) -> Array:
    """A copy of x with values[i] added at start + steps @ i, in a few strokes that each reach no place twice."""
    out = np.array(x, order="C")
    seen = take_strided(out, shape=values.shape, start=start, steps=steps)
    if repeated := tuple(k for k, step in enumerate(seen.strides) if not step and seen.shape[k] > 1):
        values = values.sum(repeated, out.dtype, keepdims=True)
        seen = seen[tuple(slice(0, 1) if k in repeated else slice(None) for k in range(seen.ndim))]
    together: list[int] = []
    for k in sorted(range(seen.ndim), key=lambda k: -seen.shape[k]):
        if apart([(seen.strides[j], seen.shape[j]) for j in (*together, k)]):
            together.append(k)
    strokes = [range(1) if k in together else range(size) for k, size in enumerate(seen.shape)]
    for i in itertools.product(*strokes):
        key = (*(slice(None) if k in together else n for k, n in enumerate(i)), ...)
        seen[key] += values[key]
    return out


def apart(axes: list[tuple[int, int]]) -> bool:
    """Whether axes of these strides and sizes reach no place twice (or one cannot easily tell)."""
    reach = 0
    for step, size in sorted((abs(step), size) for step, size in axes if size > 1):
        if step <= reach:
            return False
        reach += step * (size - 1)
    return True


def as_real(x: Array) -> Array:
    return x[..., None].view(x.real.dtype)


def as_complex(x: Array) -> Array:
    if x.strides[-1] != x.itemsize:
        x = np.ascontiguousarray(x)
    return x.view(np.result_type(x.dtype, np.complex64))[..., 0]


def check(condition: Array, message: str) -> None:
    if not np.logical_and.reduce(condition, None):
        raise IndexError(message)


def expand(x: Array, shape: tuple[int, ...]) -> Array:
    """As np.broadcast_to, but quick where there is nothing to do, and writable where x is."""
    if x.shape == shape:
        return x
    if not x.ndim and type(x) is np.ndarray:
        return np.ndarray(shape, x.dtype, x, strides=(0,) * len(shape))
    if len(shape) >= x.ndim and type(x) is np.ndarray and x.flags.c_contiguous and x.size:
        steps = [0 if size == 1 else step for size, step in zip(x.shape, x.strides, strict=True)]
        if all(size in (1, wanted) for size, wanted in zip(reversed(x.shape), reversed(shape), strict=False)):
            return np.ndarray(shape, x.dtype, x, strides=(0,) * (len(shape) - x.ndim) + tuple(steps))
    out = np.broadcast_to(x, shape)
    if x.flags.writeable:
        out.flags.writeable = True
    return out


OWN: dict[str, Any] = {
    **SHORTCUTS,
    "asarray": asarray,
    "broadcast_to": expand,
    "conj": conj,
    # NumPy answers with a view, but only declared view ops may share their input's memory
    "flip": lambda x, *, axis=None: np.flip(x, axis).copy(),
    "matmul": matmul,
    "where": where,
    "argsort": argsort,
    "take_along_axis": take_along_axis,
    "sort": sort,
    "index": index,
    "index_put": index_put,
    "index_add": index_add,
    "logaddexp": logaddexp,
    "index_combine": index_combine,
    "slice_put": slice_put,
    "check": check,
    "take_strided": take_strided,
    "add_strided": add_strided,
    "as_real": as_real,
    "as_complex": as_complex,
    **{f"linalg.{name}": getattr(lapack, name) for name in ("eig", "geqrf", "lu_factor")},
    "bool": np.bool_,
    "sum": total,
    "prod": prod,
    "cumulative_sum": running(np.add),
    "cumulative_prod": running(np.multiply),
    "topk": topk,
    # in order whatever the order of the inputs, so that view() works as in PyTorch
    "concat": lambda arrays, *, axis=0: np.ascontiguousarray(np.concatenate(arrays, axis=axis)),
    # np.astype, np.mean and np.var warn in NumPy's own name, which no filter can tell from other people's; np.i0 is
    # in double precision only, np.stack slow
    **dict.fromkeys(("mean", "var", "i0", "stack")),
    "astype": lambda x, dtype, copy=True: x.astype(dtype, copy=copy),
}


def keep_freed_memory() -> None:
    """Let glibc keep the memory of freed arrays: given back to the system, each page of the next one is a fault.

    A quarter of a small GPT's training step was spent there. Any MALLOC_ variable in the environment says that
    somebody has settings of their own, which stay.
    """
    import ctypes
    import os

    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return  # not glibc
    mallopt(-3, 2**25)  # M_MMAP_THRESHOLD, at its highest: smaller arrays come from the heap
    mallopt(-1, 2**28)  # M_TRIM_THRESHOLD: how much of the heap may lie free


class NumpyBackend(Backend):
    """Arrays are `numpy.ndarray`; views alias, as in NumPy."""

    array_type = np.ndarray

    def __init__(self, device: Device):
        super().__init__(device)
        keep_freed_memory()
        own = dict(OWN)
        try:
            import ml_dtypes

            own["bfloat16"] = np.dtype(ml_dtypes.bfloat16)
        except ImportError:
            pass  # bfloat16 is an extra: candle-core[bfloat16]
        self.xp = build_namespace("cpu", np, own)
        for name in ("float16", "float32", "float64", "complex64", "complex128"):
            setattr(self.xp, name, np.dtype(name))
        for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"):
            setattr(self.xp, name, np.dtype(name))

    @functools.cached_property
    def native(self) -> frozenset[Any]:
        return frozenset(raw for raw in self.inexact if self.dtypes[raw].itemsize > 2)

    def to_array(self, result: Any) -> Array:
        return np.asarray(result)

    def from_numpy(self, array: np.ndarray) -> Array:
        return array

    def to_numpy(self, array: Array) -> np.ndarray:
        return array  # type: ignore[no-any-return]

    def from_dlpack(self, array: Any) -> Array:
        return np.from_dlpack(array)

    def copy(self, array: Array) -> Array:
        return np.array(array)

    def write(self, array: Array, value: Array) -> None:
        np.copyto(array, value, casting="unsafe")

    def write_at(self, array: Array, indices: tuple[Array, ...], values: Array) -> None:
        array[indices] = values

    def shares_memory(self, a: Array, b: Array) -> bool:
        return a.base is b or np.may_share_memory(a, b)

    def strides(self, array: Array) -> tuple[int, ...] | None:
        return tuple(step // array.itemsize for step in array.strides)

    def owned(self, array: Array) -> bool:
        return array.base is None and array.flags.carray


@hookimpl
def candle_register_backends(register: Callable[[str, Callable[[int], Backend]], None]) -> None:
    register("cpu", lambda index: NumpyBackend(Device("cpu")))
