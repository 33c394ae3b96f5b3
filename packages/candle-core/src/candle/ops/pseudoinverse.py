"""Rank, pseudo-inverse and least squares: what the small singular values decide."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from candle import _dtypes
from candle._tensor import Tensor
from candle.op import Op
from candle.ops import creation
from candle.ops._matrices import adjoint, attempt, epsilon, matrices, one_dtype, product, square
from candle.ops.extremes import maximum
from candle.ops.spectra import eigvalsh, svdvals

__all__ = ["lstsq", "matrix_rank", "pinv"]


class Pinv(Op):
    """V diag(1/s) U^H of x = U diag(s) V^H, 0 for s below atol and rtol * the largest;  dx as by Golub and Pereyra

    "The differentiation of pseudo-inverses" (1973), with Y the result: dx = -Y^H grad Y^H + (1 - x Y) grad^H Y Y^H +
    Y^H Y grad^H (1 - Y x).
    """

    name, extension, reads = "pinv", "linalg", {"x": "x out"}

    def forward(xp, x, atol, rtol, *, hermitian):
        if hermitian:
            s, u = xp.linalg.eigh(x)
            v, size = u, xp.abs(s)
        else:
            u, s, vh = xp.linalg.svd(x, full_matrices=False)
            v, size = adjoint(xp, vh), s
        high = xp.max(size, axis=-1, keepdims=True) if s.shape[-1] else s
        small = xp.less_equal(size, xp.maximum(atol[..., None], rtol[..., None] * high))
        one, zero = xp.ones((), dtype=s.dtype), xp.zeros((), dtype=s.dtype)
        inverse = xp.where(small, zero, one / xp.where(small, one, s))
        return xp.matmul(v * xp.astype(inverse, x.dtype)[..., None, :], adjoint(xp, u))

    def vjp(xp, needs, grad, out, x, atol, rtol, *, hermitian):
        none = xp.zeros(atol.shape, dtype=atol.dtype), xp.zeros(rtol.shape, dtype=rtol.dtype)
        if not needs[0]:
            return None, *none
        turned, g = adjoint(xp, out), adjoint(xp, grad)
        inner = product(xp, g, out, turned)
        outer = product(xp, turned, out, g)
        dx = inner - product(xp, x, out, inner) + outer - product(xp, outer, out, x)
        return dx - product(xp, turned, grad, turned), *none


# What users call

solution_and_more = namedtuple("solution_and_more", "solution residuals rank singular_values")
DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _tolerances(A: Tensor, atol: Any, rtol: Any) -> tuple[Tensor, Tensor]:
    """As tensors; without rtol it is that of rounding errors, unless there is an atol above 0."""
    kind = _dtypes.float64 if A.dtype in (_dtypes.float64, _dtypes.complex128) else _dtypes.float32
    at_most = creation.as_tensor(0.0 if atol is None else atol, device=A.device).to(kind)
    if rtol is None:
        rounding = creation.full_like(at_most, epsilon(A) * max(A.shape[-2:]))
        return at_most, rounding.masked_fill(at_most > 0, 0.0)
    return at_most, creation.as_tensor(rtol, device=A.device).to(kind)


def matrix_rank(
    input: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """How many singular values are above `atol` and `rtol` times the largest (`tol` alone is an atol)."""
    matrices("matrix_rank", input)
    if tol is not None:
        atol, rtol = tol, 0.0
    if hermitian:
        square("matrix_rank", input)
    input = input.detach()
    if not input.numel():
        return input.new_zeros(input.shape[:-2], dtype=_dtypes.int64)
    values = eigvalsh(input).abs() if hermitian else svdvals(input)
    at_most, share = _tolerances(input, atol, rtol)
    bound = maximum(at_most, share * values.amax(-1))
    return (values > bound[..., None]).sum(-1)


def pinv(input: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """The Moore-Penrose inverse; singular values below `atol` and `rtol` (or `rcond`) times the largest are zero.

    >>> import candle
    >>> candle.linalg.pinv(candle.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    matrices("pinv", input)
    if hermitian:
        square("pinv", input)
    if not input.numel():
        return input.mT.conj()
    at_most, share = _tolerances(input, atol, rcond if rtol is None else rtol)
    return attempt(Pinv, input, at_most, share, hermitian=hermitian)


def lstsq(input: Tensor, b: Tensor, rcond: Any = None, *, driver: str | None = None) -> Any:
    """The shortest X with the least |input X - b|, that squared, and the rank and the singular values of input.

    As in LAPACK it depends on the driver what of this is there: "gels" takes the rank to be full and returns neither
    rank nor singular values, "gelsy" (the default) no error and no singular values; "gelsd" and "gelss" all of it.
    """
    matrices("lstsq", input)
    one_dtype("lstsq", input, b)
    if driver not in (None, *DRIVERS):
        raise RuntimeError(f"lstsq: driver must be one of {', '.join(DRIVERS)}, got {driver!r}")
    m, n = input.shape[-2:]
    is_vector = input.ndim - 1 == b.ndim and b.shape == input.shape[:-1]
    Y = b[..., None] if is_vector else b
    if Y.ndim < 2 or Y.shape[-2] != m:
        raise RuntimeError(f"lstsq: the shapes {tuple(input.shape)} and {tuple(b.shape)} do not fit")
    X = pinv(input, None if driver == "gels" else rcond) @ Y
    none = input.detach().new_empty(0)
    values = svdvals(input.detach()) if driver in ("gelsd", "gelss") else none.abs()
    rank = none.to(_dtypes.int64) if driver == "gels" else matrix_rank(input, rtol=rcond)
    residuals = none.abs()
    if m > n and (driver == "gels" or (values.ndim > 1 or (values.numel() and bool((rank == n).all())))):
        residuals = (input @ X - Y).abs().square().sum(-2)
    return solution_and_more(X.squeeze(-1) if is_vector else X, residuals, rank, values)
