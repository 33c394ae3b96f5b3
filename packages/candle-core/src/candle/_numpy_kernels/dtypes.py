"""Which dtypes are which."""

from __future__ import annotations

from typing import Any

import numpy as np

FLOATS = frozenset([np.dtype("float32"), np.dtype("float64")])


def is_half(x: Any) -> bool:
    """float16 or bfloat16: sums of these are added up in float32, as in PyTorch."""
    return x.dtype.itemsize == 2 and x.dtype.kind not in "iu"
