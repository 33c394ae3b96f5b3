"""`candle.masked`: reductions and normalizations of the elements for which a mask holds.

An element that is masked out counts as the neutral one of the operation: 0 in a sum, 1 in a product. Where all
are masked out that is the result; nan for a mean, a median or a variance.
"""

from __future__ import annotations

import math
from typing import Any

from candle import _dtypes, ops
from candle._tensor import Tensor
from candle.ops._common import Dims
from candle.ops.scattering import highest, lowest

__all__ = [
    "amax",
    "amin",
    "argmax",
    "argmin",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "mean",
    "median",
    "norm",
    "normalize",
    "prod",
    "softmax",
    "softmin",
    "std",
    "sum",
    "var",
]

Dtype = _dtypes.dtype | None
Mask = Tensor | None


def _input_mask(input: Tensor, *args: Any, mask: Mask = None, **kwargs: Any) -> Tensor:
    """The mask in the shape of the input; all True if there is none."""
    if mask is None:
        return ops.ones_like(input, dtype=_dtypes.bool_)
    if mask.ndim > input.ndim:
        raise IndexError(
            f"masked: a mask of shape {tuple(mask.shape)} has more dims than the input, {tuple(input.shape)}"
        )
    return mask.bool().broadcast_to(input.shape)


def _output_mask(op: Any, input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Which elements of a result come from any that the mask keeps."""
    kept = _input_mask(input, **kwargs)
    if op.__name__ in ("softmax", "log_softmax", "softmin", "normalize", "cumsum", "cumprod"):
        return kept
    given = args[1:] if op.__name__ == "norm" else args  # without `ord`
    dim = given[0] if given else kwargs.get("dim")
    return ops.any(kept, _dims(input, dim), bool(kwargs.get("keepdim")))


def _filled(input: Tensor, mask: Mask, neutral: Any) -> Tensor:
    """input, and the neutral element where the mask does not hold."""
    return input if mask is None else input.masked_fill(~_input_mask(input, mask=mask), neutral)


def _as(input: Tensor, dtype: Dtype) -> Tensor:
    return input if dtype is None else input.to(dtype)


def _dims(input: Tensor, dim: Dims) -> tuple[int, ...]:
    """None means all dims, and so does none at all."""
    return tuple(range(input.ndim)) if dim is None or dim == () else (dim,) if isinstance(dim, int) else tuple(dim)


def sum(input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """The sum over `dim` of the elements that the mask keeps.

    >>> import candle
    >>> candle.masked.sum(candle.tensor([1.0, 2.0, 4.0]), mask=candle.tensor([True, False, True]))
    tensor(5.)
    """
    return ops.sum(_filled(input, mask, 0), dim, keepdim, dtype=dtype)


def prod(input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """The product over `dim` of the elements that the mask keeps."""
    return ops.prod(_filled(input, mask, 1), dim, keepdim, dtype=dtype)  # type: ignore[arg-type]


def cumsum(input: Tensor, dim: int, *, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """The running sum along a dim of the elements that the mask keeps."""
    return ops.cumsum(_filled(input, mask, 0), dim, dtype=dtype or input.dtype).to(dtype or input.dtype)


def cumprod(input: Tensor, dim: int, *, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """The running product along a dim of the elements that the mask keeps."""
    return ops.cumprod(_filled(input, mask, 1), dim, dtype=dtype or input.dtype).to(dtype or input.dtype)


def amax(input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """The largest over `dim` of the elements that the mask keeps; the lowest number there is if there are none."""
    return _as(ops.amax(_filled(input, mask, lowest(input.dtype)), _dims(input, dim), keepdim), dtype)


def amin(input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """The smallest over `dim` of the elements that the mask keeps; the highest number there is if there are none."""
    return _as(ops.amin(_filled(input, mask, highest(input.dtype)), _dims(input, dim), keepdim), dtype)


def argmax(
    input: Tensor, dim: int | None = None, *, keepdim: bool = False, dtype: Dtype = None, mask: Mask = None
) -> Tensor:
    """Where the largest of the elements that the mask keeps stands."""
    return ops.argmax(_filled(input, mask, lowest(input.dtype)), dim, keepdim).to(dtype or input.dtype)


def argmin(
    input: Tensor, dim: int | None = None, *, keepdim: bool = False, dtype: Dtype = None, mask: Mask = None
) -> Tensor:
    """Where the smallest of the elements that the mask keeps stands."""
    return ops.argmin(_filled(input, mask, highest(input.dtype)), dim, keepdim).to(dtype or input.dtype)


def _count(input: Tensor, dim: Dims, keepdim: bool, mask: Mask) -> Tensor:
    ones = ops.ones_like(input, dtype=_dtypes.int64)
    return sum(ones, dim, keepdim=keepdim, mask=mask)


def mean(input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """The mean over `dim` of the elements that the mask keeps."""
    if (dtype or input.dtype).category < _dtypes.FLOAT:
        raise ValueError(f"mean: needs a floating-point or complex dtype, got {dtype or input.dtype}")
    return sum(input, dim, keepdim=keepdim, dtype=dtype, mask=mask) / _count(input, dim, keepdim, mask)


def median(input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """The middle one along a dim (the lower of two) of the elements that the mask keeps."""
    values = input if input.dtype.is_floating_point else input.float()
    found: Tensor = ops.nanmedian(_filled(values, mask, math.nan), dim, keepdim).values
    if values is input:
        return found
    if bool((found != found).any()):
        raise ValueError(f"median: {input.dtype} has no nan for a row that is masked out; use x.float()")
    return found.to(dtype or input.dtype)


def logsumexp(
    input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None, mask: Mask = None
) -> Tensor:
    """log(sum(exp(...))) over `dim` of the elements that the mask keeps."""
    filled = _filled(input, mask, lowest(input.dtype))
    return ops.logsumexp(filled, _dims(input, dim), keepdim).to(dtype or input.dtype)


def logaddexp(
    input: Tensor, other: Tensor, *, dtype: Dtype = None, input_mask: Mask = None, other_mask: Mask = None
) -> Tensor:
    """log(exp(input) + exp(other)), each where its mask holds."""
    given = ((input, input_mask), (other, other_mask))
    first, second = (_filled(x if x.is_floating_point() else x.float(), mask, -math.inf) for x, mask in given)
    return ops.logaddexp(first, second).to(dtype or input.dtype)


def norm(
    input: Tensor,
    ord: float = 2.0,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: Dtype = None,
    mask: Mask = None,
) -> Tensor:
    """The norm over `dim` of the elements that the mask keeps."""
    from candle.linalg import vector_norm

    filled = _filled(input, mask, math.inf if ord == -math.inf else 0)
    return vector_norm(filled, ord, _dims(input, dim), keepdim, dtype=dtype)


def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Dtype = None,
    mask: Mask = None,
) -> Tensor:
    """The variance over `dim` of the elements that the mask keeps."""
    lost = correction if correction is not None else 1 if unbiased is None else int(unbiased)
    dtype = dtype or (input.dtype if input.dtype.category >= _dtypes.FLOAT else _dtypes.float32)
    count = _count(input, dim, True, mask)
    centred = input - sum(input, dim, keepdim=True, dtype=dtype, mask=mask) / count
    total = sum(centred * centred.conj(), dim, keepdim=keepdim, dtype=dtype, mask=mask)
    left = (count.to(dtype.to_real()) - lost).clamp(min=0) if lost else count
    return (total / left.reshape(total.shape)).to(dtype)


def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Dtype = None,
    mask: Mask = None,
) -> Tensor:
    """The standard deviation over `dim` of the elements that the mask keeps."""
    return ops.sqrt(var(input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype, mask=mask))


def softmax(input: Tensor, dim: int, *, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """`softmax` along a dim of the elements that the mask keeps; the others get 0."""
    return ops.softmax(_filled(input, mask, lowest(input.dtype)), dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """`log_softmax` along a dim of the elements that the mask keeps."""
    return ops.log_softmax(_filled(input, mask, lowest(input.dtype)), dim, dtype=dtype)


def softmin(input: Tensor, dim: int, *, dtype: Dtype = None, mask: Mask = None) -> Tensor:
    """`softmax` of the negative elements."""
    return ops.softmax(-_filled(input, mask, highest(input.dtype)), dim, dtype=dtype)


def normalize(
    input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype: Dtype = None, mask: Mask = None
) -> Tensor:
    """The elements that the mask keeps over their norm along a dim (or over eps, if that is larger)."""
    size = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, 0) / ops.maximum(size, size.new_full((), eps))
