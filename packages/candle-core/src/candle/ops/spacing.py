"""Numbers at equal distances, or at equal ratios."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._tensor import Tensor, wrap
from candle.plugins import backend_of

__all__ = ["linspace", "logspace"]

Dtype = _dtypes.dtype | None


def _spaced(name: str, ends: tuple[Any, Any], steps: int, dtype: Dtype, device: Any, base: float | None) -> Tensor:
    import numpy as np

    if steps < 0:
        raise RuntimeError(f"{name}: the number of steps must not be negative, got {steps}")
    for x in ends:
        if isinstance(x, Tensor) and x.ndim:
            raise RuntimeError(f"{name}: start and end must be numbers or 0-d tensors, got shape {tuple(x.shape)}")
    start, end = (x.item() if isinstance(x, Tensor) else x for x in ends)
    if dtype is not None and dtype.category == _dtypes.INT:
        start, end = int(start), int(end)
    dtype = dtype or _dtypes.of_number(complex(start) if complex in (type(start), type(end)) else float(start))
    values = np.linspace(start, end, steps)
    if base is not None:
        values = np.power(base, values)
    if dtype.category == _dtypes.INT:
        values = np.trunc(values)
    backend = backend_of(device)
    return wrap(backend.from_numpy(values.astype(backend_of("cpu").raw_dtype(dtype))), backend)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` numbers at equal distances, from start to end."""
    return _spaced("linspace", (start, end), steps, dtype, device, None).requires_grad_(requires_grad)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers at equal ratios, from base**start to base**end.

    >>> import candle
    >>> candle.logspace(0, 3, 4)
    tensor([   1.,   10.,  100., 1000.])
    """
    return _spaced("logspace", (start, end), steps, dtype, device, base).requires_grad_(requires_grad)
