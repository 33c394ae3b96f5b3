"""Clipping, without a copy of the gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from candle._numpy_kernels.blocks import BLOCK, may_be_written
from candle.kernels import Kernel


class ClipNorm(Kernel):
    op, priority = "clip_norm", -1

    def forward(self, total: Any, grads: Any, max_norm: float, *, norm_type: float) -> Any:
        ordered = [in_memory_order(g) for g in grads]
        if any(g.dtype not in (np.float32, np.float64) for g in grads) or not may_be_written(
            [g for g in ordered if g.size]
        ):
            return NotImplemented
        flat = [g.reshape(-1) for g in ordered]
        parts = [power(x[start : start + BLOCK], norm_type) for x in flat for start in range(0, x.size, BLOCK)]
        norm = np.max(parts) if norm_type == math.inf else np.sum(parts) ** (1 / norm_type)
        scale = np.minimum(max_norm / (norm + 1e-6), 1.0)
        total[0][...] = norm
        for g in grads:
            g *= g.dtype.type(scale)
        return None


def in_memory_order(x: Any) -> Any:
    """Its dimensions in the order of memory: what was permuted (a convolution's gradient) has no gaps then."""
    return x if x.flags.c_contiguous else x.transpose(np.argsort(x.strides)[::-1])


def power(x: Any, norm_type: float) -> Any:
    """What a block adds to the norm's power, in double precision; of the infinite norm, its largest."""
    if norm_type == 2.0:
        return float(x @ x)
    size = np.abs(x)
    return np.max(size) if norm_type == math.inf else np.sum(size**norm_type, dtype=np.float64)
