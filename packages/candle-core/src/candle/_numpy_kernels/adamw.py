"""AdamW, written in place and block by block, so that every pass finds its numbers in the cache."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from candle.kernels import Kernel

BLOCK = 2**16  # elements


class AdamW(Kernel):
    op, priority = "adamw", -1  # behind compiled ones

    def forward(self, params: Any, grads: Any, means: Any, squares: Any, number: int, lr: float, **attrs: float) -> Any:
        fours = list(zip(params, grads, means, squares, strict=True))
        written = {x.__array_interface__["data"][0] for p, _, m, v in fours for x in (p, m, v) if x.size}
        if not all(map(suits, fours)) or len(written) < 3 * sum(p.size > 0 for p in params):
            return NotImplemented  # what is there twice would be changed twice
        scratch: dict[Any, Any] = {}
        for p, g, m, v in fours:
            if p.dtype not in scratch:
                scratch[p.dtype] = np.empty(min(BLOCK, max(x.size for x in params)), p.dtype)
            flat = [x.reshape(-1) for x in (p, g, m, v)]
            for start in range(0, p.size, BLOCK):
                four = tuple(x[start : start + BLOCK] for x in flat)
                update(four, scratch[p.dtype][: four[0].size], number, lr, **attrs)
        return None


def suits(four: Any) -> bool:
    """Whether p, g, m and v are floats of one dtype and shape, and what is written lies in order."""
    p, _, m, v = four
    alike = p.dtype in (np.float32, np.float64) and all((x.dtype, x.shape) == (p.dtype, p.shape) for x in four)
    return alike and all(x.flags.c_contiguous and x.flags.writeable for x in (p, m, v))


def update(
    four: Any, t: Any, number: int, lr: float, *, beta1: float, beta2: float, eps: float, weight_decay: float
) -> None:
    """One step; t is for what it makes on the way. Both sides of the rule's last fraction are multiplied by root."""
    p, g, m, v = four
    size, root = lr / (1 - beta1**number), math.sqrt(1 - beta2**number)
    m *= beta1
    m += np.multiply(g, 1 - beta1, t)
    v *= beta2
    np.multiply(g, g, t)
    t *= 1 - beta2
    v += t
    np.sqrt(v, t)
    t += eps * root
    np.divide(m, t, t)
    t *= size * root
    if weight_decay:
        p *= 1 - lr * weight_decay
    p -= t
