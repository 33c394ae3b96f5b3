"""`make_tensor`: random inputs for tests."""

from __future__ import annotations

import math
from typing import Any

from candle import _dtypes
from candle._tensor import Tensor
from candle.ops.complexes import view_as_real
from candle.ops.creation import empty
from candle.ops.random import randint
from candle.utils._limits import finfo, iinfo

__all__ = ["make_tensor"]


def make_tensor(
    *shape: Any,
    dtype: _dtypes.dtype,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Numbers from `low` (-9 unless given) up to, not including, `high` (integers 10, others 9), as far as they fit.

    >>> import candle
    >>> x = candle.testing.make_tensor(3, dtype=candle.uint8, device="cpu", high=5)
    >>> bool((x < 5).all())
    True
    """
    sizes = list(shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)
    apart = noncontiguous and math.prod(sizes) > 1
    if apart:  # of which every other element is taken
        sizes[-1] *= 2
    start, end = _ends(dtype, low, high)
    if dtype.category < _dtypes.FLOAT:
        result = randint(math.ceil(start), math.ceil(end), tuple(sizes), dtype=dtype, device=device)
    else:
        result = empty(tuple(sizes), dtype=dtype, device=device)
        (view_as_real(result) if dtype.is_complex else result).uniform_(start, end)
    if apart:
        result = result[..., 1::2]
    if exclude_zero:
        result[result == 0] = 1 if dtype.category < _dtypes.FLOAT else finfo(dtype).tiny
    return result.requires_grad_(requires_grad)


def _ends(dtype: _dtypes.dtype, low: float | None, high: float | None) -> tuple[float, float]:
    limits: tuple[float, float] = (0, 2)
    usual: tuple[float, float] = (0, 2)
    if dtype.category == _dtypes.INT:
        limits, usual = (iinfo(dtype).min, min(iinfo(dtype).max + 1, 2**63 - 1)), (-9, 10)
    elif dtype is not _dtypes.bool_:
        limits, usual = (finfo(dtype).min, finfo(dtype).max), (-9, 9)
    start, end = usual[0] if low is None else low, usual[1] if high is None else high
    if not start < end or end < limits[0] or start >= limits[1]:
        raise ValueError(f"make_tensor: {dtype} has no numbers from {start} up to {end}")
    return max(start, limits[0]), min(end, limits[1])
