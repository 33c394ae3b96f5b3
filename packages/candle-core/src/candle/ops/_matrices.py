"""What the families of linear algebra share: matrices in `xp`, checks, and errors."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import HALVES
from candle.ops.diagonals import eye as _eye
from candle.ops.linalg import transposed


class LinAlgError(RuntimeError):
    """A matrix that has no inverse, no Cholesky factor, or whose iteration did not converge."""


def attempt(op: type[Op], *inputs: Tensor, **attrs: Any) -> Any:
    """`apply`, with LinAlgErrors of candle's own, and float32 to do the work of half precision."""
    if inputs[0].dtype in HALVES:
        out = attempt(op, *(t.float() for t in inputs), **attrs)
        return tuple(t.to(inputs[0].dtype) for t in out) if isinstance(out, tuple) else out.to(inputs[0].dtype)
    try:
        return apply(op, *inputs, **attrs)
    except RuntimeError as error:
        if type(error.__cause__).__name__ != "LinAlgError":
            raise
        raise LinAlgError(str(error)) from None


# For rules, in `xp`


def adjoint(xp: Any, x: Any) -> Any:
    """x^H, the conjugate of the transpose."""
    return transposed(xp, xp.conj(x))


def product(xp: Any, first: Any, *others: Any) -> Any:
    for x in others:
        first = xp.matmul(first, x)
    return first


def right_solve(xp: Any, y: Any, x: Any) -> Any:
    """y x^-H"""
    return adjoint(xp, xp.linalg.solve(x, adjoint(xp, y)))


def on_diagonal(xp: Any, rows: int, columns: int) -> Any:
    """Where a matrix has its diagonal."""
    return xp.equal(xp.reshape(xp.arange(rows), (rows, 1)), xp.arange(columns))


def diagonal_matrix(xp: Any, v: Any) -> Any:
    """Vectors as the diagonals of matrices."""
    n = v.shape[-1]
    return xp.where(on_diagonal(xp, n, n), v[..., None, :], xp.zeros((), dtype=v.dtype))


def diagonal_of(xp: Any, x: Any) -> Any:
    """The diagonals of square matrices, as vectors."""
    n = x.shape[-1]
    return xp.sum(xp.where(on_diagonal(xp, n, n), x, xp.zeros((), dtype=x.dtype)), axis=-1)


def without_diagonal(xp: Any, x: Any) -> Any:
    n = x.shape[-1]
    return xp.where(on_diagonal(xp, n, n), xp.zeros((), dtype=x.dtype), x)


def differences(xp: Any, v: Any) -> Any:
    """v[j] - v[i], and ones on the diagonal."""
    n = v.shape[-1]
    gaps = v[..., None, :] - v[..., :, None]
    return xp.where(on_diagonal(xp, n, n), xp.ones((), dtype=v.dtype), gaps)


def known(xp: Any, grad: Any, out: Any) -> Any:
    """The gradient of an output, zeros where nobody used it."""
    return xp.zeros(out.shape, dtype=out.dtype) if grad is None else grad


# For public functions


def eye(n: int, m: int, *, like: Tensor) -> Tensor:
    """The identity in the dtype and on the device of another tensor."""
    return _eye(n, m, dtype=like.dtype, device=like.device)


def matrices(name: str, *tensors: Tensor) -> None:
    """Refuse what is no matrix of floats, and what differs in dtype."""
    for t in tensors:
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: expected a Tensor, got {type(t).__name__}")
        if t.ndim < 2:
            raise RuntimeError(f"{name}: expected a matrix, or a batch of them, got shape {tuple(t.shape)}")
        floating(name, t)
    one_dtype(name, *tensors)


def floating(name: str, t: Tensor) -> None:
    if t.dtype.category < _dtypes.FLOAT:
        raise RuntimeError(f"{name}: needs a floating-point or complex tensor, got {t.dtype}; use x.float()")


def one_dtype(name: str, *tensors: Tensor) -> None:
    if len({t.dtype for t in tensors}) > 1:
        raise RuntimeError(f"{name}: expected one dtype, got {' and '.join(str(t.dtype) for t in tensors)}")


def square(name: str, *tensors: Tensor) -> None:
    matrices(name, tensors[0])
    for t in tensors:
        if t.shape[-1] != t.shape[-2]:
            raise RuntimeError(f"{name}: expected square matrices, got shape {tuple(t.shape)}")


def epsilon(t: Tensor) -> float:
    """The distance from one to the next number of the dtype's precision."""
    return 2.0**-52 if t.dtype in (_dtypes.float64, _dtypes.complex128) else 2.0**-23


def diagonal_of_tensor(t: Tensor) -> Tensor:
    from candle._namespace import namespace_of

    return diagonal_of(namespace_of(t._backend), t)


def mH(t: Tensor) -> Tensor:
    """The conjugate of the transpose."""
    return t.mT.conj()
