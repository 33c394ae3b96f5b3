"""gelu, element by element: a kernel of one pass each way, where NumPy makes ten."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from candle.kernels import Kernel
from candle.numba._compile import accepts, compiled, run
from candle.numba._math import exp, gaussian, tail

# Gelu(x) = x Phi(x). With a = |x|, both halves come from Phi(-a), in which nothing cancels:
# Phi(x) = Phi(-a) for negative x, and 1 - Phi(-a) for positive. The derivative has the same symmetry.


@compiled
def forward(x, out, tanh):
    real = x.dtype.type
    zero, one, k1, k3 = real(0), real(1), real(2 * math.sqrt(2 / math.pi)), real(2 * math.sqrt(2 / math.pi) * 0.044715)
    if tanh:  # (1 + tanh(u)) / 2 = 1 / (1 + e^-2u), and 2 u = x (k1 + k3 x²)
        for i in range(x.size):
            a = abs(x[i])
            e = exp(-a * (k1 + k3 * a * a), zero)
            s = one / (one + e)
            out[i] = x[i] * (e * s if x[i] < zero else s)
    else:
        for i in range(x.size):
            a = abs(x[i])
            below = gaussian(a) * tail(a)
            out[i] = x[i] * (below if x[i] < zero else one - below)


@compiled
def vjp(x, grad, out, tanh):
    real = x.dtype.type
    zero, one, three, density = real(0), real(1), real(3), real(1 / math.sqrt(2 * math.pi))
    k1, k3 = real(2 * math.sqrt(2 / math.pi)), real(2 * math.sqrt(2 / math.pi) * 0.044715)
    if tanh:
        for i in range(x.size):
            a = abs(x[i])
            e = exp(-a * (k1 + k3 * a * a), zero)
            s = one / (one + e)
            left = e * s - a * (e * s * s) * (k1 + three * k3 * a * a)  # the derivative at -a
            out[i] = grad[i] * (left if x[i] < zero else one - left)
    else:
        for i in range(x.size):
            a = abs(x[i])
            left = gaussian(a) * (tail(a) - a * density)
            out[i] = grad[i] * (left if x[i] < zero else one - left)


@compiled(parallel=True)
def forward_parallel(x, out, tanh, pieces):
    for k in prange(pieces):
        a, b = k * x.size // pieces, (k + 1) * x.size // pieces
        forward(x[a:b], out[a:b], tanh)


@compiled(parallel=True)
def vjp_parallel(x, grad, out, tanh, pieces):
    for k in prange(pieces):
        a, b = k * x.size // pieces, (k + 1) * x.size // pieces
        vjp(x[a:b], grad[a:b], out[a:b], tanh)


class Gelu(Kernel):
    op = "gelu"

    def forward(self, x: Any, *, approximate: str) -> Any:
        if not accepts(x):
            return NotImplemented
        out = np.empty(x.shape, x.dtype)
        run(forward, forward_parallel, x.size, x.reshape(-1), out.reshape(-1), approximate == "tanh")
        return out, None

    def vjp(self, needs: Any, grad: Any, residuals: Any, out: Any, x: Any, *, approximate: str) -> Any:
        grad = np.ascontiguousarray(grad)  # often the broadcast gradient of a sum
        if not accepts(x, grad):
            return NotImplemented
        dx = np.empty(x.shape, x.dtype)
        flat = (x.reshape(-1), grad.reshape(-1), dx.reshape(-1))
        run(vjp, vjp_parallel, x.size, *flat, approximate == "tanh")
        return (dx,)


kernel = Gelu()
