"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Dims, integers, many_dims, reduced_shape
from candle.ops._matrices import floating, matrices, square

__all__ = ["cond", "matrix_norm", "norm", "vector_norm"]


class VectorNorm(Op):
    """(sum of |x|^p over dim)^(1/p);  dx = grad x |x|^(p - 2) / out^(p - 1), 0 where out is 0

    The largest |x| for p infinite (its gradient is shared by all that are), the smallest for -infinity, and the
    number of those that are not zero for p 0.
    """

    name, promotes, floats, reads = "vector_norm", "x", True, {"x": "x out"}

    def forward(xp, x, *, p, dim, keepdim):
        size = xp.abs(x)
        if p == 0:
            return xp.sum(xp.astype(xp.not_equal(x, 0), size.dtype), axis=dim, keepdims=keepdim)
        if math.isinf(p):
            return (xp.max if p > 0 else xp.min)(size, axis=dim, keepdims=keepdim)
        if p == 1:
            return xp.sum(size, axis=dim, keepdims=keepdim)
        if p == 2:
            return xp.sqrt(xp.sum(size * size, axis=dim, keepdims=keepdim))
        return xp.pow(xp.sum(xp.pow(size, p), axis=dim, keepdims=keepdim), 1 / p)

    def vjp(xp, needs, grad, out, x, *, p, dim, keepdim):
        kept = reduced_shape(x.shape, dim)
        grad, out, zero = xp.reshape(grad, kept), xp.reshape(out, kept), xp.zeros((), dtype=out.dtype)
        if p in (0, 1):
            return (xp.sign(x) * xp.astype(grad, x.dtype) if p else x * 0,)
        size, at_zero = xp.abs(x), xp.equal(out, 0)
        if math.isinf(p):
            largest = xp.astype(xp.logical_or(xp.equal(size, out), xp.isnan(size)), out.dtype)
            share = largest * (grad / xp.sum(largest, axis=dim, keepdims=True))
            return (xp.sign(x) * xp.astype(share, x.dtype),)
        if p == 2:
            return (
                xp.where(at_zero, xp.astype(zero, x.dtype), x / xp.astype(out, x.dtype)) * xp.astype(grad, x.dtype),
            )
        scale = xp.where(at_zero, zero, grad / xp.pow(out, p - 1))
        if p > 2:
            return (x * xp.astype(xp.pow(size, p - 2) * scale, x.dtype),)
        slope = xp.where(xp.equal(size, 0), zero, xp.pow(size, p - 1))
        return (xp.sign(x) * xp.astype(slope * scale, x.dtype),)


# What users call


def _cast(name: str, x: Tensor, dtype: _dtypes.dtype | None) -> Tensor:
    floating(name, x)
    if dtype is None:
        return x
    if dtype.category < _dtypes.FLOAT or (x.dtype.is_complex and not dtype.is_complex):
        raise RuntimeError(f"{name}: dtype must be floating-point, and complex for complex tensors, got {dtype}")
    return x.to(dtype)


def vector_norm(
    x: Tensor, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: _dtypes.dtype | None = None
) -> Tensor:
    """(sum of |x|^ord)^(1/ord) over `dim`; inf and -inf: the largest and the smallest, 0: how many are not zero.

    >>> import candle
    >>> candle.linalg.vector_norm(candle.tensor([3.0, 4.0]))
    tensor(5.)
    """
    x, dims = _cast("vector_norm", x, dtype), many_dims(dim, x.ndim)
    if isinstance(ord, complex | str):
        raise TypeError(f"vector_norm: ord must be a real number, got {ord!r}")
    reduced = math.prod(x.shape[d] for d in (range(x.ndim) if dims is None else dims))
    if not reduced and (ord < 0 or ord == math.inf):
        raise RuntimeError(f"vector_norm: no elements to find the norm of order {ord} of, in shape {tuple(x.shape)}")
    return apply(VectorNorm, x, p=float(ord), dim=dims, keepdim=keepdim)


def matrix_norm(
    input: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: _dtypes.dtype | None = None
) -> Tensor:
    """The norm of matrices: "fro", "nuc", the largest (smallest for -) singular value 2, row sum inf, column sum 1."""
    from candle.ops.spectra import svdvals

    input = _cast("matrix_norm", input, dtype)
    matrices("matrix_norm", input)
    dims = many_dims(integers("matrix_norm", (dim,)), input.ndim) or ()
    if len(dims) != 2:
        raise RuntimeError(f"matrix_norm: dim must be two dims, got {dim}")
    row, column = dims
    if ord == "fro":
        return vector_norm(input, 2, (row, column), keepdim)
    if ord == "nuc" or (not isinstance(ord, str) and abs(ord) == 2):
        values = svdvals(input.movedim((row, column), (-2, -1)))
        found = values.sum(-1) if ord == "nuc" else _extreme(values, -1, ord > 0)
        return found.unsqueeze(min(row, column)).unsqueeze(max(row, column)) if keepdim else found
    if isinstance(ord, str) or abs(ord) not in (1, math.inf):
        raise RuntimeError(f"matrix_norm: ord must be 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}")
    first, second = (row, column) if abs(ord) == 1 else (column, row)
    found = _extreme(input.abs().sum(first, keepdim=True), second, ord > 0, keepdim=True)
    return found if keepdim else found.squeeze(max(row, column)).squeeze(min(row, column))


def _extreme(t: Tensor, dim: int, largest: bool, keepdim: bool = False) -> Tensor:
    """The largest or smallest along a dim; the largest of nothing is zero."""
    if largest:
        return t.amax(dim, keepdim) if t.shape[dim] else t.sum(dim, keepdim)
    return t.amin(dim, keepdim)


def norm(
    input: Tensor, ord: Any = None, dim: Dims = None, keepdim: bool = False, *, dtype: _dtypes.dtype | None = None
) -> Tensor:
    """`vector_norm` or `matrix_norm`, by the number of dims; without `ord` the root of the sum of all squares."""
    floating("norm", input)
    dim = None if dim is None else integers("norm", (dim,))
    if ord is None:
        return vector_norm(input, 2, dim, keepdim, dtype=dtype)
    many = input.ndim if dim is None else len(dim)
    if many not in (1, 2):
        raise RuntimeError(f"norm: with ord there must be one dim or two, got shape {tuple(input.shape)} and dim {dim}")
    if many == 1:
        return vector_norm(input, ord, dim, keepdim, dtype=dtype)
    return matrix_norm(input, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype)


def cond(input: Tensor, p: Any = None) -> Tensor:
    """The condition number: the norm of input times that of its inverse, infinite for singular matrices."""
    from candle.ops.solving import inv_ex
    from candle.ops.spectra import svdvals

    matrices("cond", input)
    if p is None or p in (2, -2):
        if not input.numel():
            return input.new_zeros(input.shape[:-2]).abs()
        values = svdvals(input)
        high, low = values[..., 0], values[..., -1]
        return high / low if p in (None, 2) else low / high
    square("cond", input)
    if not input.numel():
        return input.new_zeros(input.shape[:-2]).abs()
    inverse, info = inv_ex(input)
    result = matrix_norm(input, p) * matrix_norm(inverse, p)
    return result.masked_fill(info > 0, math.inf)
