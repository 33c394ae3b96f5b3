"""The same elements in another shape. Most results are views: they share the input's memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method, view_method
from candle._size import Size
from candle._tensor import Tensor
from candle.op import Op, unbroadcast
from candle.ops import _common
from candle.ops._common import Dims, integers, many_dims, one_dim, several

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "flatten",
    "ravel",
    "reshape",
    "squeeze",
    "unflatten",
    "unsqueeze",
]


class Reshape(Op):
    """the elements of x in order, in another shape;  dx = grad in x's shape"""

    name, view = "reshape", True

    def forward(xp, x, *, shape):
        return xp.reshape(x, shape)

    def vjp(xp, needs, grad, out, x, *, shape):
        return (xp.reshape(grad, x.shape),)


class Expand(Op):
    """x repeated along dims of size 1;  dx = grad summed over them"""

    name, view = "expand", True

    def forward(xp, x, *, shape):
        extra = len(shape) - x.ndim
        if extra >= 0 and shape == (1,) * extra + tuple(x.shape):
            return xp.reshape(x, shape)  # nothing is repeated, so this view can be written
        return xp.broadcast_to(x, shape)

    def vjp(xp, needs, grad, out, x, *, shape):
        return (unbroadcast(xp, grad, x.shape),)


# What users call


def known_shape(name: str, shape: tuple[int, ...], total: int) -> tuple[int, ...]:
    """`shape` with its one -1 replaced by what is left."""
    size = math.prod(shape)
    if shape and min(shape) < 0:
        if min(shape) < -1 or shape.count(-1) > 1:
            raise RuntimeError(f"{name}: invalid shape {shape}: one size may be -1, no other negative")
        if not size or total % size:
            raise RuntimeError(f"{name}: shape {shape} is invalid for {total} elements")
        return tuple([total // -size if s == -1 else s for s in shape])
    if size != total:
        raise RuntimeError(f"{name}: shape {shape} has {size} elements, the tensor {total}")
    return shape


@method()
def reshape(input: Tensor, *sizes: Any, shape: Sequence[int] | None = None) -> Tensor:
    """The elements in another shape; one size may be -1. A view where the layout allows it.

    >>> import candle
    >>> candle.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return apply(Reshape, input, shape=known_shape("reshape", integers("reshape", sizes, shape), input.numel()))


@method()
def view(input: Tensor, *sizes: Any, size: Sequence[int] | None = None, dtype: Any = None) -> Tensor:
    """Like `reshape`, but never a copy: an error where the layout does not allow a view."""
    for given in (*sizes, dtype):
        if isinstance(given, _dtypes.dtype):
            raise NotImplementedError(f"view: the option dtype={given} is not supported; use x.to(dtype) to convert")
    result: Tensor = apply(Reshape, input, shape=known_shape("view", integers("view", sizes, size), input.numel()))
    if result._view is None and input.numel():
        raise RuntimeError(
            f"view: shape {tuple(result.shape)} is not compatible with the size {tuple(input.shape)} and stride "
            f"{input.stride()} of the tensor; use reshape, which may copy"
        )
    return result


@method()
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """A view in the shape of `other`."""
    return view(input, other.shape)


@method()
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`reshape` to the shape of `other`."""
    return reshape(input, other.shape)


@method()
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dims from start_dim to end_dim as one."""
    start, end = one_dim(start_dim, input.ndim), one_dim(end_dim, input.ndim)
    if start > end:
        raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    if input.ndim and start == end:
        return input
    shape = input.shape
    return reshape(input, *shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


@method()
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dim as several, of `sizes`; one may be -1."""
    dim = one_dim(dim, input.ndim)
    shape = known_shape("unflatten", tuple(sizes), input.shape[dim])
    return reshape(input, *input.shape[:dim], *shape, *input.shape[dim + 1 :])


@method()
def expand(input: Tensor, *sizes: Any, size: Sequence[int] | None = None) -> Tensor:
    """Dims of size 1 repeated without copying; -1 keeps a size."""
    wanted, shape = integers("expand", sizes, size), input.shape
    extra = len(wanted) - len(shape)
    if extra < 0:
        raise RuntimeError(f"expand: {wanted} has fewer dims than the tensor of shape {tuple(shape)}")
    if -1 in wanted[:extra]:
        raise RuntimeError(f"expand: -1 is not allowed for a new leading dim, in {wanted}")
    kept = [old if new == -1 else new for old, new in zip(shape, wanted[extra:], strict=True)]
    return apply(Expand, input, shape=(*wanted[:extra], *kept))


@method()
def broadcast_to(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """The tensor as if it had this shape, dims of size 1 repeated; -1 keeps a size."""
    return expand(input, *integers("broadcast_to", sizes, size))


@method()
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of `other`."""
    return broadcast_to(input, other.shape)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that all of these broadcast to; an integer is the shape of a vector.

    >>> import candle
    >>> candle.broadcast_shapes((2, 1), (3,))
    candle.Size([2, 3])
    """
    return Size(_common.broadcast_shapes("broadcast_shapes", *(s if several(s) else (s,) for s in shapes)))


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors in their common shape."""
    shape = _common.broadcast_shapes("broadcast_tensors", *(x.shape for x in tensors))
    return tuple(broadcast_to(x, shape) for x in tensors)


@view_method
def squeeze(input: Tensor, dim: Dims = None) -> Tensor:
    """Without the dims of size 1, or without those named (where they have size 1)."""
    none = several(dim) and not len(dim)  # type: ignore[arg-type]
    dims = range(input.ndim) if dim is None else () if none else many_dims(dim, input.ndim) or ()
    return apply(Reshape, input, shape=tuple([s for i, s in enumerate(input.shape) if s != 1 or i not in dims]))


@view_method
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new dim of size 1."""
    shape = list(input.shape)
    shape.insert(one_dim(dim, len(shape) + 1), 1)
    return apply(Reshape, input, shape=tuple(shape))


@method()
def ravel(input: Tensor) -> Tensor:
    """All elements as one dim."""
    return reshape(input, -1)


@method()
def sum_to_size(input: Tensor, *sizes: Any, size: Sequence[int] | None = None) -> Tensor:
    """The sum over the dims along which `size` would be broadcast to this shape."""
    wanted, shape = integers("sum_to_size", sizes, size), tuple(input.shape)
    extra = len(shape) - len(wanted)
    if extra < 0 or any(n not in (1, m) for n, m in zip(wanted, shape[extra:], strict=True)):
        raise RuntimeError(f"sum_to_size: {wanted} is not a shape that broadcasts to {shape}")
    dims = [d for d in range(len(shape)) if d < extra or shape[d] != wanted[d - extra]]
    if not wanted:
        return input.sum()
    return reshape(input.sum(dims), wanted) if dims else input


def _at_least(ndim: int, tensors: tuple[Any, ...], place: Callable[[Tensor], Tensor]) -> Any:
    """Each tensor of fewer dims through `place`; one alone is returned alone, a list as a tuple."""
    if len(tensors) != 1 or isinstance(tensors[0], Sequence):
        given = tensors[0] if len(tensors) == 1 else tensors
        return tuple(_at_least(ndim, (x,), place) for x in given)
    (x,) = tensors
    return place(x) if x.ndim < ndim else x


def atleast_1d(*tensors: Any) -> Any:
    """The tensor, or each of several, with at least one dim."""
    return _at_least(1, tensors, lambda x: reshape(x, 1))


def atleast_2d(*tensors: Any) -> Any:
    """The tensor, or each of several, with at least two dims: a vector is a row."""
    return _at_least(2, tensors, lambda x: reshape(x, 1, -1))


def atleast_3d(*tensors: Any) -> Any:
    """The tensor, or each of several, with at least three dims: a vector is (1, n, 1), a matrix (n, m, 1)."""
    return _at_least(3, tensors, lambda x: reshape(x, *(1, -1, 1) if x.ndim < 2 else (*x.shape, 1)))
