"""x Φ(x) in float32, Φ of the normal distribution, a block at a time; float64 is left to the rule.

Φ(-a) = e^(-a²/2) t q(t), where t = 1 / (1 + 0.3 a): q is the polynomial nearest to what is left of the tail (least
squares of the relative error at Chebyshev's nodes, 2e-7 for all a), so small values keep their digits too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from candle._numpy_kernels.blocks import BLOCK

STRETCH = 0.3
Q = (
    *(0.036008038, -0.158441308, 0.208216817, -0.0551418305),
    *(0.129194792, 0.0997634482, 0.120771476, 0.119628558),
)
DENSITY = 1 / math.sqrt(2 * math.pi)


def suits(x: Any) -> bool:
    return bool(x.ndim and x.dtype == np.float32 and x.dtype.isnative and x.flags.carray)


def forward(x: Any) -> Any:
    def step(out: Any, room: Any, x: Any) -> None:
        normal(x, out, *room)
        out *= x

    return in_blocks(step, x)


def backward(grad: Any, x: Any) -> Any:
    """dx = grad (Φ(x) + x φ(x))"""

    def step(out: Any, room: Any, x: Any, grad: Any) -> None:
        bell = normal(x, out, *room)
        bell *= DENSITY
        bell *= x
        out += bell
        out *= grad

    return in_blocks(step, x, grad)


def in_blocks(step: Callable[..., None], *inputs: Any) -> Any:
    """`step(out, room, *inputs)` on one piece after the other: what it makes on the way stays in the cache."""
    out = np.empty_like(inputs[0])
    flat = [x.reshape(-1) for x in (out, *inputs)]
    room = np.empty((3, min(BLOCK, out.size)), out.dtype)
    for start in range(0, out.size, BLOCK):
        piece, *given = (x[start : start + BLOCK] for x in flat)
        step(piece, room[:, : piece.size], *given)
    return out


def normal(x: Any, out: Any, t: Any, tail: Any, bell: Any) -> Any:
    """Φ(x), into `out`; what is returned is e^(-x²/2)."""
    np.abs(x, out=t)
    t *= STRETCH
    t += 1
    np.reciprocal(t, out=t)
    np.multiply(t, Q[0], out=tail)
    for q in Q[1:]:
        tail += q
        tail *= t
    np.multiply(x, x, out=bell)
    bell *= -0.5
    np.exp(bell, out=bell)
    tail *= bell
    np.copysign(1, x, out=out)
    np.maximum(out, 0, out=out)  # 1 where x > 0: there Φ(x) = 1 - Φ(-x)
    out -= np.copysign(tail, x, out=tail)
    return bell
