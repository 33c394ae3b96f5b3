"""Sums and means without nan, pairs of statistics, covariance."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from candle import _dtypes
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import Dims, numpy_names, one_dim
from candle.ops.extremes import amax, amin
from candle.ops.reduction import floating, mean, std, sum, var

__all__ = ["aminmax", "corrcoef", "count_nonzero", "cov", "nanmean", "nansum", "std_mean", "var_mean"]

smallest_and_largest = namedtuple("smallest_and_largest", "min max")


def _zero_for_nan(input: Tensor) -> Tensor:
    return input.masked_fill(input != input, 0)


@method()
@numpy_names
def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: _dtypes.dtype | None = None) -> Tensor:
    """The sum over `dim` of what is not nan.

    >>> import candle
    >>> candle.tensor([1.0, float("nan"), 2.0]).nansum()
    tensor(3.)
    """
    if input.dtype.is_complex:
        raise RuntimeError(f"nansum: complex tensors are not supported, got {input.dtype}")
    return sum(_zero_for_nan(input), dim, keepdim, dtype=dtype)


@method()
@numpy_names
def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: _dtypes.dtype | None = None) -> Tensor:
    """The mean over `dim` of what is not nan."""
    input = floating("nanmean", input, None)
    return sum(_zero_for_nan(input), dim, keepdim, dtype=dtype) / sum(input == input, dim, keepdim)


@method()
@numpy_names
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many values over `dim` are not zero."""
    return sum(input != 0, dim)


@method()
@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest value, of all or along one dim.

    >>> import candle
    >>> candle.tensor([3, 1, 2]).aminmax()
    smallest_and_largest(min=tensor(1), max=tensor(3))
    """
    dims = () if dim is None else one_dim(dim, input.ndim)
    return smallest_and_largest(amin(input, dims, keepdim), amax(input, dims, keepdim))


@numpy_names
def var_mean(
    input: Tensor, dim: Dims = None, unbiased: Any = None, keepdim: bool = False, *, correction: float | None = None
) -> tuple[Tensor, Tensor]:
    """The variance and the mean over `dim`."""
    dims = None if isinstance(dim, bool) else dim
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, dims, keepdim)


@numpy_names
def std_mean(
    input: Tensor, dim: Dims = None, unbiased: Any = None, keepdim: bool = False, *, correction: float | None = None
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over `dim`."""
    dims = None if isinstance(dim, bool) else dim
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, dims, keepdim)


@method()
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """How the rows of `input` vary together: its columns are observations, with frequencies and weights if given.

    >>> import candle
    >>> candle.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]).cov()
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2 or input.dtype is _dtypes.bool_:
        raise RuntimeError(f"cov: expects numbers in at most 2 dims, got {input.dtype} of shape {tuple(input.shape)}")
    rows = (input if input.ndim == 2 else input.reshape(1, -1)) * 1.0
    weights = _weights("cov", rows.shape[1], fweights, aweights)
    total: Any = rows.shape[1] if weights is None else weights.sum()
    weighted = rows if weights is None else rows * weights
    centred = rows - weighted.sum(1, keepdim=True) / total
    lost = correction if weights is None or aweights is None else correction * (weights * aweights).sum() / total
    size = total - lost
    size = max(size, 0) if weights is None else size.clamp(min=0)
    products = centred @ (centred if weights is None else centred * weights).mT.conj()
    return (products / size).squeeze()


def _weights(name: str, size: int, fweights: Tensor | None, aweights: Tensor | None) -> Tensor | None:
    """How much each observation counts in all."""
    for kind, given, whole in (("fweights", fweights, True), ("aweights", aweights, False)):
        if given is None:
            continue
        if given.ndim > 1 or given.numel() != size:
            raise RuntimeError(f"{name}: {kind} must be a vector of {size}, got shape {tuple(given.shape)}")
        if (given.dtype.category != _dtypes.INT) if whole else not given.dtype.is_floating_point:
            raise RuntimeError(f"{name}: {kind} must be {'integers' if whole else 'floating-point'}, got {given.dtype}")
        if not given._backend.level and bool((given < 0).any()):  # inside vmap values cannot be looked at
            raise RuntimeError(f"{name}: {kind} must not be negative")
    if fweights is None or aweights is None:
        return aweights if fweights is None else fweights
    return fweights * aweights


@method()
def corrcoef(input: Tensor) -> Tensor:
    """`cov` with each row scaled to variance 1: the correlation coefficients of the rows."""
    together = cov(input)
    if not together.ndim:
        return together / together
    spread = together.diagonal().real.sqrt()
    return together / spread[:, None] / spread[None, :]
