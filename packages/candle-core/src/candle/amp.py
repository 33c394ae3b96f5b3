"""Autocast: matrix products in a smaller dtype, sums and normalizations in float32; a policy per op, at the door."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._modes import Switch, state
from candle._tensor import Tensor
from candle.op import Op

__all__ = ["autocast", "is_autocast_enabled"]


class autocast(Switch):
    """Inside, ops run in the dtype that suits them.

    >>> import candle
    >>> with candle.autocast("cpu", dtype=candle.float16):
    ...     (candle.ones(2, 2) @ candle.ones(2, 2)).dtype
    candle.float16
    """

    def __init__(self, device_type: str, dtype: _dtypes.dtype | None = None, enabled: bool = True):
        if dtype is not None and not dtype.is_floating_point:
            raise RuntimeError(f"autocast: the dtype must be a floating-point one, got {dtype}")
        lower = dtype or (_dtypes.bfloat16 if device_type == "cpu" else _dtypes.float16)
        super().__init__(autocast=(device_type, lower) if enabled else None)


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether this thread is inside `autocast`, for a type of device or for any."""
    return state.autocast is not None and device_type in (None, state.autocast[0])


def cast_inputs(op: type[Op], inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    device, lower = state.autocast
    target = lower if op.autocast == "lower" else _dtypes.float32
    others = (_dtypes.float16, _dtypes.bfloat16, _dtypes.float32)
    return tuple(
        t.to(target)
        if isinstance(t, Tensor) and t.device.type == device and t.dtype in others and t.dtype is not target
        else t
        for t in inputs
    )
