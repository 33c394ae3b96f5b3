"""Eigenvalues and singular values."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from candle._tensor import Tensor
from candle.op import Op, is_complex_array
from candle.ops._common import unsupported
from candle.ops._matrices import (
    adjoint,
    attempt,
    diagonal_matrix,
    diagonal_of,
    differences,
    known,
    matrices,
    product,
    square,
    without_diagonal,
)

__all__ = ["eig", "eigh", "eigvals", "eigvalsh", "svd", "svdvals"]


class Eigh(Op):
    """V diag(w) V^H = x, x Hermitian;  dx = V (diag(dw) + (s - s^H) / (w_j - w_i)) V^H, s = V^H dV / 2

    Of x only one triangle is read; its gradient is Hermitian as well. Giles, "Collected matrix derivative results"
    (2008), section 3.1.
    """

    name, extension, reads = "eigh", "linalg", {"x": "out"}

    def forward(xp, x, *, upper):
        low = xp.tril(adjoint(xp, x) if upper else x, k=-1)
        return xp.linalg.eigh(low + adjoint(xp, low) + diagonal_matrix(xp, xp.real(diagonal_of(xp, x))))

    def vjp(xp, needs, grad, out, x, *, upper):
        (dw, dv), (w, v) = grad, out
        inner = diagonal_matrix(xp, known(xp, dw, w))
        if dv is not None:
            turned = xp.matmul(adjoint(xp, v), dv)
            inner = inner + without_diagonal(xp, turned - adjoint(xp, turned)) / (2 * differences(xp, w))
        return (product(xp, v, xp.astype(inner, v.dtype), adjoint(xp, v)),)


class Eig(Op):
    """V diag(w) V^-1 = x;  dx = V^-H (diag(dw) + (V^H dV - V^H V diag(Re V^H dV)) / conj(w_j - w_i)) V^H

    Columns of V have length one. Boeddeker et al., "On the computation of complex-valued gradients" (2017).
    """

    name, extension, reads = "eig", "linalg", {"x": "out"}

    def forward(xp, x):
        return xp.linalg.eig(x)

    def vjp(xp, needs, grad, out, x):
        (dw, dv), (w, v) = grad, out
        inner = diagonal_matrix(xp, known(xp, dw, w))
        if dv is not None:
            turned = xp.matmul(adjoint(xp, v), dv)
            length = xp.astype(xp.real(diagonal_of(xp, turned)), v.dtype)  # of the columns, which stays
            turned = turned - product(xp, adjoint(xp, v), v * length[..., None, :])
            inner = inner + without_diagonal(xp, turned) / xp.conj(differences(xp, w))
        return (xp.linalg.solve(adjoint(xp, v), xp.matmul(inner, adjoint(xp, v))),)


class Svd(Op):
    """U diag(s) V^H = x;  dx = U ((a s_j + s_i b) / (s_j^2 - s_i^2) + diag(ds)) V^H + what is across U and V

    a = U^H dU - its adjoint, b the same of V. Townsend, "Differentiating the singular value decomposition" (2016);
    for complex x Wan and Zhang, "Automatic differentiation for complex valued SVD" (2019).
    """

    name, extension, reads = "svd", "linalg", {"x": "out"}

    def forward(xp, x, *, full_matrices):
        return xp.linalg.svd(x, full_matrices=full_matrices)

    def vjp(xp, needs, grad, out, x, *, full_matrices):
        s, k = out[1], out[1].shape[-1]
        u, vh = out[0][..., :k], out[2][..., :k, :]
        kind = u.dtype
        inner = xp.astype(diagonal_matrix(xp, known(xp, grad[1], s)), kind)
        if grad[0] is None and grad[2] is None:
            return (product(xp, u, inner, vh),)
        du = known(xp, grad[0], out[0])[..., :k]
        dvh = known(xp, grad[2], out[2])[..., :k, :]
        row, column = xp.astype(s, kind)[..., None, :], xp.astype(s, kind)[..., :, None]
        turned, turned_v = xp.matmul(adjoint(xp, u), du), xp.matmul(vh, adjoint(xp, dvh))
        skew, skew_v = turned - adjoint(xp, turned), turned_v - adjoint(xp, turned_v)
        inner = inner + (skew * row + column * skew_v) / xp.astype(differences(xp, s * s), kind)
        if is_complex_array(xp, u):  # the phase that a column of U shares with its column of V; not real b adds nothing
            inner = without_diagonal(xp, inner) + diagonal_matrix(
                xp, known(xp, grad[1], s) + diagonal_of(xp, skew) / (2 * xp.astype(s, kind))
            )
        dx = product(xp, u, inner, vh)
        if u.shape[-2] > k:
            dx = dx + product(xp, (du - xp.matmul(u, turned)) / row, vh)
        if vh.shape[-1] > k:
            across = dvh - product(xp, dvh, adjoint(xp, vh), vh)
            dx = dx + product(xp, u / row, across)
        return (dx,)


# What users call

values_and_vectors = namedtuple("values_and_vectors", "eigenvalues eigenvectors")
u_s_and_vh = namedtuple("u_s_and_vh", "U S Vh")


def eig(input: Tensor) -> Any:
    """The eigenvalues w and eigenvectors V (the columns), complex, with input V = V diag(w)."""
    square("eig", input)
    return values_and_vectors(*attempt(Eig, input))


def eigvals(input: Tensor) -> Tensor:
    """The eigenvalues, complex, in no order."""
    return eig(input).eigenvalues


def eigh(input: Tensor, UPLO: str = "L") -> Any:
    """The eigenvalues (real, ascending) and eigenvectors of Hermitian matrices, of which one triangle is read.

    >>> import candle
    >>> candle.linalg.eigh(candle.tensor([[2.0, 1.0], [1.0, 2.0]])).eigenvalues
    tensor([1., 3.])
    """
    square("eigh", input)
    if UPLO not in ("L", "U", "l", "u"):
        raise RuntimeError(f"eigh: UPLO must be 'L' or 'U', got {UPLO!r}")
    return values_and_vectors(*attempt(Eigh, input, upper=UPLO in "Uu"))


def eigvalsh(input: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of Hermitian matrices: real, ascending."""
    return eigh(input, UPLO).eigenvalues


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """U, S (descending) and Vh with U diag(S) Vh = A; without `full_matrices` as many vectors as singular values."""
    matrices("svd", A)
    unsupported("svd", driver=driver)
    return u_s_and_vh(*attempt(Svd, A, full_matrices=full_matrices))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values, descending."""
    return svd(A, False, driver=driver).S
