"""Linear equations, determinants and inverses."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

from candle import _dtypes
from candle._tensor import Tensor
from candle.op import Op, is_complex_array
from candle.ops import creation
from candle.ops._matrices import (
    LinAlgError,
    adjoint,
    attempt,
    diagonal_matrix,
    eye,
    floating,
    known,
    matrices,
    mH,
    one_dtype,
    product,
    square,
)
from candle.ops.factorizations import lu_factor_ex, lu_unpack
from candle.ops.reduction import Prod

__all__ = [
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "inv",
    "inv_ex",
    "lu_solve",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
]


class Inv(Op):
    """x^-1;  dx = -out^H grad out^H"""

    name, extension, reads = "inv", "linalg", {"x": "out"}

    def forward(xp, x):
        return xp.linalg.inv(x)

    def vjp(xp, needs, grad, out, x):
        turned = adjoint(xp, out)
        return (-product(xp, turned, grad, turned),)


class Solve(Op):
    """x^-1 y;  dy = x^-H grad, dx = -dy out^H"""

    name, extension, reads = "solve", "linalg", {"x": "x out", "y": "x"}

    def forward(xp, x, y):
        if y.ndim < x.ndim:  # some libraries take fewer dims for a batch of vectors
            y = xp.reshape(y, (1,) * (x.ndim - y.ndim) + y.shape)
        return xp.linalg.solve(x, y)

    def vjp(xp, needs, grad, out, x, y):
        dy = xp.linalg.solve(adjoint(xp, x), grad)
        return -xp.matmul(dy, adjoint(xp, out)) if needs[0] else None, dy


class Slogdet(Op):
    """s and l with s e^l = det x, |s| = 1;  dx = (dl - i Im(conj(ds) s)) x^-H"""

    name, extension, reads = "slogdet", "linalg", {"x": "x out"}

    def forward(xp, x):
        return xp.linalg.slogdet(x)

    def vjp(xp, needs, grad, out, x):
        (dsign, dlog), (sign, log) = grad, out
        scale = xp.astype(known(xp, dlog, log), sign.dtype)
        if is_complex_array(xp, x) and dsign is not None:
            scale = scale + (dsign * xp.conj(sign) - xp.conj(dsign) * sign) / 2
        return (scale[..., None, None] * adjoint(xp, xp.linalg.inv(x)),)


class Det(Op):
    """the determinant of x;  dx = grad * conj(cofactors of x)

    The cofactors are det(x) x^-T. Near a singular x, where that fails, their conjugates are those of x = U diag(s) V^H:
    conj(det(U V^H)) U diag(product of the other s) V^H.
    """

    name, extension, reads = "det", "linalg", {"x": "x out"}

    def forward(xp, x):
        return xp.linalg.det(x)

    def vjp(xp, needs, grad, out, x):
        n = x.shape[-1]
        one = diagonal_matrix(xp, xp.ones((n,), dtype=x.dtype))
        apart = diagonal_matrix(xp, xp.astype(xp.arange(n) + 1, x.dtype))  # its singular values differ
        bound = xp.prod(xp.sqrt(xp.sum(xp.square(xp.abs(x)), axis=-1)), axis=-1)  # of |det x|, by Hadamard
        double = x.dtype in [getattr(xp, name, None) for name in ("float64", "complex128")]
        singular = xp.less_equal(xp.abs(out), (2.0**-26 if double else 2.0**-11) * bound)[..., None, None]
        regular = xp.conj(out)[..., None, None] * adjoint(xp, xp.linalg.inv(xp.where(singular, one, x)))
        u, s, vh = xp.linalg.svd(xp.where(singular, x, apart), full_matrices=False)
        (others,) = Prod.vjp(
            xp, (True,), xp.ones(s.shape[:-1], dtype=s.dtype), None, s, dim=(s.ndim - 1,), keepdim=False
        )
        signed = xp.conj(xp.linalg.det(u) * xp.linalg.det(vh))[..., None] * xp.astype(others, x.dtype)
        cofactors = xp.where(singular, xp.matmul(u * signed[..., None, :], vh), regular)
        return (grad[..., None, None] * cofactors,)


# What users call

sign_and_log = namedtuple("sign_and_log", "sign logabsdet")
inverse_and_info = namedtuple("inverse_and_info", "inverse info")
result_and_info = namedtuple("result_and_info", "result info")


def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices."""
    square("inv", A)
    return attempt(Inv, A)


def _regular(A: Tensor, check_errors: bool, error: LinAlgError) -> tuple[Tensor, Tensor, Tensor]:
    """The matrices with the identity for singular ones, which they are, and where U has its first zero."""
    info = lu_factor_ex(A.detach()).info
    bad = (info > 0)[..., None, None]
    if check_errors or not bool(bad.any()):
        raise error
    return eye(*A.shape[-2:], like=A).where(bad, A), bad, info


def _no_info(A: Tensor) -> Tensor:
    return creation.zeros(A.shape[:-2], dtype=_dtypes.int32, device=A.device)


def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """`inv`, which tells in `info` of singular matrices (0: none), and makes nan of them."""
    try:
        return inverse_and_info(inv(A), _no_info(A))
    except LinAlgError as error:
        A, bad, info = _regular(A, check_errors, error)
        return inverse_and_info(inv(A).masked_fill(bad, math.nan), info)


def _is_vector(A: Tensor, B: Tensor) -> bool:
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A X = B (or X A = B, not `left`), for a matrix, a vector, or batches of them as B.

    >>> import candle
    >>> candle.linalg.solve(candle.tensor([[2.0, 0.0], [0.0, 4.0]]), candle.ones(2))
    tensor([0.5000, 0.2500])
    """
    square("solve", A)
    one_dtype("solve", A, B)
    if _is_vector(A, B):
        if not left:
            raise RuntimeError("solve: a vector B stands on the right side only; use left=True")
        return attempt(Solve, A, _right_side("solve", A, B[..., None])).squeeze(-1)
    if not left:
        return attempt(Solve, A.mT, _right_side("solve", A, B.mT)).mT
    return attempt(Solve, A, _right_side("solve", A, B))


def _right_side(name: str, A: Tensor, B: Tensor) -> Tensor:
    if B.ndim < 2 or A.shape[-1] != B.shape[-2]:
        raise RuntimeError(f"{name}: the shapes {tuple(A.shape)} and {tuple(B.shape)} do not fit")
    return B


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """`solve`, which tells in `info` of singular matrices (0: none), and makes nan of their solutions."""
    try:
        return result_and_info(solve(A, B, left=left), _no_info(A))
    except LinAlgError as error:
        A, bad, info = _regular(A, check_errors, error)
        return result_and_info(
            solve(A, B, left=left).masked_fill(bad[..., 0] if _is_vector(A, B) else bad, math.nan), info
        )


def solve_triangular(
    input: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """`solve` for triangular matrices: only that triangle is read, and with `unitriangular` not its diagonal."""
    square("solve_triangular", input)
    matrices("solve_triangular", input, B)
    side = int(unitriangular)
    input = input.triu(side) if upper else input.tril(-side)
    if unitriangular:
        input = input + eye(*input.shape[-2:], like=input)
    if not left:
        return attempt(Solve, input.mT, _right_side("solve_triangular", input, B.mT)).mT
    return attempt(Solve, input, _right_side("solve_triangular", input, B))


def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """X with A X = B, where LU and pivots are `lu_factor(A)`; A^H with `adjoint`, X A with left=False."""
    square("lu_solve", LU)
    matrices("lu_solve", LU, B)
    if pivots.shape != LU.shape[:-1]:
        raise RuntimeError(f"lu_solve: pivots have shape {tuple(pivots.shape)}, expected {tuple(LU.shape[:-1])}")
    if not left:  # A^H X^H = B^H
        return mH(lu_solve(LU, pivots, mH(B), adjoint=not adjoint))
    B = _right_side("lu_solve", LU, B)
    P, L, U = lu_unpack(LU, pivots)
    if adjoint:
        return P @ attempt(Solve, mH(L), attempt(Solve, mH(U), B))
    return attempt(Solve, U, attempt(Solve, L, P.mT @ B))


def det(A: Tensor) -> Tensor:
    """The determinant."""
    square("det", A)
    return attempt(Det, A)


def slogdet(A: Tensor) -> Any:
    """The sign (of complex matrices, the phase) of the determinant, and the log of its absolute value.

    >>> import candle
    >>> candle.linalg.slogdet(-candle.eye(3))
    sign_and_log(sign=tensor(-1.), logabsdet=tensor(0.))
    """
    square("slogdet", A)
    return sign_and_log(*attempt(Slogdet, A))


def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """X with L L^H X = input, where L is the lower triangle of input2 (U^H U, of the upper one, where `upper`)."""
    square("cholesky_solve", input2)
    matrices("cholesky_solve", input2, input)
    low = _lower(input2, upper)
    return attempt(Solve, mH(low), attempt(Solve, low, _right_side("cholesky_solve", input2, input)))


def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of L L^H, where L is the lower triangle of input (of U^H U, the upper one, where `upper`)."""
    square("cholesky_inverse", input)
    inverse = attempt(Inv, _lower(input, upper))
    return mH(inverse) @ inverse


def _lower(factor: Tensor, upper: bool) -> Tensor:
    """The triangle that counts; what stands in the other is not looked at."""
    return mH(factor.triu()) if upper else factor.tril()


def tensorinv(input: Tensor, ind: int = 2) -> Tensor:
    """The inverse under `tensordot` with the last `ind` dims of input."""
    floating("tensorinv", input)
    if ind <= 0:
        raise RuntimeError(f"tensorinv: ind must be positive, got {ind}")
    first, last = input.shape[:ind], input.shape[ind:]
    if math.prod(first) != math.prod(last):
        raise RuntimeError(f"tensorinv: the sizes {tuple(first)} and {tuple(last)} multiply to different numbers")
    return inv(input.reshape(math.prod(first), -1 if input.numel() else 0)).reshape(*last, *first)


def tensorsolve(input: Tensor, other: Tensor, dims: Any = None) -> Tensor:
    """X with tensordot(input, X, X.ndim) = other; the `dims` of input are moved to its end first."""
    if dims is not None:
        input = input.movedim(tuple(dims), tuple(range(input.ndim - len(dims), input.ndim)))
    rest = input.shape[other.ndim :]
    if math.prod(rest) != other.numel() or math.prod(input.shape[: other.ndim]) != other.numel():
        raise RuntimeError(
            f"tensorsolve: input of shape {tuple(input.shape)} is no square matrix for other {tuple(other.shape)}"
        )
    return solve(input.reshape(other.numel(), other.numel()), other.reshape(-1)).reshape(rest)
