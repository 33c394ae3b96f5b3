"""adamw: one pass over all parameters, written in place, with nothing allocated that grows with them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, prange, types
from numba.extending import intrinsic

from candle.kernels import Kernel
from candle.numba._compile import FLOATS, compiled, run

HEIGHT, WIDTH = 16, 256  # of a tile: a cache line of each column of a float32 gradient, and long rows


@intrinsic
def pointer(typing, address):
    """An address as the pointer that `carray` wants."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return types.voidptr(address), generate


@compiled
def update(p, g, m, v, settings):
    decay, beta1, rest1, beta2 = settings[0], settings[1], settings[2], settings[3]
    rest2, size, root, eps = settings[4], settings[5], settings[6], settings[7]
    for i in range(p.size):
        m[i] = m[i] * beta1 + g[i] * rest1
        v[i] = v[i] * beta2 + g[i] * g[i] * rest2
        p[i] = p[i] * decay - size * (m[i] / (math.sqrt(v[i]) / root + eps))


@compiled
def update_rows(p, g, m, v, settings, first, last):
    """The same for a transposed gradient, tile by tile: along a row of p, each g is in another cache line."""
    columns = g.shape[0]
    tile = np.empty((HEIGHT, WIDTH), g.dtype)
    for top in range(first, last, HEIGHT):
        for left in range(0, columns, WIDTH):
            source = g[left : left + WIDTH, top : min(top + HEIGHT, last)]
            width, height = source.shape
            for j in range(width):
                for i in range(height):
                    tile[i, j] = source[j, i]
            for i in range(height):
                a = (top + i) * columns + left
                b = a + width
                update(p[a:b], tile[i, :width], m[a:b], v[a:b], settings)


@compiled
def step(table, sizes, rows, settings, start, stop):
    """Update the elements from start to stop, counted through all parameters laid end to end."""
    offset = 0
    for k in range(sizes.size):
        n = sizes[k]
        a, b = max(start - offset, 0), min(stop - offset, n)
        offset += n
        if a < b:
            p = carray(pointer(table[k, 0]), n, settings.dtype)
            g = carray(pointer(table[k, 1]), n, settings.dtype)
            m = carray(pointer(table[k, 2]), n, settings.dtype)
            v = carray(pointer(table[k, 3]), n, settings.dtype)
            if not rows[k]:
                update(p[a:b], g[a:b], m[a:b], v[a:b], settings)
            else:  # whole rows: those that end here
                columns = n // rows[k]
                update_rows(p, g.reshape(columns, rows[k]), m, v, settings, a // columns, b // columns)


@compiled(parallel=True)
def step_parallel(table, sizes, rows, settings, start, stop, pieces):
    n = stop - start
    for k in prange(pieces):
        step(table, sizes, rows, settings, start + k * n // pieces, start + (k + 1) * n // pieces)


Four = tuple[Any, Any, Any, Any]


def laid_out(p: Any, g: Any, m: Any, v: Any) -> tuple[Four, int] | None:
    """The four in C order, and the rows where the gradient is transposed (as one by `x @ w.T` or a convolution is)."""
    if not p.flags.c_contiguous:
        p, g, m, v = p.T, g.T, m.T, v.T
    alike = p.dtype == g.dtype == m.dtype == v.dtype and p.shape == g.shape == m.shape == v.shape
    if not (alike and p.dtype in FLOATS and p.flags.carray and m.flags.carray and v.flags.carray):
        return None
    if g.flags.carray:
        return (p, g, m, v), 0
    if g.ndim > 1 and np.moveaxis(g, 0, -1).flags.carray:
        return (p, g, m, v), len(p)
    return (p, np.array(g, order="C"), m, v), 0


class AdamW(Kernel):
    op = "adamw"

    def forward(self, params: Any, grads: Any, means: Any, squares: Any, number: int, lr: float, **attrs: float) -> Any:
        found = [laid_out(*each) for each in zip(params, grads, means, squares, strict=True)]
        if None in found or len({p.dtype for p in params}) != 1:
            return NotImplemented
        fours = [each for each, _ in found if each[0].size]  # type: ignore[misc]
        addresses = [[x.__array_interface__["data"][0] for x in each] for each in fours]
        if len({address for p, _, m, v in addresses for address in (p, m, v)}) < 3 * len(addresses):
            return NotImplemented  # somebody gave the same array twice
        sizes = np.array([p.size for p, *_ in fours], np.int64)
        rows = np.array([n for each, n in found if each[0].size], np.int64)  # type: ignore[misc]
        total = int(sizes.sum())
        settings = np.array(self.settings(number, lr, **attrs), params[0].dtype)
        table = np.array(addresses, np.int64).reshape(-1, 4)
        run(step, step_parallel, total, table, sizes, rows, settings, 0, total)
        return None

    @staticmethod
    def settings(number: int, lr: float, *, beta1: float, beta2: float, eps: float, weight_decay: float) -> Any:
        """What `update` reads, in its order: the reference's constants."""
        size, root = lr / (1 - beta1**number), math.sqrt(1 - beta2**number)
        return 1 - lr * weight_decay, beta1, 1 - beta1, beta2, 1 - beta2, size, root, eps


kernel = AdamW()
