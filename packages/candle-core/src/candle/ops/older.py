"""Functions that have a younger name: `range`, `vander`; and `can_cast`. Loaded on first use."""

from __future__ import annotations

import math
from typing import Any

from candle import _dtypes
from candle._tensor import Tensor
from candle.ops import matrix_functions
from candle.ops.creation import arange

__all__ = ["can_cast", "range", "vander"]


def range(
    start: Any,
    end: Any,
    step: Any = 1,
    *,
    dtype: _dtypes.dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... up to end and with it; `arange` leaves it out, as Python does.

    >>> import candle
    >>> candle.range(1, 3)
    tensor([1., 2., 3.])
    """
    if step == 0 or (end - start) / step < 0:
        raise RuntimeError(f"range: from {start} to {end} in steps of {step} leads nowhere")
    places = arange(math.floor((end - start) / step) + 1, dtype=_dtypes.float64, device=device)
    values = (places * step + start).to(dtype or _dtypes.get_default_dtype())
    return values.requires_grad_(requires_grad)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Powers of x as columns: x^(N-1), ..., x, 1, or the other way round."""
    if x.ndim != 1:
        raise RuntimeError(f"vander: expected one dim, got shape {tuple(x.shape)}; candle.linalg.vander takes more")
    N = len(x) if N is None else N
    powers = matrix_functions.vander(x, N=max(N, 2))[:, :N]
    return powers if increasing else powers.flip(-1)


def can_cast(from_: _dtypes.dtype, to: _dtypes.dtype) -> bool:
    """Whether numbers of one dtype may become another's without a change of kind: bool < int < float < complex."""
    return from_.category <= to.category
