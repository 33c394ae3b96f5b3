"""Convolutions of stride 1, whose windows are read as runs of memory.

In an input that lies in memory row after row, with its padding, all that one element of a kernel sees is one run as
long as the input: the input itself, begun later. So windows are copied in a few long pieces instead of row by row.
Where a row ends, a run goes on through the padding to the next; what comes of that is computed, and left out.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from candle._numpy_kernels.dtypes import FLOATS
from candle._numpy_kernels.pieces import Pieces, slices

AT_ONCE = 2**21  # bytes of windows, for they are written, read once and written over: they should stay near
WASTE = 1.5  # how many times the wanted elements may be computed

Array = Any
Sizes = tuple[int, ...]
Widths = tuple[tuple[int, int], ...]


class Runs(Pieces):
    """A few examples at a time, in one product of matrices (large ones are shared out to threads), in memory that is
    used again and again; what does not suit this goes in pieces."""

    def forward(self, x: Array, weight: Array, bias: Array, **how: Any) -> Any:
        if not suits(x, weight, **how):
            return super().forward(x, weight, bias, **how)
        outs, groups = weight.shape[0], how["groups"]
        windows = Windows(x, weight, how["padding"], how["dilation"])
        rows = weight.reshape(groups, outs // groups, -1)
        out = np.empty((x.shape[0], outs, *windows.places), x.dtype)
        for part in windows.parts:
            found = windows.grid(rows @ windows.of(x[part], groups), out[part])
            out[part] = found if bias is None else found + bias.reshape(-1, *(1,) * (x.ndim - 2))
        return out, None

    def vjp(
        self, needs: Any, grad: Array, residuals: Any, out: Any, x: Array, weight: Array, bias: Any, **how: Any
    ) -> Any:
        if suits(x, weight, **how) and (not needs[0] or turns(grad, x, weight, **how)):
            if needs[0]:
                dx, dw = self.both(needs, grad, x, weight, **how)
            else:
                dx, dw = None, self.products(grad, x, weight, **how) if needs[1] else None
            if dw is None or np.isfinite(dw).all():  # else the ends of rows, times zero, may be nan
                return dx, dw, grad.sum((0, *range(2, grad.ndim))) if needs[2] else None
        return super().vjp(needs, grad, residuals, out, x, weight, bias, **how)

    def products(self, grad: Array, x: Array, weight: Array, *, padding: Widths, groups: int, **how: Any) -> Array:
        """dw_k = sum_i grad_i x[i + dilation k - padding]"""
        outs, channels, *kernel = weight.shape
        windows = Windows(x, weight, padding, how["dilation"])
        spread, total = windows.spread(grad), np.zeros((), grad.dtype)
        for part in windows.parts:
            rows = spread(grad[part]).reshape(groups, outs // groups, -1)
            total = total + windows.of(x[part], groups) @ rows.swapaxes(1, 2)
        return total.swapaxes(1, 2).reshape(outs, channels, *kernel)  # from (groups, C/groups * kernel, O/groups)

    def both(
        self, needs: Any, grad: Array, x: Array, weight: Array, *, padding: Widths, groups: int, **how: Any
    ) -> tuple[Array, Array]:
        """dx is a convolution of grad with the kernel turned round; the same windows times x are dw, turned round."""
        outs, channels, *kernel = weight.shape
        ends = tuple(range(3, 3 + len(kernel)))
        turned = np.flip(weight.reshape(groups, outs // groups, channels, *kernel), ends)
        rows = turned.swapaxes(1, 2).reshape(groups, channels, -1)
        windows = Windows(grad, weight, around(weight, padding, how["dilation"]), how["dilation"])
        dx, total = np.empty(x.shape, grad.dtype), np.zeros((), grad.dtype)
        spread = windows.spread(x) if needs[1] else None
        for part in windows.parts:
            seen = windows.of(grad[part], groups)
            dx[part] = windows.grid(rows @ seen, dx[part])
            if spread is not None:
                total = total + seen @ spread(x[part]).reshape(groups, channels, -1).swapaxes(1, 2)
        if spread is None:
            return dx, None
        turned = np.moveaxis(total.reshape(groups, outs // groups, *kernel, channels), -1, 2)
        return dx, np.flip(turned, ends).reshape(weight.shape)


class Windows:
    """The windows of a kernel over x (N, C, *sizes), of a few examples at a time."""

    def __init__(self, x: Array, weight: Array, padding: Widths, dilation: Sizes):
        channels, kernel = x.shape[1], weight.shape[2:]
        self.wide = tuple(size + before + after for size, (before, after) in zip(x.shape[2:], padding))
        self.places = tuple(n - d * (k - 1) for n, d, k in zip(self.wide, dilation, kernel))
        self.length = self.places[0] * prod(self.wide[1:])  # of a run
        most = AT_ONCE // (x.dtype.itemsize * channels * prod(kernel) * self.length)
        n = x.shape[0]
        self.at_once = -(-n // -(-n // max(most, 1)))  # parts of one size
        self.parts = slices(n, self.at_once)
        steps = [prod(self.wide[i + 1 :]) for i in range(len(kernel))]
        beyond = sum((k - 1) * d * step for k, d, step in zip(kernel[1:], dilation[1:], steps[1:]))
        example = channels * prod(self.wide)
        memory = np.zeros(self.at_once * example + beyond, x.dtype)  # the padding stays zero
        inside = tuple(slice(before, before + size) for size, (before, _) in zip(x.shape[2:], padding))
        whole = memory[: self.at_once * example].reshape(self.at_once, channels, *self.wide)
        self.inside = whole[:, :, *inside]
        strides = (prod(self.wide), *(d * step for d, step in zip(dilation, steps)), example, 1)
        shape = (channels, *kernel, self.at_once, self.length)
        self.runs = as_strided(memory, shape, [memory.itemsize * each for each in strides])
        self.seen = np.empty(shape, x.dtype)

    def of(self, x: Array, groups: int) -> Array:
        """What each place sees, in all examples: (n, C, *sizes) -> (groups, C/groups * kernel, at_once * length)."""
        self.inside[: len(x)] = x
        np.copyto(self.seen, self.runs)
        return self.seen.reshape(groups, -1, self.at_once * self.length)

    def grid(self, found: Array, like: Array) -> Array:
        """Found along runs, without what came of the ends of rows: (.., .., at_once * length) -> (n, C, *places)."""
        rows = found.reshape(-1, self.at_once, self.places[0], *self.wide[1:]).swapaxes(0, 1)
        return rows[: len(like), :, *(slice(n) for n in self.places)]

    def spread(self, x: Array) -> Any:
        """The opposite, for x (N, C, *places): a function of a few examples, zero at the ends of rows."""
        memory = np.zeros((x.shape[1], self.at_once, self.places[0], *self.wide[1:]), x.dtype)
        inside = self.grid(memory, memory[0])

        def spread(x: Array) -> Array:
            inside[: len(x)] = x
            inside[len(x) :] = 0
            return memory

        return spread


def suits(x: Array, weight: Array, *, stride: Sizes, padding: Widths, dilation: Sizes, groups: int) -> bool:
    """Whether runs are possible, and worth it: a kernel of one element needs no windows."""
    kernel = weight.shape[2:]
    if weight.dtype not in FLOATS or x.dtype != weight.dtype or 0 in (*x.shape, *weight.shape):
        return False
    if max(stride) > 1 or prod(kernel) == 1 or min(map(min, padding)) < 0 or weight.shape[0] % groups:
        return False
    wide = [n + before + after for n, (before, after) in zip(x.shape[2:], padding)]
    places = [n - d * (k - 1) for n, d, k in zip(wide, dilation, kernel)]
    return bool(prod(wide[1:]) <= WASTE * prod(places[1:]))


def turns(grad: Array, x: Array, weight: Array, *, padding: Widths, dilation: Sizes, groups: int, **how: Any) -> bool:
    """Whether a gradient goes back quicker by a convolution with the kernel turned round, over its own windows."""
    fits = suits(grad, weight, padding=around(weight, padding, dilation), dilation=dilation, groups=groups, **how)
    return fits and grad.shape[1] <= 2 * x.shape[1]


def around(weight: Array, padding: Widths, dilation: Sizes) -> Widths:
    """The padding with which the turned kernel gives back the input's sizes."""
    each = zip(weight.shape[2:], padding, dilation)
    return tuple((d * (k - 1) - before, d * (k - 1) - after) for k, (before, after), d in each)
