"""Functions whose intermediate numbers need more room than half precision has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def in_single(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let `function(xp, ...)` compute float16 in float32."""

    @functools.wraps(function)
    def widened(xp: Any, *args: Any) -> Any:
        half = getattr(xp, "float16", None)
        if half is None or not any(getattr(x, "dtype", None) == half for x in args):
            return function(xp, *args)
        return xp.astype(function(xp, *(xp.astype(x, xp.float32) if hasattr(x, "dtype") else x for x in args)), half)

    return widened
