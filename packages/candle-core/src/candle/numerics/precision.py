"""Functions whose intermediate numbers need more room than half precision has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def in_single(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let `function(xp, ...)` compute float16 and bfloat16 in float32."""

    @functools.wraps(function)
    def widened(xp: Any, *args: Any) -> Any:
        halves = [getattr(xp, name) for name in ("float16", "bfloat16") if hasattr(xp, name)]
        half = next((x.dtype for x in args if hasattr(x, "dtype") and x.dtype in halves), None)
        if half is None:
            return function(xp, *args)
        return xp.astype(function(xp, *(xp.astype(x, xp.float32) if hasattr(x, "dtype") else x for x in args)), half)

    return widened
