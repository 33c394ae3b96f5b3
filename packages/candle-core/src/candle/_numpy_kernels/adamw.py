"""AdamW's blocks, written in place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from candle._numpy_kernels.blocks import Arrays, Blocks


class AdamW(Blocks):
    at_once = 4  # it makes one array, not many

    def block(self, inputs: Any, some: Arrays, attrs: Any) -> None:
        update(*some.values(), *inputs[4:], **attrs)


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
