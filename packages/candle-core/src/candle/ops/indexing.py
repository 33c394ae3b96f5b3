"""Reading and writing by index: x[...], gather and scatter, masks.

`x[key]` is done in two steps: what can be a view (integers, slices, None, ...) is taken as one; then integer
arrays pick from the leading dims. A boolean mask is the integer arrays of the places where it is true.
"""

from __future__ import annotations

import math
from typing import Any

from candle import _dtypes, _views
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import broadcast_shapes, integers
from candle.ops.conditions import Nonzero
from candle.ops.filling import copy_
from candle.ops.slicing import WHOLE, Slice, slice_item

__all__ = ["unravel_index"]


class Index(Op):
    """x[i, j, ...], integer arrays for the leading dims;  dx = grad added at those places"""

    name, contract, reads = "index", "index", {"x": "indices"}

    def forward(xp, x, *indices):
        return xp.index(x, *indices)

    def vjp(xp, needs, grad, out, x, *indices):
        return xp.index_add(xp.zeros(x.shape, dtype=grad.dtype), indices, grad), *[None] * len(indices)


class IndexPut(Op):
    """x with x[i, j, ...] = values;  dx = grad with zero there, dvalues = grad[i, j, ...]"""

    name, reads = "index_put", {"x": "indices", "values": "indices"}

    def forward(xp, x, values, *indices):
        return xp.index_put(x, indices, values)

    def vjp(xp, needs, grad, out, x, values, *indices):
        zero = xp.zeros((), dtype=grad.dtype)
        dx = xp.index_put(grad, indices, zero) if needs[0] else None
        return dx, xp.index(grad, *indices) if needs[1] else None, *[None] * len(indices)


# x[key]


def parsed(x: Tensor, key: Any) -> tuple[Tensor, list[Any]]:
    """The view that the basic part of the key makes, and for each of its dims an index tensor or None."""
    if isinstance(key, list) and any(
        isinstance(k, list | tuple | slice | Tensor) or k is None or k is ... for k in key
    ):
        key = tuple(key)  # as in PyTorch, and in NumPy before 1.23
    items = [_as_index(x, k) for k in (key if isinstance(key, tuple) else (key,))]
    used, shape = sum([_dims_used(k) for k in items]), tuple(x.shape)
    if used > len(shape):
        raise IndexError(f"index: {used} indices for a tensor of {len(shape)} dims, shape {shape}")
    dots = [i for i, k in enumerate(items) if k is Ellipsis]
    if len(dots) > 1:
        raise IndexError("index: an index can have only one ellipsis (...)")
    for at in dots:
        items[at : at + 1] = [slice(None)] * (len(shape) - used)
    basic: list[Any] = []
    arrays: list[Any] = []
    dim = 0
    for k in items:
        if k is None or isinstance(k, slice):
            basic.append(None if k is None else _checked_slice(k, shape[dim]))
            arrays.append(None)
        elif not isinstance(k, Tensor):
            basic.append(_checked_int(k, shape, dim))
        elif k.dtype is not _dtypes.bool_:
            arrays.append(_checked(x, k, dim))
            basic.append(WHOLE)
        else:  # of no dims, it is a new dim with one element, or none
            arrays += _mask_indices(x, k, dim)
            basic += [WHOLE] * k.ndim if k.ndim else [None]
        dim += _dims_used(k)
    if basic.count(WHOLE) == len(basic) and _indexed(arrays):
        return x, arrays
    return apply(Slice, x, key=tuple(basic)), arrays


def _indexed(arrays: list[Any]) -> list[int]:
    """The dims that index tensors pick from."""
    return [d for d, a in enumerate(arrays) if a is not None]


def _as_index(x: Tensor, k: Any) -> Any:
    if k is None or k is Ellipsis or type(k) is int or isinstance(k, slice):
        return k
    if not isinstance(k, Tensor):
        from candle.ops.creation import tensor

        if isinstance(k, bool):
            return tensor(k, device=x.device)
        if not hasattr(k, "__array__") and isinstance(k, range | list | tuple):
            k = tensor(list(k), device=x.device, dtype=None if k else _dtypes.int64)
        elif hasattr(k, "__index__") and not getattr(k, "ndim", 0):
            return k.__index__()
        elif hasattr(k, "__array__"):
            k = tensor(k, device=x.device)
        else:
            raise TypeError(f"index: expected integers, slices, None, ..., tensors or lists, got {type(k).__name__}")
    if k.dtype is _dtypes.uint8:
        k = k.to(_dtypes.bool_)  # as PyTorch still does
    if k.dtype.category > _dtypes.INT:
        raise IndexError(f"index: tensors used as indices must be integers or bool, got {k.dtype}")
    if not k.ndim and k.dtype is not _dtypes.bool_ and not k._backend.level:
        return k.__index__()  # one integer, and so a view
    return k


def _dims_used(k: Any) -> int:
    if k is None or k is Ellipsis:
        return 0
    return k.ndim if isinstance(k, Tensor) and k.dtype is _dtypes.bool_ else 1


def _checked_slice(k: slice, size: int) -> tuple[Any, ...]:
    if k.step is not None and k.step.__index__() <= 0:
        raise ValueError(f"index: the step of a slice must be positive, got {k.step}; use flip for the other direction")
    return slice_item(*k.indices(size), size)


def _checked_int(k: int, shape: tuple[int, ...], dim: int) -> int:
    size = shape[dim]
    if not -size <= k < size:
        raise IndexError(
            f"index {k} is out of bounds for dimension {dim} with size {size}, in a tensor of shape {shape}"
        )
    return k + size if k < 0 else k


def _checked(x: Tensor, k: Tensor, dim: int) -> Tensor:
    if k.dtype is not _dtypes.int64:
        k = k.to(_dtypes.int64)
    return in_bounds("index", k, x.shape[dim], dim, low=-x.shape[dim])


def in_bounds(name: str, k: Tensor, size: int, dim: int, low: int = 0) -> Tensor:
    """Raise IndexError unless low <= k < size; a device may report it later."""
    if k.numel():
        xp, array = k._backend.xp, k.current()
        good = xp.logical_and(xp.greater_equal(array, low), xp.less(array, size))
        refuse_others(k, good, f"{name}: index", f"is out of bounds for dimension {dim} with size {size}")
    return k


def refuse_others(k: Tensor, good: Any, what: str, problem: str) -> None:
    """Raise IndexError unless all elements are good, and name one that is not; a device may do so later, without."""
    backend, array = k._backend, k.current()
    try:
        backend.xp.check(good, f"{what} (one of several) {problem}")
    except IndexError:
        if backend.level:  # inside vmap one cannot look at them
            raise
        bad = backend.to_numpy(array)[~backend.to_numpy(good)].flat[0]
        raise IndexError(f"{what} {bad} {problem}") from None


def _mask_indices(x: Tensor, mask: Tensor, dim: int) -> list[Tensor]:
    if tuple(mask.shape) != tuple(x.shape[dim : dim + mask.ndim]):
        raise IndexError(f"index: a mask of shape {tuple(mask.shape)} does not fit {tuple(x.shape)} from dim {dim} on")
    return list(apply(Nonzero, mask)) if mask.ndim else list(apply(Nonzero, mask.reshape(1)))


def arranged(x: Tensor, arrays: list[Any]) -> tuple[Tensor, list[Tensor], int]:
    """Indexed dims to the front; and where the result's index dims belong: in place if the indexed
    dims were neighbours, else at the front (NumPy's rule)."""
    indexed = _indexed(arrays)
    together = indexed == list(range(indexed[0], indexed[0] + len(indexed)))
    if indexed != list(range(len(indexed))):
        x = x.permute(*indexed, *(d for d in range(x.ndim) if d not in indexed))
    return x, [arrays[d] for d in indexed], indexed[0] if together else 0


@method("__getitem__")
def getitem(input: Tensor, key: Any) -> Tensor:
    """input[key]: integers, slices, None, ..., masks and integer tensors, together or alone.

    >>> import candle
    >>> x = candle.arange(6).reshape(2, 3)
    >>> x[:, [2, 0]]
    tensor([[2, 0],
            [5, 3]])
    """
    if isinstance(key, Tensor) and key.dtype is _dtypes.int64 and key.ndim and input.ndim:
        return apply(Index, input, _checked(input, key, 0))  # the usual case, by the shortest way
    if _is_one_bool(key):
        return getitem(input[None], tensor_of_bool(input, key))
    x, arrays = parsed(input, key)
    if not _indexed(arrays):
        return x
    x, indices, place = arranged(x, arrays)
    result: Tensor = apply(Index, x, *indices)
    depth = result.ndim - (x.ndim - len(indices))
    if place and depth:  # 0-d indices leave no dims to move
        result = result.movedim(tuple(range(depth)), tuple(range(place, place + depth))).contiguous()
    return result


def _is_one_bool(key: Any) -> bool:
    return isinstance(key, bool) or (isinstance(key, Tensor) and key.dtype is _dtypes.bool_ and not key.ndim)


def tensor_of_bool(x: Tensor, value: Any) -> Tensor:
    from candle.ops.creation import tensor

    return tensor([bool(value)], device=x.device)


@method("__setitem__")
def setitem(input: Tensor, key: Any, value: Any) -> None:
    """input[key] = value, in place."""
    from candle.ops.creation import tensor

    if not isinstance(value, Tensor):
        value = tensor(value, dtype=input.dtype, device=input.device)
    if _is_one_bool(key):
        setitem(input[None], tensor_of_bool(input, key), value)
        return
    target, arrays = parsed(input, key)
    if not _indexed(arrays):
        copy_(target, _without_leading_ones(value, target.ndim))
        return
    moved, indices, place = arranged(target, arrays)
    value = value.to(dtype=input.dtype, device=input.device)
    shape = _index_shape(indices)
    result_ndim = len(shape) + moved.ndim - len(indices)
    if place and shape:
        value = _without_leading_ones(value, result_ndim)
        value = value[(None,) * (result_ndim - value.ndim)]
        value = value.movedim(tuple(range(place, place + len(shape))), tuple(range(len(shape))))
    value = _without_leading_ones(value, result_ndim)
    places = (*shape, *moved.shape[len(indices) :])
    if broadcast_shapes("index_put_", value.shape, places) != places:
        raise RuntimeError(f"index_put_: values of shape {tuple(value.shape)} do not fit places of shape {places}")
    if _views.writes_directly(moved, value):
        _views.write_at(moved, indices, value)
    else:
        _views.assign(moved, apply(IndexPut, moved, value, *indices), "index_put_")


def _index_shape(indices: list[Tensor]) -> tuple[int, ...]:
    return broadcast_shapes("index", *(i.shape for i in indices))


def _without_leading_ones(value: Tensor, ndim: int) -> Tensor:
    while value.ndim > ndim and value.shape[0] == 1:
        value = value.select(0, 0)
    return value


# What users call by name


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, in a tensor of `shape`, of positions counted through all of it.

    >>> import candle
    >>> candle.unravel_index(candle.tensor([1, 5]), (2, 3))
    (tensor([0, 1]), tensor([1, 2]))
    """
    sizes = integers("unravel_index", (shape,))
    if indices.dtype.category != _dtypes.INT or any(n < 0 for n in sizes):
        raise ValueError(f"unravel_index: expects integers and sizes of 0 or more, got {indices.dtype} and {sizes}")
    in_bounds("unravel_index", indices, math.prod(sizes), 0)
    indices = indices.to(_dtypes.int64)
    return tuple(indices // math.prod(sizes[d + 1 :]) % size for d, size in enumerate(sizes))
