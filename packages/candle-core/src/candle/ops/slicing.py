"""Parts of a tensor: what slices and integers pick. Results are views; `*_scatter` puts a part into a copy."""

from __future__ import annotations

from typing import Any

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import one_dim

__all__ = ["narrow", "select", "select_scatter", "slice_scatter"]


class Slice(Op):
    """x[key] for integers, slices and None;  dx = grad put at x[key], zero elsewhere"""

    name, view = "slice", True

    def forward(xp, x, *, key):
        return x[(*plain(key), ...)]  # with ..., integers alone give a 0-d view too, not a NumPy scalar

    def vjp(xp, needs, grad, out, x, *, key):
        return (xp.slice_put(xp.zeros(x.shape, dtype=grad.dtype), plain(key), grad),)


class SlicePut(Op):
    """a copy of x with x[key] = value;  dx = grad with zero at key, dvalue = grad[key]"""

    name = "slice_put"

    def forward(xp, x, value, *, key):
        return xp.slice_put(x, plain(key), value)

    def vjp(xp, needs, grad, out, x, value, *, key):
        seen = grad[(*plain(key), ...)]
        return xp.slice_put(grad, plain(key), xp.zeros(seen.shape, dtype=grad.dtype)) if needs[0] else None, seen


def plain(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Slices are not hashable before Python 3.12, so a key holds them as ("slice", start, stop, step)."""
    return tuple([slice(*k[1:]) if isinstance(k, tuple) else k for k in key])


WHOLE = ("slice", None, None, None)


# What users call


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
    key = (WHOLE,) * dim + (slice_item(start, stop, 1, input.shape[dim]),)
    return apply(Slice, input, key=key)


def slice_item(start: int, stop: int, step: int, size: int) -> tuple[Any, ...]:
    """One slice of a key, in the one form that the standard promises for it."""
    if start >= stop:
        return ("slice", 0, 0, None)
    return WHOLE if (start, stop, step) == (0, size, 1) else ("slice", start, stop, step)


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
    return apply(Slice, input, key=(WHOLE,) * dim + (index % size,))


@method()
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of input in which `src` stands at one position of a dim."""
    seen = select(input, dim, index)
    if src.shape != seen.shape:
        raise RuntimeError(f"select_scatter: src has shape {tuple(src.shape)}, expected {tuple(seen.shape)}")
    dim = one_dim(dim, input.ndim)
    key = (WHOLE,) * dim + (int(index) % input.shape[dim],)
    return apply(SlicePut, input, src.to(input.dtype), key=key)


@method()
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of input in which `src` stands at start:end:step of a dim.

    >>> import candle
    >>> candle.zeros(4).slice_scatter(candle.ones(2), start=1, end=3)
    tensor([0., 1., 1., 0.])
    """
    dim = one_dim(dim, input.ndim)
    size = input.shape[dim]
    first, last, step = slice(start, end, step).indices(size)
    expected = (*input.shape[:dim], len(range(first, last, step)), *input.shape[dim + 1 :])
    if tuple(src.shape) != expected:
        raise RuntimeError(f"slice_scatter: src has shape {tuple(src.shape)}, expected {expected}")
    key = (WHOLE,) * dim + (slice_item(first, last, step, size),)
    return apply(SlicePut, input, src.to(input.dtype), key=key)
