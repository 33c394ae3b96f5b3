"""Norms and distances that are functions of candle and methods of Tensor; see `candle.linalg` for more norms."""

from __future__ import annotations

from typing import Any

import candle
from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Dims, expect_tensor, one_dim
from candle.ops.conditions import where
from candle.ops.linalg import transposed

__all__ = ["cdist", "dist", "norm", "renorm"]

MODES = {"use_mm_for_euclid_dist_if_necessary": 25, "use_mm_for_euclid_dist": 0, "donot_use_mm_for_euclid_dist": None}


class EuclideanDistances(Op):
    """sqrt(|x|^2 + |y|^2 - 2 x y^T), of all rows;  dx = x sum(s) - s y, s = grad / out (0 where out is), dy alike"""

    name, promotes, floats = "euclidean_distances", "x y", True
    real = True
    reads = {"x": "x y out", "y": "x y out"}

    def forward(xp, x, y):
        squares = xp.sum(x * x, axis=-1, keepdims=True) + transposed(xp, xp.sum(y * y, axis=-1, keepdims=True))
        return xp.sqrt(xp.maximum(squares - 2 * xp.matmul(x, transposed(xp, y)), xp.zeros((), dtype=x.dtype)))

    def vjp(xp, needs, grad, out, x, y):
        at_zero = xp.equal(out, 0)
        share = xp.where(at_zero, xp.zeros((), dtype=out.dtype), grad / xp.where(at_zero, out + 1, out))
        turned = transposed(xp, share)
        dx = x * xp.sum(share, axis=-1, keepdims=True) - xp.matmul(share, y) if needs[0] else None
        return dx, y * xp.sum(turned, axis=-1, keepdims=True) - xp.matmul(turned, x) if needs[1] else None


# What users call


@method()
def norm(
    input: Tensor,
    p: Any = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    dtype: _dtypes.dtype | None = None,
) -> Tensor:
    """(sum of |input|^p)^(1/p) over `dim`; of matrices "fro": all squares, "nuc": the sum of the singular values.

    >>> import candle
    >>> candle.tensor([3.0, 4.0]).norm()
    tensor(5.)
    """
    if p == "nuc":
        if dim is None and input.ndim != 2:
            raise RuntimeError(f"norm: p='nuc' without dim is for matrices, got shape {tuple(input.shape)}")
        return candle.linalg.matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm: p must be a number, 'fro' or 'nuc', got {p!r}")
    return candle.linalg.vector_norm(input, 2 if p in (None, "fro") else p, dim, keepdim, dtype=dtype)


@method()
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other."""
    return candle.linalg.vector_norm(input - other, p)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The p-norms of the differences between all rows of x1 and all rows of x2.

    For p = 2 and more than 25 rows by a product of matrices, which is quick, and rough for rows that nearly agree;
    compute_mode="donot_use_mm_for_euclid_dist" does without.

    >>> import candle
    >>> candle.cdist(candle.zeros(1, 2), candle.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5., 1.]])
    """
    expect_tensor("cdist", x1, "x1")
    expect_tensor("cdist", x2, "x2")
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"cdist: expected rows of one size, got shapes {tuple(x1.shape)} and {tuple(x2.shape)}")
    if p < 0:
        raise RuntimeError(f"cdist: p must not be negative, got {p}")
    if compute_mode not in MODES:
        raise ValueError(f"cdist: compute_mode must be one of {', '.join(MODES)}, got {compute_mode!r}")
    p, most = p if x1.shape[-1] else 2.0, MODES[compute_mode]  # the largest of no differences is 0, too
    if p == 2 and most is not None and max(x1.shape[-2], x2.shape[-2]) > most:
        return apply(EuclideanDistances, x1, x2)
    return candle.linalg.vector_norm(x1[..., :, None, :] - x2[..., None, :, :], p, -1)


@method(inplace=True)
def renorm(input: Tensor, p: Any, dim: int, maxnorm: float) -> Tensor:
    """The slices along a dim whose p-norm is above `maxnorm`, scaled down to it; the others as they are."""
    if input.ndim < 2 or p <= 0 or maxnorm < 0:
        raise RuntimeError(
            f"renorm: expected two dims or more, p above 0 and maxnorm of at least 0, "
            f"got shape {tuple(input.shape)}, p={p} and maxnorm={maxnorm}"
        )
    dim = one_dim(dim, input.ndim)
    kept = input.clone()  # renorm_ writes into the input
    sizes = candle.linalg.vector_norm(kept, p, [d for d in range(input.ndim) if d != dim], keepdim=True)
    return input * where(sizes > maxnorm, maxnorm / (sizes + 1e-7), 1.0).to(input.dtype)
