"""How each name of the contract works around a batch axis that stands in front.

A batch axis of size 1 means: the same for every example. It broadcasts like any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from candle import _dtypes
from candle._namespace import namespace_of
from candle._tensor import Tensor
from candle.backends import contract

Rule = Callable[..., Any]


class BatchedArray:
    """Tensors (B, *shape) that look like arrays of `shape`."""

    __slots__ = ("value",)

    def __init__(self, value: Tensor):
        self.value = value

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape[1:])

    @property
    def ndim(self) -> int:
        return self.value.ndim - 1

    @property
    def dtype(self) -> _dtypes.dtype:
        return self.value.dtype

    def __getitem__(self, key: Any) -> BatchedArray:
        return BatchedArray(self.value[(slice(None), *(key if isinstance(key, tuple) else (key,)))])

    def __neg__(self) -> BatchedArray:
        return BatchedArray(-self.value)

    def __bool__(self) -> bool:
        raise RuntimeError("vmap: the truth of a batched array differs from example to example; use where")


def _operator(symbol: str) -> None:
    def binary(self: BatchedArray, other: Any) -> Any:
        a, b = aligned(self, other)
        return BatchedArray(getattr(a, f"__{symbol}__")(b))

    def reflected(self: BatchedArray, other: Any) -> Any:
        return BatchedArray(getattr(self.value, f"__r{symbol}__")(other))  # other is a number

    setattr(BatchedArray, f"__{symbol}__", binary)
    setattr(BatchedArray, f"__r{symbol}__", reflected)


for _symbol in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _operator(_symbol)


def aligned(*arrays: Any, ndim: int | None = None) -> list[Any]:
    """Values whose shapes broadcast as their examples' shapes do: ones go in behind the batch axis."""
    top = max(a.ndim for a in arrays if isinstance(a, BatchedArray)) if ndim is None else ndim
    return [_padded(a, top) if isinstance(a, BatchedArray) else a for a in arrays]


def _padded(a: BatchedArray, ndim: int) -> Tensor:
    if a.ndim == ndim:
        return a.value
    return a.value.reshape(a.value.shape[0], *(1,) * (ndim - a.ndim), *a.shape)


def _batch_size(*arrays: BatchedArray) -> int:
    """How many examples there are: none, perhaps; 1 only says that all are the same."""
    return next((a.value.shape[0] for a in arrays if a.value.shape[0] != 1), 1)


def _full(arrays: list[BatchedArray]) -> list[Tensor]:
    """Values with batch axes of one size, where broadcasting would not do it."""
    size = _batch_size(*arrays)
    return [a.value.expand(size, *a.shape) for a in arrays]


def elementwise(function: Rule, *arrays: Any) -> Any:
    return BatchedArray(function(*aligned(*arrays)))


def reduction(function: Rule, x: BatchedArray, *, axis: Any = None, keepdims: bool = False, **rest: Any) -> Any:
    if not x.ndim and not axis:  # None or no axes: of numbers, the same; of Tensors with the batch axis, all
        x, axis, keepdims = BatchedArray(x.value.unsqueeze(1)), 0, False
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return BatchedArray(function(x.value, axis=tuple(a % x.ndim + 1 for a in axes), keepdims=keepdims, **rest))


def position(function: Rule, x: BatchedArray, *, axis: int, keepdims: bool = False) -> Any:
    return BatchedArray(function(x.value, axis=axis % x.ndim + 1, keepdims=keepdims))


def along(function: Rule, x: BatchedArray, *args: Any, axis: int = -1, **rest: Any) -> Any:
    out = function(x.value, *args, axis=axis % x.ndim + 1, **rest)
    return tuple(map(BatchedArray, out)) if isinstance(out, tuple) else BatchedArray(out)


def last_two(function: Rule, x: BatchedArray, **rest: Any) -> Any:
    return BatchedArray(function(x.value, **rest))


def namespace(inner: Any) -> Any:
    """The contract for batched arrays, on the Tensor-level namespace of a device."""
    ns = namespace_of(inner)
    xp = ModuleType("candle.func.vmap.xp")
    for name in contract.NAMES:
        if name in _RULES:
            setattr(xp, name, partial(_RULES[name], ns))
        else:
            function = getattr(ns, name, None)
            if function is not None:
                setattr(xp, name, partial(_KINDS.get(name, elementwise), function))
    xp.linalg, xp.fft = Extension(ns.linalg, matrices), Extension(ns.fft, transform)  # type: ignore[attr-defined]
    for d in _dtypes.ALL:
        setattr(xp, d.name, d)
    return xp


class Extension:
    """`xp.linalg` or `xp.fft`, all of whose functions work around the batch axis in one way."""

    def __init__(self, inner: Any, rule: Rule):
        self._inner, self._rule = inner, rule

    def __getattr__(self, name: str) -> Any:
        return partial(self._rule, getattr(self._inner, name))


def matrices(function: Rule, *arrays: BatchedArray, **rest: Any) -> Any:
    """These take any number of leading axes."""
    out = function(*aligned(*arrays), **rest)
    return tuple(map(BatchedArray, out)) if isinstance(out, tuple) else BatchedArray(out)


def transform(function: Rule, x: BatchedArray, *, axes: Any, **rest: Any) -> Any:
    return BatchedArray(function(x.value, axes=tuple(a % x.ndim + 1 for a in axes), **rest))


_KINDS: dict[str, Rule] = {
    **dict.fromkeys(("sum", "prod", "max", "min", "mean", "var", "any", "all"), reduction),
    **dict.fromkeys(("argmax", "argmin"), position),
    **dict.fromkeys(("argsort", "sort", "topk", "cumulative_sum", "cumulative_prod"), along),
    **dict.fromkeys(("tril", "triu", "as_real", "as_complex"), last_two),
    "frexp": matrices,
}


def asarray(ns: Any, x: Any, *, dtype: Any = None, copy: bool | None = None) -> Any:
    if isinstance(x, BatchedArray):
        return BatchedArray(ns.asarray(x.value, dtype=dtype, copy=copy))
    return BatchedArray(ns.asarray(x, dtype=dtype).unsqueeze(0))


def astype(ns: Any, x: BatchedArray, dtype: Any, *, copy: bool = True) -> Any:
    return BatchedArray(x.value.to(dtype))


def reshape(ns: Any, x: BatchedArray, shape: Any) -> Any:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if -1 in shape:
        rest = -math.prod(shape)
        shape = tuple(math.prod(x.shape) // rest if s == -1 else s for s in shape)
    return BatchedArray(x.value.reshape(x.value.shape[0], *shape))


def permute_dims(ns: Any, x: BatchedArray, axes: Any) -> Any:
    return BatchedArray(x.value.permute(0, *(a % x.ndim + 1 for a in axes)))


def broadcast_to(ns: Any, x: BatchedArray, shape: Any) -> Any:
    return BatchedArray(_padded(x, len(shape)).expand(x.value.shape[0], *shape))


def concat(ns: Any, arrays: list[BatchedArray], *, axis: int = 0) -> Any:
    return BatchedArray(ns.concat(_full(arrays), axis=axis % arrays[0].ndim + 1))


def stack(ns: Any, arrays: list[BatchedArray], *, axis: int = 0) -> Any:
    return BatchedArray(ns.stack(_full(arrays), axis=axis % (arrays[0].ndim + 1) + 1))


def flip(ns: Any, x: BatchedArray, *, axis: Any = None) -> Any:
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return BatchedArray(ns.flip(x.value, axis=tuple(a % x.ndim + 1 for a in axes)))


def matmul(ns: Any, x: BatchedArray, y: BatchedArray) -> Any:
    row, column = x.ndim == 1, y.ndim == 1
    a = x.value.unsqueeze(1) if row else x.value
    b = y.value.unsqueeze(2) if column else y.value
    a, b = aligned(BatchedArray(a), BatchedArray(b))
    out = ns.matmul(a, b)
    out = out.squeeze(-1) if column else out
    return BatchedArray(out.squeeze(-1 if column else -2) if row else out)


def take(ns: Any, x: BatchedArray, indices: BatchedArray, *, axis: int) -> Any:
    axis %= x.ndim
    order = (axis, *(d for d in range(x.ndim) if d != axis))
    out = index(ns, permute_dims(ns, x, order), indices)
    back = sorted(range(x.ndim), key=order.__getitem__)
    return permute_dims(ns, out, back)


def take_along_axis(ns: Any, x: BatchedArray, indices: BatchedArray, *, axis: int = -1) -> Any:
    return BatchedArray(ns.take_along_axis(*_full([x, indices]), axis=axis % x.ndim + 1))


def _coordinates(ns: Any, size: int, indices: Any) -> list[Tensor]:
    """Index arrays for values with a batch axis: the batch counts along itself."""
    values = aligned(*indices)
    counting = ns.arange(size).reshape(size, *(1,) * (values[0].ndim - 1))
    return [counting, *values]


def index(ns: Any, x: BatchedArray, *indices: BatchedArray) -> Any:
    if x.value.shape[0] == 1:  # one table for all examples
        return BatchedArray(ns.index(x.value[0], *aligned(*indices)))
    return BatchedArray(ns.index(x.value, *_coordinates(ns, x.value.shape[0], indices)))


def _writing(name: str) -> Rule:
    def write(ns: Any, x: BatchedArray, indices: Any, values: BatchedArray, *how: str) -> Any:
        size = _batch_size(x, values, *indices)
        base = x.value.expand(size, *x.shape)
        places = _coordinates(ns, size, indices)
        added = (
            _padded(values, places[0].ndim - 1 + x.ndim - len(indices))
            if values.ndim
            else values.value.reshape(-1, *(1,) * (places[0].ndim - 1 + x.ndim - len(indices)))
        )
        return BatchedArray(getattr(ns, name)(base, places, added, *how))

    return write


def slice_put(ns: Any, x: BatchedArray, key: Any, value: BatchedArray) -> Any:
    base = x.value.expand(_batch_size(x, value), *x.shape)
    seen = base[(slice(None), *key)]
    return BatchedArray(ns.slice_put(base, (slice(None), *key), _padded(value, seen.ndim - 1)))


def take_strided(ns: Any, x: BatchedArray, *, shape: Any, start: Any, steps: Any) -> Any:
    size = x.value.shape[0]
    rows = ((1, *(0,) * len(shape)), *((0, *row) for row in steps))
    return BatchedArray(ns.take_strided(x.value, shape=(size, *shape), start=(0, *start), steps=rows))


def add_strided(ns: Any, x: BatchedArray, values: BatchedArray, *, start: Any, steps: Any) -> Any:
    base, added = _full([x, values])
    rows = ((1, *(0,) * values.ndim), *((0, *row) for row in steps))
    return BatchedArray(ns.add_strided(base, added, start=(0, *start), steps=rows))


def check(ns: Any, condition: BatchedArray, message: str) -> None:
    ns.check(condition.value, message)


def nonzero(ns: Any, x: BatchedArray) -> Any:
    raise RuntimeError("vmap: nonzero and boolean masks give each example another shape; use where or masked_fill")


def _creation(name: str) -> Rule:
    return lambda ns, *args, **kwargs: BatchedArray(getattr(ns, name)(*args, **kwargs).unsqueeze(0))


_RULES: dict[str, Rule] = {
    **{"asarray": asarray, "astype": astype, "reshape": reshape, "permute_dims": permute_dims, "flip": flip},
    **{"broadcast_to": broadcast_to, "concat": concat, "stack": stack, "matmul": matmul, "take": take},
    **{"take_along_axis": take_along_axis, "index": index, "slice_put": slice_put, "check": check, "nonzero": nonzero},
    **{"take_strided": take_strided, "add_strided": add_strided},
    **{name: _writing(name) for name in ("index_put", "index_add", "index_combine")},
    **{name: _creation(name) for name in ("zeros", "ones", "full", "arange")},
}
