"""Products of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._modes import state
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import expect_tensor, integers, several
from candle.ops.conversion import conj

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "bmm",
    "chain_matmul",
    "cross",
    "dot",
    "einsum",
    "inner",
    "kron",
]
__all__ += ["matmul", "mm", "mv", "outer", "tensordot", "trace", "vdot"]


class Matmul(Op):
    """x @ y;  dx = grad @ y^T, dy = x^T @ grad"""

    name, promotes, reads, autocast = "matmul", "x y", {"x": "y", "y": "x"}, "lower"

    def forward(xp, x, y):
        if x.ndim > 2 and y.ndim == 2:  # one large product instead of many small ones
            rows = xp.matmul(xp.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1])), y)
            return xp.reshape(rows, (*x.shape[:-1], y.shape[-1]))
        return xp.matmul(x, y)

    def vjp(xp, needs, grad, out, x, y):
        # vectors as matrices: x becomes a row, y a column
        wide = (1, *x.shape) if x.ndim == 1 else x.shape
        tall = (*y.shape, 1) if y.ndim == 1 else y.shape
        if x.ndim == 1 or y.ndim == 1:
            rows = grad.shape if y.ndim > 1 else (*grad.shape, 1)
            grad = xp.reshape(grad, (*rows[:-1], 1, rows[-1]) if x.ndim == 1 else rows)
        dx = dy = None
        if needs[0]:
            dx = Matmul.forward(xp, grad, transposed(xp, xp.conj(xp.reshape(y, tall) if y.ndim == 1 else y)))
            dx = xp.sum(dx, axis=tuple(range(dx.ndim - 2))) if len(wide) == 2 and dx.ndim > 2 else dx
            dx = xp.reshape(dx, x.shape) if x.ndim == 1 else dx
        if needs[1]:
            xw = xp.conj(xp.reshape(x, wide) if x.ndim == 1 else x)
            if len(tall) == 2:  # sum over the batch inside one product
                xw = xp.reshape(xw, (math.prod(wide[:-1]), wide[-1]))
                grad = xp.reshape(xp.broadcast_to(grad, (*wide[:-1], tall[-1])), (math.prod(wide[:-1]), tall[-1]))
            dy = xp.matmul(transposed(xp, xw), grad)
            dy = xp.reshape(dy, y.shape) if y.ndim == 1 else dy
        return dx, dy


def transposed(xp: Any, x: Any) -> Any:
    return xp.permute_dims(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


# What users call


@method("matmul", "__matmul__")
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product; leading dims are a batch and broadcast, vectors count as rows or columns.

    >>> import candle
    >>> candle.ones(2, 3) @ candle.ones(3)
    tensor([3., 3.])
    """
    if not isinstance(other, Tensor):
        raise TypeError(f"matmul: expected a Tensor, got {type(other).__name__}")
    if not input.ndim or not other.ndim:
        raise RuntimeError(f"matmul: both tensors need at least one dim: {tuple(input.shape)} @ {tuple(other.shape)}")
    a, b = input.shape[-1], other.shape[-2 if other.ndim > 1 else 0]
    if a != b:
        raise RuntimeError(f"matmul: inner sizes differ: {tuple(input.shape)} @ {tuple(other.shape)} — {a} vs {b}")
    if input.dtype is not other.dtype and state.autocast is None:
        raise RuntimeError(f"matmul: expected both tensors to have the same dtype, got {input.dtype} and {other.dtype}")
    return apply(Matmul, input, other)


@method("__rmatmul__")
def _rmatmul(input: Tensor, other: Any) -> Any:
    return matmul(other, input) if isinstance(other, Tensor) else NotImplemented


def _with_dims(name: str, given: dict[str, tuple[Tensor, int]]) -> None:
    for k, (x, _) in given.items():
        expect_tensor(name, x, k)
    if any(x.ndim != n for x, n in given.values()):
        told = ", ".join(f"{k} of shape {tuple(x.shape)} (wants {n} dims)" for k, (x, n) in given.items())
        raise RuntimeError(f"{name}: {told}")


@method()
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    _with_dims("mm", {"input": (input, 2), "mat2": (mat2, 2)})
    return matmul(input, mat2)


@method()
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices, which do not broadcast."""
    _with_dims("bmm", {"input": (input, 3), "mat2": (mat2, 3)})
    if input.shape[0] != mat2.shape[0]:
        raise RuntimeError(f"bmm: batch sizes differ: {tuple(input.shape)} and {tuple(mat2.shape)}")
    return matmul(input, mat2)


@method()
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    _with_dims("mv", {"input": (input, 2), "vec": (vec, 1)})
    return matmul(input, vec)


@method()
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements."""
    _with_dims("dot", {"input": (input, 1), "tensor": (tensor, 1)})
    if input.shape != tensor.shape:
        raise RuntimeError(f"dot: sizes differ: {tuple(input.shape)} and {tuple(tensor.shape)}")
    return matmul(input, tensor)


@method()
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """`dot` with the complex conjugate of input."""
    return dot(conj(input), other)


@method()
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Products summed over the last dims of both."""
    if not input.ndim or not other.ndim:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(f"inner: the last dims differ: {tuple(input.shape)} and {tuple(other.shape)}")
    return tensordot(input, other, dims=([-1], [-1]))


@method("outer", "ger")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of the elements of two vectors."""
    _with_dims("outer", {"input": (input, 1), "vec2": (vec2, 1)})
    return input.reshape(-1, 1) * vec2


def _scaled_sum(input: Tensor, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    if product.dtype.category <= _dtypes.INT:
        beta, alpha = int(beta), int(alpha)
    product = product if alpha == 1 else product * alpha
    if beta == 0:  # even nan times zero is nothing
        return product
    if state.autocast is not None:
        input = input.to(product.dtype)
    return (input if beta == 1 else input * beta) + product


@method(inplace=True)
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2)."""
    return _scaled_sum(input, mm(mat1, mat2), beta, alpha)


@method(inplace=True)
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * (batch1 @ batch2)."""
    return _scaled_sum(input, bmm(batch1, batch2), beta, alpha)


@method(inplace=True)
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * the sum over the batch of (batch1 @ batch2)."""
    return _scaled_sum(input, bmm(batch1, batch2).sum(0, dtype=batch1.dtype), beta, alpha)


@method(inplace=True)
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * (mat @ vec)."""
    return _scaled_sum(input, mv(mat, vec), beta, alpha)


@method(inplace=True)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2); of bools, whether input or both."""
    product = outer(vec1, vec2)
    if input.dtype is product.dtype is _dtypes.bool_:
        return (input & bool(beta)) | (product & bool(alpha))
    return _scaled_sum(input, product.to(_dtypes.promote_types(product.dtype, input.dtype)), beta, alpha)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of matrices, in the order that takes the fewest multiplications."""
    from candle.ops.matrix_functions import multi_dot

    return multi_dot(matrices)


@method()
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product along a dim of size 3: the first there is, unless given."""
    from candle.ops.matrix_functions import cross

    if dim is None and 3 not in input.shape:
        raise RuntimeError(f"cross: no dim of shape {tuple(input.shape)} is of size 3")
    return cross(input, other, dim=list(input.shape).index(3) if dim is None else dim)


@method()
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of input times all of other.

    >>> import candle
    >>> candle.kron(candle.eye(2), candle.tensor([[1.0, 2.0]]))
    tensor([[1., 2., 0., 0.],
            [0., 0., 1., 2.]])
    """
    ndim = max(input.ndim, other.ndim)
    a, b = ((1,) * (ndim - t.ndim) + tuple(t.shape) for t in (input, other))
    rows = input.reshape([size for each in a for size in (each, 1)])
    columns = other.reshape([size for each in b for size in (1, each)])
    return (rows * columns).reshape([x * y for x, y in zip(a, b, strict=True)])


@method()
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    _with_dims("trace", {"input": (input, 2)})
    return input.diagonal().sum(-1)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Products summed over some dims of a and as many of b."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if not several(dims):
        (dims,) = integers("tensordot", (dims,))
        if dims < 0:
            raise RuntimeError(f"tensordot: dims must not be negative, got {dims}")
        over_a, over_b = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        over_a, over_b = [d % a.ndim for d in dims[0]], [d % b.ndim for d in dims[1]]
    for i, j in zip(over_a, over_b, strict=False):  # a size of 1 stands for any
        if b.shape[j] == 1:
            a = a.sum(i, keepdim=True, dtype=a.dtype)
        elif a.shape[i] == 1:
            b = b.sum(j, keepdim=True, dtype=b.dtype)
    if [a.shape[d] for d in over_a] != [b.shape[d] for d in over_b]:
        raise RuntimeError(
            f"tensordot: dims {over_a} of {tuple(a.shape)} and {over_b} of {tuple(b.shape)} differ in size"
        )
    rest_a = [d for d in range(a.ndim) if d not in over_a]
    rest_b = [d for d in range(b.ndim) if d not in over_b]
    n = math.prod(a.shape[d] for d in over_a)
    rows = a.permute(*rest_a, *over_a).reshape(math.prod(a.shape[d] for d in rest_a), n)
    columns = b.permute(*over_b, *rest_b).reshape(n, math.prod(b.shape[d] for d in rest_b))
    return matmul(rows, columns).reshape([a.shape[d] for d in rest_a] + [b.shape[d] for d in rest_b])


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sums of products by index letters: "ij,jk->ik" is a matrix product, as is `einsum(x, [0, 1], y, [1, 2], [0, 2])`.

    >>> import candle
    >>> candle.einsum("ij,j->i", candle.ones(2, 3), candle.ones(3))
    tensor([3., 3.])
    """
    from candle.ops._einsum import contract

    return contract(equation, *operands)
