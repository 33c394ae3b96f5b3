"""The linear algebra of `candle.linalg` under its older names, which are methods of Tensor, too."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

import candle
from candle._attach import method
from candle._tensor import Tensor
from candle.ops.creation import zeros_like
from candle.ops.random import randn

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "geqrf",
    "inverse",
    "logdet",
    "lu",
    "lu_solve",
    "lu_unpack",
    "matrix_exp",
    "matrix_power",
    "orgqr",
    "ormqr",
    "pca_lowrank",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
    "svd_lowrank",
    "triangular_solve",
]

u_s_and_v = namedtuple("u_s_and_v", "U S V")
solution_and_coefficient = namedtuple("solution_and_coefficient", "solution cloned_coefficient")


@method()
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The lower triangle L with L L^H = input (or the upper one, U with U^H U = input)."""
    return candle.linalg.cholesky(input, upper=upper)


@method()
def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of L L^H (of U^H U where `upper`) from its factor."""
    from candle.ops.solving import cholesky_inverse

    return cholesky_inverse(input, upper)


@method()
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """X with input2 input2^H X = input (U^H U X where `upper`)."""
    from candle.ops.solving import cholesky_solve

    return cholesky_solve(input, input2, upper)


@method()
def det(input: Tensor) -> Tensor:
    """The determinant of square matrices."""
    return candle.linalg.det(input)


@method()
def logdet(input: Tensor) -> Tensor:
    """The log of the determinant: nan where that is negative.

    >>> import candle
    >>> candle.logdet(candle.eye(2))
    tensor(0.)
    """
    sign, log = candle.linalg.slogdet(input)
    return log + sign.log() if input.dtype.is_complex else log.masked_fill(sign == -1, math.nan)


@method()
def slogdet(input: Tensor) -> Any:
    """The sign of the determinant and the log of its absolute value."""
    return candle.linalg.slogdet(input)


@method()
def inverse(input: Tensor) -> Tensor:
    """The inverse of square matrices."""
    return candle.linalg.inv(input)


@method()
def pinverse(input: Tensor, rcond: Any = 1e-15) -> Tensor:
    """The Moore-Penrose inverse; singular values below rcond times the largest count as zero."""
    return candle.linalg.pinv(input, rcond)


@method()
def matrix_exp(input: Tensor) -> Tensor:
    """The sum of input^k / k!, of square matrices."""
    return candle.linalg.matrix_exp(input)


@method()
def matrix_power(input: Tensor, n: int) -> Tensor:
    """input @ input @ ..., n times; of the inverse for negative n."""
    return candle.linalg.matrix_power(input, n)


@method()
def qr(input: Tensor, some: bool = True) -> Any:
    """Q with orthonormal columns and R, upper triangular, with Q R = input; Q is square unless `some`."""
    return candle.linalg.qr(input, "reduced" if some else "complete")


@method()
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """U, S (descending) and V with U diag(S) V^H = input; U and V are square unless `some`, zeros unless wanted."""
    U, S, Vh = candle.linalg.svd(input, not some or not compute_uv)
    if not compute_uv:
        return u_s_and_v(zeros_like(U.detach()), S, zeros_like(Vh.detach()))
    return u_s_and_v(U, S, Vh.mT.conj())


@method()
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> tuple[Tensor, ...]:
    """L and U in one matrix, the rows that were swapped, and perhaps where U has its first zero."""
    found: Any = candle.linalg.lu_factor_ex(A, pivot=pivot, check_errors=not get_infos)
    return found if get_infos else tuple(found[:2])


@method()
def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """X with A X = input, where the others are `lu(A)`."""
    return candle.linalg.lu_solve(LU_data, LU_pivots, input)


def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
    """P, L and U with P L U = A from `lu(A)`; what is not wanted is empty."""
    from candle.ops.factorizations import lu_unpack

    return lu_unpack(LU_data, LU_pivots, unpack_data, unpack_pivots)


@method()
def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """X with A X = input (A^T X with `transpose`), where only one triangle of A is read; and A, copied."""
    square = A.mT if transpose else A
    X = candle.linalg.solve_triangular(square, input, upper=upper != transpose, unitriangular=unitriangular)
    return solution_and_coefficient(X, A.clone())


@method()
def geqrf(input: Tensor) -> Any:
    """R and, below it, the vectors of the reflections that make Q, with their factors tau: for `ormqr`."""
    from candle.ops.matrix_functions import geqrf

    return geqrf(input)


@method()
def orgqr(input: Tensor, input2: Tensor) -> Tensor:
    """The first columns of Q from what `geqrf` returns."""
    return candle.linalg.householder_product(input, input2)


@method()
def ormqr(input: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """Q @ input3 (input3 @ Q if not `left`) for the square Q of `geqrf`; Q^H with `transpose`."""
    from candle.ops.matrix_functions import ormqr

    return ormqr(input, input2, input3, left, transpose)


def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> Any:
    """The q largest singular values of A (of A - M), and their vectors, approximately: U, S, V.

    Halko, Martinsson and Tropp, "Finding structure with randomness" (2009), algorithms 4.4 and 5.1.
    """
    A = A if M is None else A - M
    wide = A.shape[-2] < A.shape[-1]
    A = A.mT.conj() if wide else A
    Q = candle.linalg.qr(A @ randn(A.shape[-1], 6 if q is None else q, dtype=A.dtype, device=A.device)).Q
    for _ in range(2 if niter is None else niter):
        Q = candle.linalg.qr(A.mT.conj() @ Q).Q
        Q = candle.linalg.qr(A @ Q).Q
    U, S, Vh = candle.linalg.svd(Q.mT.conj() @ A, False)
    U, V = Q @ U, Vh.mT.conj()
    return (V, S, U) if wide else (U, S, V)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """The q principal components of the rows of A, approximately: `svd_lowrank` without the columns' means."""
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"pca_lowrank: q must be from 0 to {min(m, n)}, the smaller size of the matrix, got {q}")
    if niter < 0:
        raise ValueError(f"pca_lowrank: niter must not be negative, got {niter}")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
