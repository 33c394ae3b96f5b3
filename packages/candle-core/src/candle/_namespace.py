"""The contract's names on Tensors: the `xp` that rules get when their own work is to be recorded.

Built per backend, so that what is created lands on its device. Because every name is an op, a derivative
written in `xp` can itself be differentiated, batched or explained.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from candle import _dtypes, ops
from candle._apply import apply
from candle._tensor import Tensor, wrap
from candle.backends import contract, derived
from candle.op import OPS

if TYPE_CHECKING:
    from candle.backends.base import Backend

Array = Any


def namespace_of(backend: Backend) -> Any:
    """The Tensor-level namespace of a backend, made once."""
    found = vars(backend).get("tensor_namespace")
    if found is None:
        found = vars(backend)["tensor_namespace"] = _build(backend)
    return found


def _build(backend: Backend) -> Any:
    xp = ModuleType(f"candle.namespace.{backend.device}")
    for op in OPS.values():
        if op.contract:
            setattr(xp, op.contract, functools.partial(apply, op))
    for name, function in BY_ARGUMENTS.items():
        setattr(xp, name, function)
    for name, make in CREATION.items():
        setattr(xp, name, functools.partial(make, backend))
    for part in contract.EXTENSIONS:
        setattr(xp, part, Extension(part))
    for d in _dtypes.ALL:
        setattr(xp, d.name, d)
    for name in contract.DERIVED - vars(xp).keys():  # until there is an op of that name
        setattr(xp, name, functools.partial(getattr(derived, name), xp))
    return xp


class Extension:
    """`xp.linalg` or `xp.fft`: what users call, imported when first asked for."""

    def __init__(self, part: str):
        self._part = part

    def __getattr__(self, name: str) -> Any:
        module = import_module(f"candle.{self._part}")
        function = getattr(module, name, None) or getattr(ops, name)

        def call(*args: Any, axes: Any = None, **options: Any) -> Any:
            return function(*args, **options, **({} if axes is None else {"dim": axes}))

        return call


def _reduce(function: Callable[..., Any]) -> Any:
    def reduce(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        return function(x, axis, keepdims)

    return reduce


def var(x: Array, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Array:
    return ops.var(x, axis, correction=correction, keepdim=keepdims)


def round(x: Array) -> Array:
    return ops.round(x)


def maximum(x: Array, y: Array) -> Array:
    return ops.maximum(x, y)


def flip(x: Array, *, axis: Any = None) -> Array:
    return ops.flip(x, range(x.ndim) if axis is None else axis)


def take(x: Array, indices: Array, *, axis: int) -> Array:
    return ops.index_select(x, axis, indices)


def index_put(x: Array, indices: Any, values: Array) -> Array:
    return apply(OPS["index_put"], x, values, *indices)


def index_add(x: Array, indices: Any, values: Array) -> Array:
    return apply(OPS["index_add"], x, values, *indices)


def index_combine(x: Array, indices: Any, values: Array, how: str) -> Array:
    if how == "prod":
        return apply(OPS["index_prod"], x, values, *indices)
    return apply(OPS["index_extreme"], x, values, *indices, how=how)


def slice_put(x: Array, key: tuple[Any, ...], value: Array) -> Array:
    frozen = tuple(("slice", k.start, k.stop, k.step) if isinstance(k, slice) else k for k in key)
    return apply(OPS["slice_put"], x, value, key=frozen)


def check(condition: Array, message: str) -> None:
    condition._backend.xp.check(condition.current(), message)


def topk(x: Array, k: int, *, axis: int, largest: bool = True) -> Any:
    return ops.topk(x, k, axis, largest)


def asarray(backend: Backend, x: Any, *, dtype: Any = None, copy: bool | None = None) -> Array:
    if isinstance(x, Tensor):
        return x.to(dtype=dtype, copy=bool(copy)) if dtype else x.clone() if copy else x
    return ops.tensor(x, dtype=dtype, device=backend.device)


def full(backend: Backend, shape: Any, value: Any, *, dtype: Any = None) -> Array:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    raw = backend.raw_dtype(dtype or _dtypes.PYTHON[type(value)])
    return wrap(backend.xp.full(shape, value, dtype=raw), backend)


def zeros(backend: Backend, shape: Any, *, dtype: Any = None) -> Array:
    return full(backend, shape, 0, dtype=dtype or _dtypes.get_default_dtype())


def ones(backend: Backend, shape: Any, *, dtype: Any = None) -> Array:
    return full(backend, shape, 1, dtype=dtype or _dtypes.get_default_dtype())


def arange(backend: Backend, start: int, stop: Any = None, step: int = 1, *, dtype: Any = None) -> Array:
    values = range(start) if stop is None else range(start, stop, step)
    raw = backend.raw_dtype(dtype or _dtypes.int64)
    return wrap(backend.xp.arange(values.start, values.stop, values.step, dtype=raw), backend)


CREATION: dict[str, Callable[..., Any]] = {
    "asarray": asarray,
    "full": full,
    "zeros": zeros,
    "ones": ones,
    "arange": arange,
}

BY_ARGUMENTS: dict[str, Any] = {
    **{name: _reduce(getattr(ops, name)) for name in ("sum", "mean", "prod", "any", "all", "argmax", "argmin")},
    **{"max": _reduce(ops.amax), "min": _reduce(ops.amin), "var": var},
    **{"matmul": ops.matmul, "reshape": ops.reshape, "broadcast_to": ops.broadcast_to},
    "permute_dims": lambda x, axes: ops.permute(x, axes),
    **{
        "concat": lambda arrays, *, axis=0: ops.cat(arrays, axis),
        "stack": lambda arrays, *, axis=0: ops.stack(arrays, axis),
    },
    **{"take": take, "take_along_axis": lambda x, i, *, axis=-1: ops.take_along_dim(x, i, axis), "flip": flip},
    **{
        "index_put": index_put,
        "index_add": index_add,
        "index_combine": index_combine,
        "slice_put": slice_put,
        "topk": topk,
        "check": check,
    },
    **{"argsort": lambda x, *, axis=-1, descending=False: ops.argsort(x, axis, descending)},
    **{"sort": lambda x, *, axis=-1, descending=False: ops.sort(x, axis, descending).values},
    **{"tril": lambda x, *, k=0: ops.tril(x, k), "triu": lambda x, *, k=0: ops.triu(x, k)},
    **{"cumulative_sum": lambda x, *, axis: ops.cumsum(x, axis)},
    **{"cumulative_prod": lambda x, *, axis: ops.cumprod(x, axis)},
    **{"astype": lambda x, d, copy=True: x.to(d), "nonzero": lambda x: ops.nonzero(x, as_tuple=True)},
    **{"positive": lambda x: x, "polygamma": lambda n, x: ops.polygamma(n, x)},
}
