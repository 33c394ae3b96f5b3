"""The standard's linear algebra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from candle import linalg, ops
from candle._dtypes import dtype as Dtype
from candle._tensor import Tensor
from candle.array_api._dtypes import axes_of, expect, same


class EighResult(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    sign: Tensor
    logabsdet: Tensor


class SVDResult(NamedTuple):
    U: Tensor
    S: Tensor
    Vh: Tensor


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The matrix product."""
    expect("matmul", "numeric", x1, x2)
    return ops.matmul(*same("matmul", "numeric", x1, x2))


def matrix_transpose(x: Tensor, /) -> Tensor:
    """The last two axes exchanged."""
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose: expected a matrix or several, got shape {tuple(x.shape)}")
    return x.mT


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """Products summed over some axes of x1 and as many of x2."""
    x1, x2 = same("tensordot", "numeric", x1, x2)
    return ops.tensordot(x1, x2, axes)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The sum of conj(x1) x2 along an axis."""
    x1, x2 = same("vecdot", "numeric", x1, x2)
    if not -min(x1.ndim, x2.ndim) <= axis < 0 or x1.shape[axis] != x2.shape[axis]:
        raise ValueError(f"vecdot: axis {axis} does not fit shapes {tuple(x1.shape)} and {tuple(x2.shape)}")
    return ops.sum(x1.conj() * x2, axis, dtype=x1.dtype)


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """L with L L^H = x (or U with U^H U = x)."""
    expect("cholesky", "floating", x)
    return linalg.cholesky(x, upper=upper)


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The cross product of vectors of three."""
    x1, x2 = same("cross", "numeric", x1, x2)
    return linalg.cross(x1, x2, dim=axis)


def det(x: Tensor, /) -> Tensor:
    """The determinant."""
    expect("det", "floating", x)
    return linalg.det(x)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The diagonal of each matrix."""
    return ops.diagonal(x, offset, -2, -1)


def eigh(x: Tensor, /) -> EighResult:
    """Eigenvalues, rising, and eigenvectors of symmetric (or Hermitian) matrices."""
    expect("eigh", "floating", x)
    return EighResult(*linalg.eigh(x))


def eigvalsh(x: Tensor, /) -> Tensor:
    """The eigenvalues of symmetric (or Hermitian) matrices."""
    expect("eigvalsh", "floating", x)
    return linalg.eigvalsh(x)


def inv(x: Tensor, /) -> Tensor:
    """The inverse."""
    expect("inv", "floating", x)
    return linalg.inv(x)


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """A norm of each matrix."""
    expect("matrix_norm", "floating", x)
    return linalg.matrix_norm(x, ord, keepdim=keepdims)


def matrix_power(x: Tensor, n: int, /) -> Tensor:
    """The n-th power of square matrices."""
    expect("matrix_power", "floating", x)
    return linalg.matrix_power(x, n)


def matrix_rank(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """How many singular values are not as good as zero."""
    expect("matrix_rank", "floating", x)
    return linalg.matrix_rank(x, rtol=rtol)


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """All products of the elements of two vectors."""
    return ops.outer(*same("outer", "numeric", x1, x2))


def pinv(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """The pseudo-inverse of Moore and Penrose."""
    expect("pinv", "floating", x)
    return linalg.pinv(x, rtol=rtol)


def qr(x: Tensor, /, *, mode: str = "reduced") -> QRResult:
    """x = Q R, Q orthonormal and R upper triangular."""
    expect("qr", "floating", x)
    return QRResult(*linalg.qr(x, mode))


def slogdet(x: Tensor, /) -> SlogdetResult:
    """The determinant's sign and the logarithm of its size."""
    expect("slogdet", "floating", x)
    return SlogdetResult(*linalg.slogdet(x))


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """y with x1 @ y = x2; x2 is a vector only if it has one axis."""
    x1, x2 = same("solve", "floating", x1, x2)
    return linalg.solve(x1, x2) if x2.ndim > 1 else linalg.solve(x1, x2.unsqueeze(-1)).squeeze(-1)


def svd(x: Tensor, /, *, full_matrices: bool = True) -> SVDResult:
    """x = U S V^H, S the singular values, falling."""
    expect("svd", "floating", x)
    return SVDResult(*linalg.svd(x, full_matrices))


def svdvals(x: Tensor, /) -> Tensor:
    """The singular values, falling."""
    expect("svdvals", "floating", x)
    return linalg.svdvals(x)


def trace(x: Tensor, /, *, offset: int = 0, dtype: Dtype | None = None) -> Tensor:
    """The sum of the diagonal of each matrix."""
    from candle.array_api._reductions import sum

    return sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


def vector_norm(
    x: Tensor, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """A norm of each vector; of all elements where axis is None."""
    expect("vector_norm", "floating", x)
    if axis == ():
        return ops.abs(x)
    return linalg.vector_norm(x, ord, None if axis is None else list(axes_of(axis, x.ndim)), keepdims)
