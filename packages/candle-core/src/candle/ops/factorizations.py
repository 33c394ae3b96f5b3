"""Matrices as products: Cholesky, QR and LU."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from candle import _dtypes
from candle._tensor import Tensor
from candle.op import Op
from candle.ops import creation
from candle.ops._matrices import (
    LinAlgError,
    adjoint,
    attempt,
    diagonal_of_tensor,
    eye,
    known,
    matrices,
    mH,
    on_diagonal,
    product,
    right_solve,
    square,
)
from candle.ops.joining import cat

__all__ = ["cholesky", "cholesky_ex", "lu", "lu_factor", "lu_factor_ex", "lu_unpack", "qr"]


class Cholesky(Op):
    """the lower triangle L with L L^H = x;  dx = L^-H s L^-1, s + s^H the lower triangle of L^H grad

    Murray, "Differentiation of the Cholesky decomposition" (2016), equations 9 and 10.
    """

    name, extension, reads = "cholesky", "linalg", {"x": "out"}

    def forward(xp, x):
        return xp.linalg.cholesky(x)

    def vjp(xp, needs, grad, out, x):
        low = xp.tril(xp.matmul(adjoint(xp, out), grad))
        s = (low + adjoint(xp, xp.tril(low, k=-1))) / 2
        turned = adjoint(xp, out)
        return (adjoint(xp, xp.linalg.solve(turned, adjoint(xp, xp.linalg.solve(turned, s)))),)


class Qr(Op):
    """Q R = x, Q^H Q = 1, R upper triangular;  dx = (dQ + Q s) R^-H, s from the upper half of dR R^H - Q^H dQ

    s + s^H = that half and its mirror image; Walter and Lehmann, "Algorithmic differentiation of linear algebra
    functions" (2010). For at least as many rows as columns.
    """

    name, extension, reads = "qr", "linalg", {"x": "out"}

    def forward(xp, x, *, mode):
        return xp.linalg.qr(x, mode=mode)

    def vjp(xp, needs, grad, out, x, *, mode):
        q, r = out
        if q.shape[-1] > r.shape[-1]:
            raise RuntimeError(f"qr: mode={mode!r} of more rows than columns has no derivative; use mode='reduced'")
        dq, dr = known(xp, grad[0], q), known(xp, grad[1], r)
        half = xp.triu(xp.matmul(dr, adjoint(xp, r)) - xp.matmul(adjoint(xp, q), dq))
        both = half + adjoint(xp, half)
        both = xp.where(on_diagonal(xp, *both.shape[-2:]), both / 2, both)
        return (right_solve(xp, dq + xp.matmul(q, both), r),)


class LuFactor(Op):
    """L and U in one matrix, and row swaps P, with P L U = x;  dx = P L^-H (tril(L^H dL) + triu(dU U^H)) U^-H

    The lower triangle without the diagonal; for shapes that are not square, the rest of L or U is a solution with
    the other's square part.
    """

    name, extension, reads = "lu_factor", "linalg", {"x": "out"}
    no_grad_outputs = (1,)

    def forward(xp, x):
        return xp.linalg.lu_factor(x)

    def vjp(xp, needs, grad, out, x):
        (g, _), (lu, pivots) = grad, out
        m, n = lu.shape[-2:]
        k = min(m, n)
        one = xp.astype(on_diagonal(xp, k, k), lu.dtype)
        low, up = xp.tril(lu[..., :k, :k], k=-1) + one, xp.triu(lu[..., :k, :k])
        below, right = lu[..., k:, :k], lu[..., :k, k:]
        d_low, d_up = xp.tril(g[..., :k, :k], k=-1), xp.triu(g[..., :k, :k])
        d_below, d_right = g[..., k:, :k], g[..., :k, k:]
        left = product(xp, adjoint(xp, low), d_low) - product(xp, d_right, adjoint(xp, right))
        top = product(xp, d_up, adjoint(xp, up)) - product(xp, adjoint(xp, below), d_below)
        turned = adjoint(xp, low)
        dx = right_solve(xp, xp.linalg.solve(turned, xp.tril(left, k=-1) + xp.triu(top)), up)
        if m > n:
            dx = xp.concat([dx, right_solve(xp, d_below, up)], axis=-2)
        elif m < n:
            dx = xp.concat([dx, xp.linalg.solve(turned, d_right)], axis=-1)
        back = xp.argsort(row_order(xp, pivots, m), axis=-1)
        return (xp.take_along_axis(dx, xp.broadcast_to(back[..., None], dx.shape), axis=-2),)


def row_order(xp: Any, pivots: Any, m: int) -> Any:
    """Which row stands where after row i was swapped with row pivots[i] - 1, for one i after the other."""
    rows = xp.arange(m)
    order = xp.broadcast_to(rows, (*pivots.shape[:-1], m))
    for i in range(pivots.shape[-1]):
        there = xp.astype(pivots[..., i : i + 1], rows.dtype) - 1
        here, swapped = order[..., i : i + 1], xp.take_along_axis(order, there, axis=-1)
        order = xp.where(xp.equal(rows, there), here, xp.where(xp.equal(rows, i), swapped, order))
    return order


# What users call

cholesky_and_info = namedtuple("cholesky_and_info", "L info")
q_and_r = namedtuple("q_and_r", "Q R")
factors_and_pivots = namedtuple("factors_and_pivots", "LU pivots")
factors_pivots_and_info = namedtuple("factors_pivots_and_info", "LU pivots info")
p_l_and_u = namedtuple("p_l_and_u", "P L U")


def cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangle L with L L^H = input (or the upper one, U with U^H U = input), of positive-definite matrices.

    >>> import candle
    >>> candle.linalg.cholesky(candle.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    square("cholesky", input)
    return mH(attempt(Cholesky, mH(input))) if upper else attempt(Cholesky, input)


def cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """`cholesky`, which tells in `info` of matrices that are not positive-definite: the first leading minor's order."""
    square("cholesky_ex", input)
    try:
        L = cholesky(input, upper=upper)
    except LinAlgError:
        if check_errors:
            raise
        flat = input.reshape(-1, *input.shape[-2:])
        orders = [_first_bad_minor(flat[i].detach(), upper) for i in range(flat.shape[0])]
        info = creation.tensor(orders, dtype=_dtypes.int32, device=input.device).reshape(input.shape[:-2])
        bad = (info > 0)[..., None, None]
        L = cholesky(eye(*input.shape[-2:], like=input).where(bad, input), upper=upper).masked_fill(bad, float("nan"))
        return cholesky_and_info(L, info)
    return cholesky_and_info(L, creation.zeros(input.shape[:-2], dtype=_dtypes.int32, device=input.device))


def _first_bad_minor(A: Tensor, upper: bool) -> int:
    for k in range(1, A.shape[-1] + 1):
        try:
            cholesky(A[:k, :k], upper=upper)
        except LinAlgError:
            return k
    return 0


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and R, upper triangular, with Q R = A; "complete": Q square; "r": R alone."""
    matrices("qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}")
    m, n = A.shape[-2:]
    if m < n:
        Q, R = attempt(Qr, A[..., :m], mode="reduced")
        R = cat([R, mH(Q) @ A[..., m:]], -1)
    else:
        Q, R = attempt(Qr, A, mode="complete" if mode == "complete" else "reduced")
    return q_and_r(Q.new_empty(0) if mode == "r" else Q, R)


def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """L and U in one matrix, and the rows that were swapped (from 1, as LAPACK counts)."""
    matrices("lu_factor", A)
    if not pivot:
        raise NotImplementedError("lu_factor: the option pivot=False is not supported; use pivot=True")
    return factors_and_pivots(*attempt(LuFactor, A))


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """`lu_factor`, and in `info` the first place where the diagonal of U is zero (0: nowhere)."""
    LU, pivots = lu_factor(A, pivot=pivot)
    k = pivots.shape[-1]
    zero = diagonal_of_tensor(LU.detach()[..., :k, :k]) == 0
    first = (zero.to(_dtypes.int32).argmax(-1) + 1) if k else creation.zeros(A.shape[:-2], device=A.device)
    info = (first * zero.any(-1)).to(_dtypes.int32)
    if check_errors and bool((info > 0).any()):
        raise LinAlgError(f"lu_factor_ex: U has a zero on its diagonal, at {info.tolist()} (0: none)")
    return factors_pivots_and_info(LU, pivots, info)


def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """P, L and U with P L U = A: a permutation, a lower triangle with ones on its diagonal, an upper triangle."""
    return lu_unpack(*lu_factor(A, pivot=pivot))


def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
    """P, L and U from what `lu_factor` returns."""
    from candle._namespace import namespace_of

    if LU_pivots.dtype is not _dtypes.int32:
        raise RuntimeError(f"lu_unpack: expected LU_pivots of dtype int32, got {LU_pivots.dtype}")
    if LU_data.ndim < 2 or LU_pivots.shape != (*LU_data.shape[:-2], min(LU_data.shape[-2:])):
        raise RuntimeError(f"lu_unpack: the shapes {tuple(LU_data.shape)} and {tuple(LU_pivots.shape)} do not fit")
    m, n = LU_data.shape[-2:]
    k = min(m, n)
    P = L = U = LU_data.new_empty(0)
    if unpack_data:
        L, U = LU_data[..., :k].tril(-1) + eye(m, k, like=LU_data), LU_data[..., :k, :].triu()
    if unpack_pivots:
        order = row_order(namespace_of(LU_pivots._backend), LU_pivots, m)
        rows = creation.arange(m, device=LU_data.device).reshape(m, 1)
        P = (rows == order[..., None, :]).to(LU_data.dtype)
    return p_l_and_u(P, L, U)
