"""Convolutions, a few examples at a time: their windows, many times larger than the input, then stay in the cache."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from candle.kernels import Kernel
from candle.op import OPS, StandIn
from candle.plugins import backend_of

AT_ONCE = 2**22  # bytes of windows


class Pieces(Kernel):
    """The op's own rule, on one piece of the batch after the other."""

    priority = -1  # behind compiled ones

    def __init__(self, op: str):
        self.op, self.rule, self.xp = op, OPS[op], backend_of("cpu").xp

    def forward(self, x: Any, weight: Any, bias: Any, **attrs: Any) -> Any:
        parts = pieces(x, weight)
        if len(parts) < 2:
            return NotImplemented
        outs = [self.rule.forward(self.xp, x[part], weight, bias, **attrs) for part in parts]
        return np.concatenate(outs), None

    def vjp(self, needs: Any, grad: Any, residuals: Any, out: Any, x: Any, weight: Any, bias: Any, **attrs: Any) -> Any:
        rule, found = self.rule.vjp, []
        assert rule is not None
        for part in pieces(x, weight):
            some = x[part] if isinstance(x, np.ndarray) else StandIn((part.stop - part.start, *x.shape[1:]), x.dtype)
            found.append(rule(self.xp, needs, grad[part], None, some, weight, bias, **attrs))
        dx, *others = zip(*found, strict=True)
        return (np.concatenate(dx) if needs[0] else None, *(None if each[0] is None else sum(each) for each in others))


def pieces(x: Any, weight: Any) -> list[slice]:
    """Parts of the batch x (N, C, *sizes), as few as may be, whose windows of a kernel (.., .., *sizes) fit."""
    if x.ndim < 3 or x.dtype not in (np.float32, np.float64):
        return []
    each = x.dtype.itemsize * math.prod(x.shape[1:]) * math.prod(weight.shape[2:])
    count = max(AT_ONCE // max(each, 1), 1)
    return slices(x.shape[0], count)


def slices(n: int, count: int) -> list[slice]:
    """Of n, so many at a time."""
    return [slice(start, min(start + count, n)) for start in range(0, n, count)]
