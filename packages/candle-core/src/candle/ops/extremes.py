"""The larger and the smaller: of pairs, between bounds, and over dims."""

from __future__ import annotations

import functools
from collections import namedtuple
from operator import index
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Binary, Dims, F, Number, many_dims, numpy_names, one_dim
from candle.ops.arithmetic import array_like
from candle.ops.reduction import count, spread
from candle.ops.selection import TakeAlongDim

__all__ = ["amax", "amin", "argmax", "argmin", "clamp", "clip", "max", "maximum", "min", "minimum"]


class Maximum(Binary):
    """max(x, y);  the larger gets grad, equal ones half each"""

    name, contract, reads = "maximum", "maximum", {"x": "x y", "y": "x y"}
    real = True

    def forward(xp, x, y):
        return xp.maximum(x, y)

    def vjp(xp, needs, grad, out, x, y):
        return share(xp, grad, xp.greater(x, y), xp.equal(x, y), needs)


class Minimum(Binary):
    """min(x, y);  the smaller gets grad, equal ones half each"""

    name, contract, reads = "minimum", "minimum", {"x": "x y", "y": "x y"}
    real = True

    def forward(xp, x, y):
        return xp.minimum(x, y)

    def vjp(xp, needs, grad, out, x, y):
        return share(xp, grad, xp.less(x, y), xp.equal(x, y), needs)


class Clamp(Binary):
    """min(max(x, low), high);  x gets grad inside, a bound that x passes gets it outside"""

    name, promotes = "clamp", "x low high"
    real = True
    reads = {"x": "x low high", "low": "x low high", "high": "x low high"}

    def forward(xp, x, low, high):
        if low is not None:
            x = xp.maximum(x, array_like(xp, low, x))
        return x if high is None else xp.minimum(x, array_like(xp, high, x))

    def vjp(xp, needs, grad, out, x, low, high):
        zero = grad * 0
        above = xp.greater(x, high) if high is not None else None
        below = xp.less(x, low) if low is not None else None
        inside = grad if below is None else xp.where(xp.greater_equal(x, low), grad, zero)  # nan is not inside
        inside = inside if above is None else xp.where(xp.less_equal(x, high), inside, zero)
        both = (needs[1] or needs[2]) and low is not None and high is not None
        crossed = xp.less(high, low) if both else None  # then the result is high
        d_low = xp.where(below, grad, zero) if needs[1] else None
        d_high = xp.where(above, grad, zero) if needs[2] else None
        if crossed is not None and needs[1]:
            d_low = xp.where(crossed, zero, d_low)
        if crossed is not None and needs[2]:
            d_high = xp.where(crossed, grad, d_high)
        return inside, d_low, d_high


class Extreme(Op):
    """A largest or smallest value: grad is shared evenly among the elements equal to it."""

    promotes, real, reads = "x", True, {"x": "x out"}

    def vjp(xp, needs, grad, out, x, *, dim, keepdim):
        best = spread(xp, out, x.shape, dim)
        hits = xp.astype(xp.logical_or(xp.equal(x, best), xp.logical_and(xp.isnan(x), xp.isnan(best))), grad.dtype)
        ties = xp.sum(hits, axis=dim, keepdims=True)
        return (spread(xp, grad, x.shape, dim) * hits / ties,)


class Amax(Extreme):
    """largest x over dim;  dx = grad, shared evenly among the largest"""

    name = "amax"

    def forward(xp, x, *, dim, keepdim):
        return xp.max(x, axis=dim, keepdims=keepdim)


class Amin(Extreme):
    """smallest x over dim;  dx = grad, shared evenly among the smallest"""

    name = "amin"

    def forward(xp, x, *, dim, keepdim):
        return xp.min(x, axis=dim, keepdims=keepdim)


class Argmax(Op):
    """where the largest x along dim stands"""

    name, promotes, real = "argmax", "x", True

    def forward(xp, x, *, dim, keepdim):
        return xp.argmax(x, axis=dim, keepdims=keepdim)


class Argmin(Op):
    """where the smallest x along dim stands"""

    name, promotes, real = "argmin", "x", True

    def forward(xp, x, *, dim, keepdim):
        return xp.argmin(x, axis=dim, keepdims=keepdim)


# What users call


def share(xp: Any, grad: Any, wins: Any, ties: Any, needs: tuple[bool, ...]) -> tuple[Any, Any]:
    zero = grad * 0
    half = xp.where(ties, grad / 2, zero)
    first = xp.where(wins, grad, half)
    return first, grad - first if needs[1] else None


@method()
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of each pair; nan wins."""
    return apply(Maximum, input, other)


@method()
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of each pair; nan wins."""
    return apply(Minimum, input, other)


@method("clamp", "clip", inplace=True)
def clamp(input: Tensor, min: Number = None, max: Number = None) -> Tensor:
    """input, no smaller than `min` and no larger than `max` (numbers or tensors).

    >>> import candle
    >>> candle.tensor([-1.0, 0.5, 9.0]).clamp(0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of min and max must be given")
    if input.dtype.category == _dtypes.INT:  # integers take part in it as such
        min, max = (_dtypes.fitting("clamp", x, input.dtype) if type(x) is int else x for x in (min, max))
    return apply(Clamp, input, min, max)


def refuse_empty(name: str, input: Tensor, dims: tuple[int, ...] | None) -> None:
    if 0 in input.shape and count(input.shape, dims) == 0:
        raise (RuntimeError if dims is None else IndexError)(
            f"{name}: nothing to choose from along dim {dims} of a tensor of shape {tuple(input.shape)}"
        )


@method()
@numpy_names
def amax(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The largest value over `dim`; equal ones share the gradient."""
    dims = many_dims(dim, input.ndim)
    refuse_empty("amax", input, dims)
    return apply(Amax, input, dim=dims, keepdim=keepdim)


@method()
@numpy_names
def amin(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The smallest value over `dim`; equal ones share the gradient."""
    dims = many_dims(dim, input.ndim)
    refuse_empty("amin", input, dims)
    return apply(Amin, input, dim=dims, keepdim=keepdim)


def _arg(name: str, op: type[Op], input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if dim is None:
        refuse_empty(name, input, None)
        found: Tensor = apply(op, input.reshape(-1), dim=0, keepdim=False)
        return found.reshape((1,) * input.ndim) if keepdim else found
    if not input.ndim:
        one_dim(dim, 0)
        return apply(op, input.reshape(1), dim=0, keepdim=False)
    dim = one_dim(dim, input.ndim)
    refuse_empty(name, input, (dim,))
    return apply(op, input, dim=dim, keepdim=keepdim)


@method()
@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest value stands (the first of equals)."""
    return _arg("argmax", Argmax, input, dim, keepdim)


@method()
@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest value stands (the first of equals)."""
    return _arg("argmin", Argmin, input, dim, keepdim)


values_and_indices = namedtuple("values_and_indices", "values indices")


def _also_of_pairs(function: F) -> F:
    """`max(x, y)` and `max(x, other=y)` are of pairs; `max(x, dim=i)` goes along a dim, also where i is a tensor."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if isinstance(kwargs.get("dim"), Tensor):
            kwargs["dim"] = index(kwargs["dim"])
        if "other" in kwargs:
            kwargs["dim"] = kwargs.pop("other")
        return function(*args, **kwargs)

    return called  # type: ignore[return-value]


def _choose(input: Tensor, dim: Any, keepdim: bool, whole: Any, arg: Any, pair: Any) -> Any:
    if dim is None:
        return whole(input)
    if isinstance(dim, Tensor):
        return pair(input, dim)
    where = arg(input, dim, True)
    if not input.ndim:
        return values_and_indices(input.clone(), where)
    values: Tensor = apply(TakeAlongDim, input, where, dim=one_dim(dim, input.ndim))
    return values_and_indices(values, where) if keepdim else values_and_indices(values.squeeze(dim), where.squeeze(dim))


@method()
@_also_of_pairs
@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest value of all; or along one dim, with where it stands; or of pairs (`max(a, b)`).

    >>> import candle
    >>> candle.tensor([[1, 5], [7, 2]]).max(dim=1)
    values_and_indices(values=tensor([5, 7]), indices=tensor([1, 0]))
    """
    return _choose(input, dim, keepdim, amax, argmax, maximum)


@method()
@_also_of_pairs
@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest value of all; or along one dim, with where it stands; or of pairs (`min(a, b)`)."""
    return _choose(input, dim, keepdim, amin, argmin, minimum)


clip = clamp
