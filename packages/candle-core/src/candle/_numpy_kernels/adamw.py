"""AdamW's blocks, written in place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from candle._numpy_kernels.blocks import Arrays, Blocks


class AdamW(Blocks):
    def together(self, inputs: Any, some: Arrays, attrs: Any) -> None:
        """Many small parameters as one: NumPy's calls take longer than a copy there and back."""
        if len({x.dtype for x in some[0]}) > 1:
            for row in zip(*some.values(), strict=True):
                update(*(x.reshape(-1) for x in row), *inputs[4:], **attrs)
            return
        p, g, m, v = (np.concatenate(xs, axis=None) for xs in some.values())
        update(p, g, m, v, *inputs[4:], **attrs)
        start = 0
        for x, mean, square in zip(some[0], some[2], some[3], strict=True):
            end = start + x.size
            for to, values in ((x, p), (mean, m), (square, v)):
                to.reshape(-1)[:] = values[start:end]
            start = end

    def block(self, inputs: Any, some: Arrays, attrs: Any) -> None:
        update(*(x for (x,) in some.values()), *inputs[4:], **attrs)


def update(
    p: Any, g: Any, m: Any, v: Any, step: int, lr: float, *, beta1: float, beta2: float, eps: float, weight_decay: float
) -> None:
    """The rule, in memory that is there and one array t. Both sides of its fraction are multiplied by `root`."""
    size, root = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
    m *= beta1
    m += (t := g * (1 - beta1))
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
