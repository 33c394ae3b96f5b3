"""What the standard's `linalg` lacks, on NumPy: LU, the raw QR, and eigenvalues of any square matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any


def eig(x: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors, complex also where all of them are real."""
    values, vectors = np.linalg.eig(x)
    kind = np.result_type(x.dtype, np.complex64)
    return values.astype(kind), vectors.astype(kind)


def geqrf(x: Array) -> tuple[Array, Array]:
    """R above the Householder vectors of Q, and their factors: what LAPACK's function of that name leaves."""
    transposed, tau = np.linalg.qr(x, mode="raw")
    return np.swapaxes(transposed, -2, -1).copy(), tau


def lu_factor(x: Array) -> tuple[Array, Array]:
    """L (below the diagonal, which is one) and U of matrices whose row i was swapped with row pivots[i] - 1.

    Right-looking elimination with partial pivoting (Golub and Van Loan, Matrix Computations, algorithm 3.4.1). As
    in LAPACK the pivot is the largest by |re| + |im|, and a column of zeros is left as it is.
    """
    lu = np.array(x).reshape(math.prod(x.shape[:-2]), *x.shape[-2:])
    batch, steps = np.arange(len(lu)), min(x.shape[-2:])
    pivots = np.empty((len(lu), steps), np.int32)
    for j in range(steps):
        column = lu[:, j:, j]
        p = j + np.argmax(np.abs(column.real) + np.abs(column.imag), axis=1)
        lu[batch, p], lu[:, j] = lu[:, j].copy(), lu[batch, p]
        pivots[:, j] = p + 1
        pivot = lu[:, j, j, None]
        lu[:, j + 1 :, j] /= np.where(pivot == 0, 1, pivot)
        lu[:, j + 1 :, j + 1 :] -= lu[:, j + 1 :, j, None] * lu[:, j, None, j + 1 :]
    return lu.reshape(x.shape), pivots.reshape(*x.shape[:-2], steps)
