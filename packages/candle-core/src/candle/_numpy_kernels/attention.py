"""Attention, a few examples at a time, so that the scores of every query for every key stay in the cache."""

from __future__ import annotations

from math import inf, prod
from typing import Any

import numpy as np

from candle._numpy_kernels.dtypes import FLOATS
from candle._numpy_kernels.pieces import slices
from candle.kernels import Kernel
from candle.op import unbroadcast
from candle.plugins import backend_of

AT_ONCE = 2**18  # scores

Array = Any


class Attention(Kernel):
    op, priority = "scaled_dot_product_attention", -1  # behind compiled ones

    def __init__(self) -> None:
        self.xp = backend_of("cpu").xp

    def forward(
        self, q: Array, k: Array, v: Array, mask: Any, dropped: Any, *, causal: bool, scale: float, p: float
    ) -> Any:
        """Keeps the highest score of each query, and the sum of the powers of its scores."""
        if dropped is not None or not alike(q, k, v) or (mask is not None and mask.dtype != q.dtype):
            return NotImplemented
        out = np.empty((*q.shape[:-1], v.shape[-1]), q.dtype)
        high, total = (np.empty((*q.shape[:-1], 1), q.dtype) for _ in range(2))
        for part in parts(q, k):
            powers = scores(q, k, mask, causal, scale, part)
            np.maximum.reduce(powers, -1, keepdims=True, out=high[part])
            np.copyto(high[part], 0, where=~np.isfinite(high[part]))
            powers -= high[part]
            np.exp(powers, out=powers)
            np.add.reduce(powers, -1, keepdims=True, out=total[part])
            np.matmul(powers, v[part], out=out[part])
        np.copyto(total, 1, where=total == 0)  # where there is nothing to look at
        out /= total
        return out, (high, total)

    def vjp(
        self,
        needs: Any,
        grad: Array,
        residuals: Any,
        out: Any,
        q: Array,
        k: Array,
        v: Array,
        mask: Any,
        dropped: Any,
        *,
        causal: bool,
        scale: float,
        p: float,
    ) -> Any:
        """dv = p^T grad, ds = p (dp - sum(dp p)), dq = ds k scale, dk = ds^T q scale"""
        high, total = residuals
        dq, dk, dv = (np.empty(x.shape, x.dtype) for x in (q, k, v))
        d_mask = np.empty((*q.shape[:-1], k.shape[-2]), q.dtype) if needs[3] else None
        for part in parts(q, k):
            soft = scores(q, k, mask, causal, scale, part)
            soft -= high[part]
            np.exp(soft, out=soft)
            soft /= total[part]
            np.matmul(soft.swapaxes(-1, -2), grad[part], out=dv[part])
            ds = grad[part] @ v[part].swapaxes(-1, -2)
            ds *= soft
            soft *= np.add.reduce(ds, -1, keepdims=True)
            ds -= soft
            if d_mask is not None:
                d_mask[part] = ds
            np.matmul(ds, k[part], out=dq[part])
            np.matmul(ds.swapaxes(-1, -2), q[part], out=dk[part])
        dq *= scale
        dk *= scale
        return dq, dk, dv, None if d_mask is None else unbroadcast(self.xp, d_mask, mask.shape), None


def alike(q: Array, k: Array, v: Array) -> bool:
    """One dtype, and the same examples: nothing to broadcast, nothing empty."""
    same = q.dtype == k.dtype == v.dtype and q.shape[:-2] == k.shape[:-2] == v.shape[:-2]
    return same and q.dtype in FLOATS and q.ndim > 2 and 0 not in (*q.shape, *k.shape, *v.shape)


def parts(q: Array, k: Array) -> list[slice]:
    """Of the first dim."""
    count = max(AT_ONCE // (prod(q.shape[1:-1]) * k.shape[-2]), 1)
    return slices(len(q), count)


def scores(q: Array, k: Array, mask: Any, causal: bool, scale: float, part: slice) -> Array:
    found = (q[part] * q.dtype.type(scale)) @ k[part].swapaxes(-1, -2)
    length, seen = found.shape[-2:]
    if causal:
        np.copyto(found, -inf, where=~np.tri(length, seen, dtype=bool))
    if mask is not None:
        found += np.broadcast_to(mask, (*q.shape[:-1], seen))[part]
    return found
