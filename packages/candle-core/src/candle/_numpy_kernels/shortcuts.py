"""Functions of the contract by the shortest way: NumPy's of these names go through two or three in Python first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def reducing(ufunc: np.ufunc, dtype: Any = None) -> Callable[..., Any]:
    return lambda x, *, axis=None, keepdims=False: ufunc.reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)


SHORTCUTS: dict[str, Callable[..., Any]] = {
    "reshape": lambda x, shape: x.reshape(shape),
    "permute_dims": lambda x, axes: x.transpose(axes),
    "take": lambda x, indices, *, axis=None: x.take(indices, axis=axis),
    "nonzero": lambda x: x.nonzero(),
    "argmax": lambda x, *, axis=None, keepdims=False: x.argmax(axis=axis, keepdims=keepdims),
    "argmin": lambda x, *, axis=None, keepdims=False: x.argmin(axis=axis, keepdims=keepdims),
    "max": reducing(np.maximum),
    "min": reducing(np.minimum),
    "any": reducing(np.logical_or, np.bool_),
    "all": reducing(np.logical_and, np.bool_),
}
