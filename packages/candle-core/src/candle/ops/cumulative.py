"""Running along a dim: sums, products, extremes of all elements up to here.

What NumPy has no `accumulate` for is a scan by doubling (Hillis and Steele, "Data parallel algorithms", CACM 29,
1986): each element takes in the one 1 before it, then 2, 4, ... before it, so log n steps reach all.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import HALVES, numpy_names, one_dim, unsupported
from candle.ops.reduction import narrowed, summable
from candle.ops.selection import TakeAlongDim

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "logcumsumexp"]


def part(x: Any, dim: int, start: int | None, stop: int | None) -> Any:
    """x[start:stop] along a dim, in rules."""
    return x[(*[slice(None)] * dim, slice(start, stop), ...)]


def _reaches(size: int) -> list[int]:
    """1, 2, 4, ... below size.

    >>> _reaches(6)
    [1, 2, 4]
    """
    return [2**i for i in range((size - 1).bit_length())] if size else []


def carried_back(xp: Any, factor: Any, term: Any, dim: int) -> Any:
    """S with S_i = term_i + factor_i S_{i+1}, from the last element back; the last factor is of no use."""
    for step in _reaches(term.shape[dim]):
        gain = part(factor, dim, None, -step)
        carried = part(term, dim, None, -step) + gain * part(term, dim, step, None)
        term = xp.concat([carried, part(term, dim, -step, None)], axis=dim)
        factor = xp.concat([gain * part(factor, dim, step, None), part(factor, dim, -step, None)], axis=dim)
    return term


class Cumsum(Op):
    """sums of x up to here along dim;  dx = sums of grad from here on"""

    name = "cumsum"

    def forward(xp, x, *, dim):
        return xp.cumulative_sum(x, axis=dim)

    def vjp(xp, needs, grad, out, x, *, dim):
        return (xp.flip(xp.cumulative_sum(xp.flip(grad, axis=dim), axis=dim), axis=dim),)


class Cumprod(Op):
    """products of x up to here along dim;  dx_i = sum of grad_j times the others up to j, for j >= i"""

    name, reads, autocast = "cumprod", {"x": "x"}, "float32"

    def forward(xp, x, *, dim):
        return xp.cumulative_prod(x, axis=dim)

    def vjp(xp, needs, grad, out, x, *, dim):
        one = xp.ones(part(x, dim, None, 1).shape, dtype=x.dtype)
        before = xp.cumulative_prod(xp.concat([one, part(x, dim, None, -1)], axis=dim), axis=dim)
        following = xp.conj(xp.concat([part(x, dim, 1, None), one], axis=dim))
        return (xp.conj(before) * carried_back(xp, following, grad, dim),)  # no division: x may be zero


class LogCumSumExp(Op):
    """log of the sums of e^x up to here along dim;  dx_i = sum of grad_j e^(x_i - out_j), for j >= i"""

    name, promotes, floats, reads = "logcumsumexp", "x", True, {"x": "x out"}

    def forward(xp, x, *, dim):
        for step in _reaches(x.shape[dim]):
            both = xp.logaddexp(part(x, dim, step, None), part(x, dim, None, -step))
            x = xp.concat([part(x, dim, None, step), both], axis=dim)
        return x

    def vjp(xp, needs, grad, out, x, *, dim):
        finite = xp.where(xp.isfinite(out), out, xp.zeros((), dtype=out.dtype))
        shrink = xp.exp(part(out, dim, None, -1) - part(finite, dim, 1, None))
        last = xp.zeros(part(out, dim, None, 1).shape, dtype=out.dtype)
        rest = carried_back(xp, xp.concat([shrink, last], axis=dim), grad, dim)
        return (xp.exp(x - finite) * rest,)


class CumulativeArgmax(Op):
    """where the largest (or smallest) x up to here along dim stands, the last of equal ones"""

    name, promotes, real = "cumulative_argmax", "x", True

    def forward(xp, x, *, dim, largest):
        along = tuple(-1 if d == dim else 1 for d in range(x.ndim))
        place = xp.broadcast_to(xp.reshape(xp.arange(x.shape[dim]), along), x.shape)
        for step in _reaches(x.shape[dim]):
            early, late = part(x, dim, None, -step), part(x, dim, step, None)
            better = xp.less(late, early) if largest else xp.less(early, late)
            better = xp.logical_or(better, xp.logical_and(xp.not_equal(early, early), xp.equal(late, late)))  # nan wins
            places = xp.where(better, part(place, dim, None, -step), part(place, dim, step, None))
            place = xp.concat([part(place, dim, None, step), places], axis=dim)
            x = xp.concat([part(x, dim, None, step), xp.where(better, early, late)], axis=dim)
        return place


# What users call

running_extremes = namedtuple("running_extremes", "values indices")


@method(inplace=True)
@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: _dtypes.dtype | None = None) -> Tensor:
    """The running sum along one dim."""
    input, dim = summable(input, dtype), one_dim(dim, input.ndim)
    return narrowed(apply(Cumsum, input, dim=dim), input) if input.ndim else input.clone()


@method(inplace=True)
@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: _dtypes.dtype | None = None) -> Tensor:
    """The running product along one dim.

    >>> import candle
    >>> candle.tensor([2, 3, 4]).cumprod(0)
    tensor([ 2,  6, 24])
    """
    input, dim = summable(input, dtype), one_dim(dim, input.ndim)
    if input.dtype in HALVES:  # rounded once, at the end
        return cumprod(input, dim, dtype=_dtypes.float32).to(input.dtype)
    return narrowed(apply(Cumprod, input, dim=dim), input) if input.numel() and input.ndim else input.clone()


@method()
@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """log(cumsum(exp(input))) along one dim, without overflow."""
    if input.dtype.category < _dtypes.FLOAT:
        raise RuntimeError(f"logcumsumexp: needs a floating-point tensor, got {input.dtype}")
    unsupported("logcumsumexp", dtype=input.dtype if input.dtype.is_complex else None)
    dim = one_dim(dim, input.ndim)
    return apply(LogCumSumExp, input, dim=dim) if input.numel() and input.ndim else input.clone()


def _running(input: Tensor, dim: int, largest: bool) -> Any:
    dim = one_dim(dim, input.ndim)
    if not input.ndim:
        values, where = _running(input.reshape(1), 0, largest)
        return running_extremes(values.reshape(()), where.reshape(()))
    comparable = input.to(_dtypes.uint8) if input.dtype is _dtypes.bool_ else input
    where = apply(CumulativeArgmax, comparable, dim=dim, largest=largest)
    return running_extremes(apply(TakeAlongDim, input, where, dim=dim), where)


@method()
@numpy_names
def cummax(input: Tensor, dim: int) -> Any:
    """The largest value up to here along one dim, and where it stands (the last of equal ones).

    >>> import candle
    >>> candle.tensor([1, 3, 2, 4]).cummax(0).values
    tensor([1, 3, 3, 4])
    """
    return _running(input, dim, largest=True)


@method()
@numpy_names
def cummin(input: Tensor, dim: int) -> Any:
    """The smallest value up to here along one dim, and where it stands (the last of equal ones)."""
    return _running(input, dim, largest=False)
