"""LSTM and GRU layers: what a step needs is kept from forward, and what no step waits for is done for all at once.

The logistic function is taken as (1 + tanh(z / 2)) / 2, so that one tanh makes all gates of a step: their halves are
taken from the input and the weights beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from candle._numpy_kernels.blocks import BLOCK
from candle._numpy_kernels.dtypes import FLOATS
from candle.kernels import Kernel

Array = Any


class Lstm(Kernel):
    op, priority = "lstm", -1  # behind compiled ones

    def forward(self, x: Array, h: Array, c: Array, w: Array, b: Array, p: Array, mask: Array) -> Any:
        """Keeps the gates i, f, g, o (L, N, 4, H), the states from the first to the last, and tanh(c)."""
        if p is not None or not suited(x, w, b, h, c):
            return NotImplemented
        length, (n, size) = len(x), h.shape
        scale = np.array([[0.5], [0.5], [1], [0.5]], x.dtype)
        gates = scaled(x if b is None else x + b, scale)
        weight = scaled(w.T, scale).reshape(size, -1)
        hs, cs, bent = (np.empty((steps, n, size), x.dtype) for steps in (length + 1, length + 1, length))
        hs[0], cs[0] = h, c
        for t in range(length):
            z = gates[t]
            z += (hs[t] @ weight).reshape(z.shape)
            np.tanh(z, out=z)
            z *= scale
            z += 1 - scale  # nothing for g
            np.multiply(z[:, 1], cs[t], out=cs[t + 1])
            cs[t + 1] += z[:, 0] * z[:, 2]
            np.tanh(cs[t + 1], out=bent[t])
            np.multiply(z[:, 3], bent[t], out=hs[t + 1])
            stay(mask, t, hs, cs)
        return (np.array(hs[1:]), np.array(cs[-1])), (gates, hs, cs, bent)

    def vjp(self, needs: Any, grads: Any, kept: Any, outs: Any, *inputs: Any) -> Any:
        x, h, c, w, b, _, mask = inputs
        (grad, dc_last), (gates, hs, cs, bent) = grads, kept
        dz, dh, dc = np.empty_like(gates), np.zeros_like(h), np.zeros_like(c)
        dc += 0 if dc_last is None else dc_last
        for steps in spans(gates):
            slopes, through, f = self.slopes(
                gates[steps], cs[steps], bent[steps], None if mask is None else mask[steps]
            )
            for k, t in reversed([*enumerate(range(len(x))[steps])]):
                dh += 0 if grad is None else grad[t]
                dc += dh * through[k]
                np.multiply(slopes[k, :, :3], dc[:, None], out=dz[t, :, :3])
                np.multiply(slopes[k, :, 3], dh, out=dz[t, :, 3])
                dc *= f[k]
                dh = passed(dz[t], w, mask, t, dh)
        return dz.reshape(x.shape), dh, dc, *weights(dz, hs, b), None, None

    @staticmethod
    def slopes(gates: Array, c: Array, bent: Array, mask: Array) -> tuple[Array, Array, Array]:
        """dz by dc (of o: by dh), dc by dh, and dc by the dc after it."""
        i, f, g, o = (gates[:, :, k] for k in range(4))
        slopes, through = np.empty_like(gates), o * (1 - bent * bent)
        for k, slope in enumerate((g * i * (1 - i), c * f * (1 - f), i * (1 - g * g), bent * o * (1 - o))):
            slopes[:, :, k] = slope
        if mask is None:
            return slopes, through, f
        return slopes * mask[..., None], through * mask, np.where(mask, f, f.dtype.type(1))


class Gru(Kernel):
    op, priority = "gru", -1

    def forward(self, x: Array, h: Array, w: Array, b: Array, mask: Array) -> Any:
        """Keeps the gates r, z, n (L, N, 3, H), the states from the first to the last, and the state's part of n."""
        if not suited(x, w, b, h):
            return NotImplemented
        length, (n, size) = len(x), h.shape
        scale = np.array([[0.5], [0.5], [1]], x.dtype)
        gates, weight = scaled(x, scale), scaled(w.T, scale).reshape(size, -1)
        bias = 0 if b is None else scaled(b, scale).reshape(-1)
        hs, inner = np.empty((length + 1, n, size), x.dtype), np.empty((length, n, size), x.dtype)
        hs[0] = h
        for t in range(length):
            part = hs[t] @ weight
            part += bias
            part = part.reshape(n, 3, size)
            rz, new = gates[t, :, :2], gates[t, :, 2]
            rz += part[:, :2]
            np.tanh(rz, out=rz)
            rz += 1
            rz *= 0.5
            inner[t] = part[:, 2]
            new += rz[:, 0] * inner[t]
            np.tanh(new, out=new)
            np.subtract(hs[t], new, out=hs[t + 1])
            hs[t + 1] *= rz[:, 1]
            hs[t + 1] += new
            stay(mask, t, hs)
        return np.array(hs[1:]), (gates, hs, inner)

    def vjp(self, needs: Any, grad: Any, kept: Any, out: Any, *inputs: Any) -> Any:
        x, h, w, b, mask = inputs
        gates, hs, inner = kept
        dx, ds, dh = np.empty_like(gates), np.empty_like(gates), np.zeros_like(h)  # ds: by the state's part
        for steps in spans(gates):
            by_r, by_z, by_n, z = self.slopes(
                gates[steps], hs[steps], inner[steps], None if mask is None else mask[steps]
            )
            for k, t in reversed([*enumerate(range(len(x))[steps])]):
                dh += grad[t]
                np.multiply(dh, by_n[k], out=dx[t, :, 2])
                np.multiply(dh, by_z[k], out=dx[t, :, 1])
                np.multiply(dx[t, :, 2], by_r[k], out=dx[t, :, 0])
                ds[t, :, :2] = dx[t, :, :2]
                np.multiply(dx[t, :, 2], gates[t, :, 0], out=ds[t, :, 2])
                dh *= z[k]
                dh += ds[t].reshape(len(h), -1) @ w
        return dx.reshape(x.shape), dh, *weights(ds, hs, b), None

    @staticmethod
    def slopes(gates: Array, h: Array, inner: Array, mask: Array) -> tuple[Array, Array, Array, Array]:
        """dr by dn, dz and dn by dh (all before their bends), and dh by the dh after it."""
        r, z, n = (gates[:, :, k] for k in range(3))
        by_r, by_z, by_n = inner * r * (1 - r), (h - n) * z * (1 - z), (1 - z) * (1 - n * n)
        if mask is None:
            return by_r, by_z, by_n, z
        return by_r, by_z * mask, by_n * mask, np.where(mask, z, z.dtype.type(1))


def spans(gates: Array) -> Iterator[slice]:
    """The steps from the last to the first, as many at once as stay in the cache."""
    each = max(BLOCK // gates[0].size, 1)
    for end in range(len(gates), 0, -each):
        yield slice(max(end - each, 0), end)


def suited(x: Array, w: Array, b: Array, *states: Array) -> bool:
    """Whether there is something to do, in one dtype that NumPy computes in, and of shapes that belong together."""
    if x.dtype not in FLOATS or x.ndim != 3 or not x.size or w.ndim != 2:
        return False
    state, arrays = (x.shape[1], w.shape[1]), (w, *states) if b is None else (w, b, *states)
    return (
        w.shape[0] == x.shape[2] and all(a.dtype == x.dtype for a in arrays) and all(s.shape == state for s in states)
    )


def scaled(x: Array, scale: Array) -> Array:
    """(..., gates H) as a new array (..., gates, H), each gate times its scale."""
    return np.multiply(x.reshape(*x.shape[:-1], len(scale), -1), scale, order="C")


def stay(mask: Array, t: int, *states: Array) -> None:
    """Where the mask of step t is false, the states stay as they were before it."""
    if mask is not None:
        for each in states:
            np.copyto(each[t + 1], each[t], where=~mask[t])


def passed(dz: Array, w: Array, mask: Array, t: int, dh: Array) -> Array:
    """The gradient of the state before step t."""
    before = dz.reshape(len(dz), -1) @ w
    if mask is not None:
        before += np.where(mask[t], dh.dtype.type(0), dh)
    return before


def weights(dz: Array, hs: Array, b: Array) -> tuple[Array, Array]:
    """The gradients of the weight and the bias, over all steps and examples at once."""
    flat = dz.reshape(-1, dz.shape[2] * dz.shape[3])
    return flat.T @ hs[:-1].reshape(len(flat), -1), None if b is None else np.add.reduce(flat, 0)
