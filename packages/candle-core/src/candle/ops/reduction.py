"""Sums, means and extremes over dims."""

from __future__ import annotations

import math
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op, is_complex_array
from candle.ops._common import Dims, many_dims, numpy_names, reduced_shape, several
from candle.ops.arithmetic import operand

__all__ = ["all", "any", "logsumexp", "mean", "prod", "std", "sum", "var"]


def spread(xp: Any, grad: Any, shape: tuple[int, ...], dim: Any) -> Any:
    """What was reduced over `dim`, repeated over it again."""
    return xp.broadcast_to(xp.reshape(grad, reduced_shape(shape, dim)) if grad.ndim else grad, shape)


class Sum(Op):
    """sum of x over dim;  dx = grad, repeated"""

    name = "sum"

    def forward(xp, x, *, dim, keepdim):
        return xp.sum(x, axis=dim, keepdims=keepdim)

    def vjp(xp, needs, grad, out, x, *, dim, keepdim):
        return (spread(xp, grad, x.shape, dim),)


class Mean(Op):
    """mean of x over dim;  dx = grad / n, repeated"""

    promotes, floats = "x", True
    name = "mean"

    def forward(xp, x, *, dim, keepdim):
        return xp.mean(x, axis=dim, keepdims=keepdim)

    def vjp(xp, needs, grad, out, x, *, dim, keepdim):
        return (spread(xp, grad / count(x.shape, dim), x.shape, dim),)


class Prod(Op):
    """product of x over dim;  dx = grad * the product of the others"""

    name, reads, autocast = "prod", {"x": "x"}, "float32"

    def forward(xp, x, *, dim, keepdim):
        return xp.prod(x, axis=dim, keepdims=keepdim)

    def vjp(xp, needs, grad, out, x, *, dim, keepdim):
        dims = tuple(range(x.ndim)) if dim is None else dim
        kept = tuple(i for i in range(x.ndim) if i not in dims)
        flat = xp.permute_dims(x, kept + dims)
        rows = xp.reshape(flat, (-1, count(x.shape, dims))) if math.prod(x.shape) else xp.reshape(flat, (0, 1))
        one = xp.ones((rows.shape[0], 1), dtype=x.dtype)
        # the products of all before and of all after each element, so that zeros need no division
        before = xp.cumulative_prod(xp.concat([one, rows[:, :-1]], axis=1), axis=1)
        after = xp.flip(xp.cumulative_prod(xp.concat([one, xp.flip(rows, axis=1)[:, :-1]], axis=1), axis=1), axis=1)
        others = xp.reshape(xp.conj(before * after), flat.shape)
        back = tuple((kept + dims).index(i) for i in range(x.ndim))
        return (spread(xp, grad, x.shape, dim) * xp.permute_dims(others, back),)


class Var(Op):
    """mean squared distance from the mean, over n - correction;  dx = 2 grad (x - mean) / (n - correction)"""

    promotes, floats = "x", True
    name, reads = "var", {"x": "x"}

    def forward(xp, x, *, dim, correction, keepdim):
        return xp.var(x, axis=dim, correction=correction, keepdims=keepdim)

    def vjp(xp, needs, grad, out, x, *, dim, correction, keepdim):
        n = count(x.shape, dim) - correction
        scale = 2 / n if n else math.inf
        return (spread(xp, grad, x.shape, dim) * (scale * (x - xp.mean(x, axis=dim, keepdims=True))),)


class Std(Op):
    """sqrt(var);  dx = grad (x - mean) / (out (n - correction)), 0 where out is 0"""

    promotes, floats = "x", True
    name, reads = "std", {"x": "x out"}

    def forward(xp, x, *, dim, correction, keepdim):
        return xp.sqrt(xp.var(x, axis=dim, correction=correction, keepdims=keepdim))

    def vjp(xp, needs, grad, out, x, *, dim, correction, keepdim):
        flat = xp.equal(out, 0)
        slope = xp.where(flat, grad * 0, grad / xp.where(flat, xp.ones((), dtype=out.dtype), 2 * out))
        return Var.vjp(xp, needs, slope, None, x, dim=dim, correction=correction, keepdim=keepdim)


class Any_(Op):
    """whether some x over dim is true"""

    name = "any"

    def forward(xp, x, *, dim, keepdim):
        return xp.any(x, axis=dim, keepdims=keepdim)


class All(Op):
    """whether every x over dim is true"""

    name = "all"

    def forward(xp, x, *, dim, keepdim):
        return xp.all(x, axis=dim, keepdims=keepdim)


class LogSumExp(Op):
    """log of the sum of e^x over dim;  dx = grad * e^(x - out)"""

    promotes, floats = "x", True
    name, reads = "logsumexp", {"x": "x out"}

    def forward(xp, x, *, dim, keepdim):
        if count(x.shape, dim):
            high = xp.max(xp.real(x) if is_complex_array(xp, x) else x, axis=dim, keepdims=True)
            high = xp.where(xp.isfinite(high), high, xp.zeros((), dtype=high.dtype))
            total = xp.log(xp.sum(xp.exp(x - high), axis=dim, keepdims=True)) + high
        else:
            total = xp.full(reduced_shape(x.shape, dim), -math.inf, dtype=x.dtype)
        return total if keepdim else xp.reshape(total, tuple(s for i, s in enumerate(x.shape) if i not in dim))

    def vjp(xp, needs, grad, out, x, *, dim, keepdim):
        finite = xp.where(xp.isfinite(out), out, xp.zeros((), dtype=out.dtype))
        return (spread(xp, grad, x.shape, dim) * xp.conj(xp.exp(x - spread(xp, finite, x.shape, dim))),)


def count(shape: tuple[int, ...], dim: Any) -> int:
    return math.prod(shape if dim is None else (shape[d] for d in dim))


# What users call


def summable(input: Tensor, dtype: _dtypes.dtype | None) -> Tensor:
    """Sums of integers and bools are int64."""
    if dtype is not None:
        return input.to(dtype)
    return input.to(_dtypes.int64) if input.dtype.category < _dtypes.FLOAT else input


def narrowed(result: Tensor, input: Tensor) -> Tensor:
    """Of integers in their dtype: a backend may add up small ones in a wider one."""
    return result.to(input.dtype) if input.dtype.category < _dtypes.FLOAT else result


def floating(name: str, input: Tensor, dtype: _dtypes.dtype | None) -> Tensor:
    wanted = input.dtype if dtype is None else _dtypes.chosen(dtype)
    if wanted.category < _dtypes.FLOAT:
        raise RuntimeError(f"{name}: needs a floating-point or complex tensor, got {wanted}; use x.float()")
    return input if dtype is None else input.to(wanted)


@method()
@numpy_names
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: _dtypes.dtype | None = None) -> Tensor:
    """The sum over `dim` (all dims where None).

    >>> import candle
    >>> candle.tensor([[1.0, 2.0], [3.0, 4.0]]).sum(dim=0)
    tensor([4., 6.])
    """
    if dtype is not None or input.dtype.category < _dtypes.FLOAT:
        dtype = _dtypes.chosen(dtype)
        if dtype is _dtypes.bool_:
            return any(input, many_dims(dim, input.ndim), keepdim).bool()
        if dtype is not None and dtype.category == _dtypes.INT and dtype is not _dtypes.int64:
            return sum(input.to(dtype).to(_dtypes.int64), dim, keepdim).to(dtype)
        input = summable(input, dtype)
    return apply(Sum, input, dim=many_dims(dim, input.ndim), keepdim=keepdim)


@method()
@numpy_names
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: _dtypes.dtype | None = None) -> Tensor:
    """The mean over `dim` (all dims where None)."""
    input = floating("mean", input, dtype)
    return apply(Mean, input, dim=many_dims(dim, input.ndim), keepdim=keepdim)


@method()
@numpy_names
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: _dtypes.dtype | None = None) -> Tensor:
    """The product over one dim, or over all of them."""
    if dtype is _dtypes.bool_:
        return all(input, dim, keepdim).bool()
    input = summable(input, dtype)
    return narrowed(apply(Prod, input, dim=many_dims(dim, input.ndim), keepdim=keepdim), input)


def _spread_of(
    name: str, op: type[Op], input: Tensor, dim: Any, correction: Any, keepdim: bool, unbiased: Any
) -> Tensor:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = int(unbiased)
    dims = many_dims(dim, input.ndim)
    input = floating(name, input, None)
    correction = 1 if correction is None else operand(correction)
    return apply(op, input, dim=dims, correction=correction, keepdim=keepdim)


@method()
@numpy_names
def var(
    input: Tensor, dim: Dims = None, unbiased: Any = None, keepdim: bool = False, *, correction: float | None = None
) -> Tensor:
    """The variance over `dim`, dividing by n - correction (1 unless given)."""
    return _spread_of("var", Var, input, dim, correction, keepdim, unbiased)


@method()
@numpy_names
def std(
    input: Tensor, dim: Dims = None, unbiased: Any = None, keepdim: bool = False, *, correction: float | None = None
) -> Tensor:
    """The standard deviation over `dim`: the square root of `var`."""
    return _spread_of("std", Std, input, dim, correction, keepdim, unbiased)


def _truth(op: type[Op], input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    from candle.ops.logic import truth

    dims = many_dims(dim, input.ndim)
    nothing = dims is None and several(dim)  # an empty list of dims
    result: Tensor = truth(input).clone() if nothing else apply(op, truth(input), dim=dims, keepdim=keepdim)
    return result.to(_dtypes.uint8) if input.dtype is _dtypes.uint8 else result  # as PyTorch does


@method()
@numpy_names
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether some value over `dim` is true (not zero)."""
    return _truth(Any_, input, dim, keepdim)


@method()
@numpy_names
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether every value over `dim` is true (not zero)."""
    return _truth(All, input, dim, keepdim)


@method()
@numpy_names
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """log(sum(exp(input))) over `dim`, without overflow."""
    if input.dtype.category < _dtypes.FLOAT:
        input = input.to(_dtypes.get_default_dtype())
    dims = many_dims(dim, input.ndim) or tuple(range(input.ndim))
    return apply(LogSumExp, input, dim=dims, keepdim=keepdim)
