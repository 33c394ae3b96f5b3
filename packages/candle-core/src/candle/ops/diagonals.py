"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import one_dim
from candle.ops.creation import arange, zeros
from candle.ops.indexing import IndexPut
from candle.ops.joining import cat
from candle.ops.striding import Strided, put_strided

__all__ = [
    "block_diag",
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "diagonal_scatter",
    "eye",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
]


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


# What users call


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


@method()
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The elements on a diagonal of two dims, as a new last dim. A view.

    >>> import candle
    >>> candle.arange(6).reshape(2, 3).diagonal(1)
    tensor([1, 5])
    """
    a, b = _two_dims("diagonal", input, dim1, dim2)
    return apply(Strided, input, **_along_diagonal(tuple(input.shape), offset, a, b))


def _two_dims(name: str, input: Tensor, dim1: int, dim2: int) -> tuple[int, int]:
    a, b = one_dim(dim1, input.ndim), one_dim(dim2, input.ndim)
    if a == b:
        raise RuntimeError(f"{name}: needs two different dims, got {dim1} and {dim2} of shape {tuple(input.shape)}")
    return a, b


def _along_diagonal(shape: tuple[int, ...], offset: int, a: int, b: int) -> dict[str, Any]:
    """The diagonal of dims a and b as regular steps."""
    size = max(min(shape[a] + min(offset, 0), shape[b] - max(offset, 0)), 0)
    begin = {a: max(-offset, 0), b: max(offset, 0)} if size else {}
    others = [d for d in range(len(shape)) if d not in (a, b)]
    return {
        "shape": (*(shape[d] for d in others), size),
        "start": tuple(begin.get(d, 0) for d in range(len(shape))),
        "steps": tuple(tuple(int(d == k) for k in [*others, d if d in (a, b) else -1]) for d in range(len(shape))),
    }


@method()
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dim on a diagonal of the two dims, and zeros elsewhere."""
    if not input.ndim:
        raise RuntimeError("diag_embed: a 0-d tensor has no dim to put on a diagonal")
    a, b = (one_dim(d, input.ndim + 1) for d in (dim1, dim2))
    if a == b:
        raise RuntimeError(f"diag_embed: the two dims must differ, got {dim1} and {dim2}")
    size = input.shape[-1] + abs(offset)
    place = arange(input.shape[-1], device=input.device)
    zeros = input.new_zeros((size, size, *input.shape[:-1]))
    made = apply(IndexPut, zeros, input.movedim(-1, 0), place + max(-offset, 0), place + max(offset, 0))
    return made.movedim((0, 1), (a, b))


@method()
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements on a diagonal."""
    return diag_embed(input.reshape(-1), offset)


@method()
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, or the matrix with a vector on its diagonal.

    >>> import candle
    >>> candle.tensor([1, 2]).diag()
    tensor([[1, 0],
            [0, 2]])
    """
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag: expects a vector or a matrix, got shape {tuple(input.shape)}")
    return diag_embed(input, diagonal) if input.ndim == 1 else _diagonal(input, diagonal).clone()


_diagonal = diagonal


@method()
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of input in which `src` stands on a diagonal."""
    a, b = _two_dims("diagonal_scatter", input, dim1, dim2)
    return put_strided("diagonal_scatter", input, src, **_along_diagonal(tuple(input.shape), offset, a, b))


def _triangle(name: str, row: int, col: int, offset: int, upper: bool, dtype: Any, device: Any) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(f"{name}: sizes must not be negative, got {row} and {col}")
    rows, columns = arange(row, device=device).reshape(row, 1), arange(col, device=device)
    inside = columns - rows >= offset if upper else columns - rows <= offset
    return inside.nonzero().T.to(dtype or _dtypes.int64)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Where the lower triangle of a matrix is: a row of row indices over a row of column indices."""
    return _triangle("tril_indices", row, col, offset, False, dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Where the upper triangle of a matrix is."""
    return _triangle("triu_indices", row, col, offset, True, dtype, device)


def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices one after the other along the diagonal of a larger one, zeros elsewhere.

    >>> import candle
    >>> candle.block_diag(candle.ones(1, 2), candle.tensor([[5.0]]))
    tensor([[1., 1., 0.],
            [0., 0., 5.]])
    """
    for i, x in enumerate(tensors):
        if x.ndim > 2:
            raise RuntimeError(f"block_diag: expects at most 2 dims, but tensor {i} has shape {tuple(x.shape)}")
    blocks = [x if x.ndim == 2 else x.reshape(1, -1) for x in tensors] or [zeros(1, 0)]
    width, rows, left = sum(x.shape[1] for x in blocks), [], 0
    for x in blocks:
        right = width - left - x.shape[1]
        rows.append(cat([x.new_zeros(x.shape[0], left), x, x.new_zeros(x.shape[0], right)], 1))
        left += x.shape[1]
    return cat(rows)


def eye(
    n: int, m: int | None = None, *, dtype: _dtypes.dtype | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    if n < 0 or (m or 0) < 0:
        raise RuntimeError(f"eye: sizes must not be negative, got {n} and {m}")
    rows, columns = arange(n, device=device).reshape(n, 1), arange(n if m is None else m, device=device)
    return (rows == columns).to(dtype or _dtypes.get_default_dtype()).requires_grad_(requires_grad)
