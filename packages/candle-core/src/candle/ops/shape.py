"""The same elements in another shape. Most results are views: they share the input's memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import attach_property, method, view_method
from candle._tensor import Tensor
from candle.op import Op, unbroadcast
from candle.ops._common import Dims, broadcast_shapes, integers, many_dims, one_dim

__all__ = [
    "adjoint",
    "broadcast_tensors",
    "broadcast_to",
    "flatten",
    "flip",
    "moveaxis",
    "movedim",
    "narrow",
    "permute",
    "reshape",
    "select",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
    "tril",
    "triu",
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


class Permute(Op):
    """x with its dims in another order;  dx = grad with its dims put back"""

    name, view = "permute", True

    def forward(xp, x, *, dims):
        return xp.permute_dims(x, dims)

    def vjp(xp, needs, grad, out, x, *, dims):
        back = sorted(range(len(dims)), key=dims.__getitem__)
        return (xp.permute_dims(grad, tuple(back)),)


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


class Slice(Op):
    """x[key] for integers, slices and None;  dx = grad put at x[key], zero elsewhere"""

    name, view = "slice", True

    def forward(xp, x, *, key):
        return x[(*_plain(key), ...)]  # with ..., integers alone give a 0-d view too, not a NumPy scalar

    def vjp(xp, needs, grad, out, x, *, key):
        return (xp.slice_put(xp.zeros(x.shape, dtype=grad.dtype), _plain(key), grad),)


class SlicePut(Op):
    """a copy of x with x[key] = value;  dx = grad with zero at key, dvalue = grad[key]"""

    name = "slice_put"

    def forward(xp, x, value, *, key):
        return xp.slice_put(x, _plain(key), value)

    def vjp(xp, needs, grad, out, x, value, *, key):
        seen = grad[(*_plain(key), ...)]
        return xp.slice_put(grad, _plain(key), xp.zeros(seen.shape, dtype=grad.dtype)) if needs[0] else None, seen


class Flip(Op):
    """x with the order along dims reversed;  dx = grad reversed"""

    name = "flip"

    def forward(xp, x, *, dims):
        return xp.flip(x, axis=dims)

    def vjp(xp, needs, grad, out, x, *, dims):
        return (xp.flip(grad, axis=dims),)


class Tril(Op):
    """x with zeros above the diagonal;  dx = grad with zeros there"""

    name = "tril"

    def forward(xp, x, *, diagonal):
        return xp.tril(x, k=diagonal)

    def vjp(xp, needs, grad, out, x, *, diagonal):
        return (xp.tril(grad, k=diagonal),)


class Triu(Op):
    """x with zeros below the diagonal;  dx = grad with zeros there"""

    name = "triu"

    def forward(xp, x, *, diagonal):
        return xp.triu(x, k=diagonal)

    def vjp(xp, needs, grad, out, x, *, diagonal):
        return (xp.triu(grad, k=diagonal),)


def _plain(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Slices are not hashable before Python 3.12, so a key holds them as ("slice", start, stop, step)."""
    return tuple(slice(*k[1:]) if isinstance(k, tuple) else k for k in key)


# What users call


def known_shape(name: str, shape: tuple[int, ...], total: int) -> tuple[int, ...]:
    """`shape` with its one -1 replaced by what is left."""
    if shape.count(-1) > 1 or any(s < -1 for s in shape):
        raise RuntimeError(f"{name}: invalid shape {shape}: one size may be -1, no other negative")
    if -1 in shape:
        rest = -math.prod(shape)
        if rest == 0 or total % rest:
            raise RuntimeError(f"{name}: shape {shape} is invalid for {total} elements")
        shape = tuple(total // rest if s == -1 else s for s in shape)
    if math.prod(shape) != total:
        raise RuntimeError(f"{name}: shape {shape} has {math.prod(shape)} elements, the tensor {total}")
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
    result = reshape(input, integers("view", sizes, size))
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
def permute(input: Tensor, *order: Any, dims: Sequence[int] | None = None) -> Tensor:
    """The dims in another order."""
    wanted = integers("permute", order, dims)
    places = tuple(one_dim(d, input.ndim) for d in wanted)
    if len(places) != input.ndim or len(set(places)) != len(places):
        raise RuntimeError(
            f"permute: {wanted} does not order the {input.ndim} dims of a tensor of shape {tuple(input.shape)}"
        )
    return apply(Permute, input, dims=places)


@view_method
@method("swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dims swapped."""
    a, b = one_dim(dim0, input.ndim), one_dim(dim1, input.ndim)
    if not input.ndim:
        return input.alias()
    order = list(range(input.ndim))
    order[a], order[b] = b, a
    return apply(Permute, input, dims=tuple(order))


@view_method
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose`, by its name in NumPy."""
    return transpose(input, axis0, axis1)


@view_method
def t(input: Tensor) -> Tensor:
    """A matrix transposed; vectors and numbers as they are."""
    if input.ndim > 2:
        raise RuntimeError(f"t: expects at most 2 dims, got shape {tuple(input.shape)}; use transpose or .mT")
    return transpose(input, 0, 1) if input.ndim == 2 else input.alias()


def adjoint(input: Tensor) -> Tensor:
    """The last two dims swapped (and the values conjugated)."""
    return transpose(input, -2, -1)


attach_property("T", lambda self: permute(self, *range(self.ndim - 1, -1, -1)))
attach_property("mT", adjoint)


@method("movedim", "moveaxis")
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dims moved to other places; the others keep their order."""
    from_ = [one_dim(d, input.ndim) for d in ([source] if isinstance(source, int) else source)]
    to = [one_dim(d, input.ndim) for d in ([destination] if isinstance(destination, int) else destination)]
    if len(from_) != len(to) or len({*from_}) != len(from_) or len({*to}) != len(to):
        raise RuntimeError(f"movedim: {source} and {destination} must be distinct dims, as many in one as in the other")
    rest = iter(d for d in range(input.ndim) if d not in from_)
    places = dict(zip(to, from_, strict=True))
    return permute(input, *(places[i] if i in places else next(rest) for i in range(input.ndim)))


@method()
def expand(input: Tensor, *sizes: Any, size: Sequence[int] | None = None) -> Tensor:
    """Dims of size 1 repeated without copying; -1 keeps a size."""
    wanted, shape = integers("expand", sizes, size), input.shape
    extra = len(wanted) - len(shape)
    if extra < 0:
        raise RuntimeError(f"expand: {wanted} has fewer dims than the tensor of shape {tuple(shape)}")
    if -1 in wanted[:extra]:
        raise RuntimeError(f"expand: -1 is not allowed for a new leading dim, in {wanted}")
    wanted = wanted[:extra] + tuple(old if new == -1 else new for old, new in zip(shape, wanted[extra:], strict=True))
    return broadcast_to(input, wanted)


@method()
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """The tensor as if it had this shape, dims of size 1 repeated."""
    return apply(Expand, input, shape=tuple(size))


@method()
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of `other`."""
    return broadcast_to(input, other.shape)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors in their common shape."""
    shape = broadcast_shapes("broadcast_tensors", *(x.shape for x in tensors))
    return tuple(broadcast_to(x, shape) for x in tensors)


@view_method
def squeeze(input: Tensor, dim: Dims = None) -> Tensor:
    """Without the dims of size 1, or without those named (where they have size 1)."""
    dims = range(input.ndim) if dim is None else many_dims(dim, input.ndim) or () if dim != () else ()
    return reshape(input, tuple(s for i, s in enumerate(input.shape) if not (i in dims and s == 1)))


@view_method
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new dim of size 1."""
    dim = one_dim(dim, input.ndim + 1)
    return reshape(input, (*input.shape[:dim], 1, *input.shape[dim:]))


@method()
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """The part of a dim from `start` on, `length` long."""
    if isinstance(start, Tensor) and (start.ndim or start.dtype.category != 1):
        raise RuntimeError(
            f"narrow: start must be an integer, got a {start.dtype} tensor of shape {tuple(start.shape)}"
        )
    dim = one_dim(dim, input.ndim)
    start, size = int(start), input.shape[dim] if input.ndim else 0
    if not input.ndim or not -size <= start <= size or length < 0 or (start % max(size, 1) + length > size and length):
        raise RuntimeError(
            f"narrow: start {start}, length {length} leave dim {dim} of a tensor of shape {tuple(input.shape)}"
        )
    start = start + size if start < 0 else start
    return slice_dim(input, dim, start, start + length)


def slice_dim(input: Tensor, dim: int, start: int, stop: int) -> Tensor:
    key = (("slice", None, None, None),) * dim + (slice_item(start, stop, 1, input.shape[dim]),)
    return apply(Slice, input, key=key)


def slice_item(start: int, stop: int, step: int, size: int) -> tuple[Any, ...]:
    """One slice of a key, in the one form that the standard promises for it."""
    if start >= stop:
        return ("slice", 0, 0, None)
    return ("slice", None, None, None) if (start, stop, step) == (0, size, 1) else ("slice", start, stop, step)


@method()
def select(input: Tensor, dim: int, index: Any) -> Tensor:
    """One position of a dim, which disappears."""
    if not input.ndim:
        raise IndexError("select: a 0-d tensor has no dim to select from")
    dim, index = one_dim(dim, input.ndim), int(index)
    size = input.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"select: index {index} is out of range for dim {dim} of a tensor of shape {tuple(input.shape)}"
        )
    return apply(Slice, input, key=(("slice", None, None, None),) * dim + (index % size,))


@method()
def flip(input: Tensor, dims: Dims, *more: int) -> Tensor:
    """The order along some dims reversed (a copy)."""
    wanted = integers("flip", (dims, *more))
    return apply(Flip, input, dims=many_dims(wanted, input.ndim)) if wanted else input.clone()


@method(inplace=True)
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle, zeros above.

    >>> import candle
    >>> candle.ones(2, 3).tril()
    tensor([[1., 0., 0.],
            [1., 1., 0.]])
    """
    return apply(Tril, _matrix("tril", input), diagonal=diagonal)


@method(inplace=True)
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle, zeros below."""
    return apply(Triu, _matrix("triu", input), diagonal=diagonal)


def _matrix(name: str, input: Tensor) -> Tensor:
    if input.ndim < 2:
        raise RuntimeError(f"{name}: expects at least 2 dims, got shape {tuple(input.shape)}")
    return input


moveaxis, swapdims = movedim, transpose
