"""One number out of whatever a function returns, so that it has a gradient."""

from __future__ import annotations

from typing import Any


def parts_of(out: Any) -> list[Any]:
    return list(out) if isinstance(out, tuple | list) else [out]


def inexact(t: Any) -> bool:
    return t.is_floating_point() or t.is_complex()


def weighted(lib: Any, out: Any) -> Any:
    """One real number that depends on every element of the output, on each differently."""
    total: Any = 0.0
    for o in parts_of(out):
        if inexact(o):
            o = o.real + 2 * o.imag if o.is_complex() else o
            weights = lib.arange(1, o.numel() + 1, dtype=o.dtype).reshape(tuple(o.shape)) / 7
            total = total + (o * weights).sum()
    return total
