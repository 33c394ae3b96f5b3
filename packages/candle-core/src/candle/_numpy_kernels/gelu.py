"""gelu, in both forms: an expression would make a new array for most of its steps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from candle._numpy_kernels import gelu_normal
from candle.kernels import Kernel

K = math.sqrt(2 / math.pi)


class Gelu(Kernel):
    op, priority = "gelu", -1  # behind compiled ones

    def forward(self, x: Any, *, approximate: str) -> Any:
        """(1 + t) x / 2"""
        if approximate == "none" and gelu_normal.suits(x):
            return gelu_normal.forward(x), None
        if approximate != "tanh" or not x.ndim or x.dtype.char not in "fd":
            return NotImplemented
        square = x * x
        t = tanh(x, square, out=square)
        t += 1
        t *= x
        t *= 0.5
        return t, None

    def vjp(self, needs: Any, grad: Any, residuals: Any, out: Any, x: Any, *, approximate: str) -> Any:
        """dx = grad (1 + t) (1 + (1 - t) x u') / 2, where t = tanh(u)"""
        if approximate == "none":
            return (gelu_normal.backward(np.ascontiguousarray(grad), x),)
        square = x * x
        t = tanh(x, square)
        square *= 1.5 * 0.044715 * K
        square += 0.5 * K
        square *= x  # now x u' / 2
        dx = np.subtract(1, t)
        dx *= square
        dx += 0.5
        t += 1
        dx *= t
        dx *= grad
        return (dx,)


def tanh(x: Any, square: Any, out: Any = None) -> Any:
    """tanh(u), u = K (x + 0.044715 x³)"""
    t = np.multiply(square, 0.044715 * K, out=out)
    t += K
    t *= x
    return np.tanh(t, out=t)
