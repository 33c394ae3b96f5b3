"""Inputs that few kernels are written for: special values, and unusual dtypes, shapes and layouts in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from candle.testing.samples import SPECIAL

Change = Callable[[Any], Any]


def on_each(change: Change, x: Any) -> Any:
    """Every NumPy array of floats changed; what else there is stays."""
    if isinstance(x, list | tuple):
        return type(x)(on_each(change, each) for each in x)
    return change(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def arrays_in(x: Any) -> list[Any]:
    if isinstance(x, list | tuple):
        return [array for each in x for array in arrays_in(each)]
    return [x] if hasattr(x, "dtype") else []


def sprinkled(x: Any) -> Any:
    """With a special value in every ninth of it: in a row each, where there are rows enough."""
    x = np.array(x)
    x.reshape(-1)[np.arange(len(SPECIAL)) * x.size // len(SPECIAL)] = SPECIAL
    return x


def begun_with(value: float) -> Change:
    def change(x: Any) -> Any:
        x = np.array(x)
        x[:1] = value
        return x

    return change


def read_only(x: Any) -> Any:
    x = np.array(x)
    x.flags.writeable = False
    return x


SPECIALS: dict[str, Change] = {
    "sprinkled": sprinkled,
    **{f"a row of {value}": begun_with(value) for value in (np.nan, np.inf, -np.inf)},
}

# What few kernels are written for: to be computed as the rule does, or declined.
LAYOUTS: dict[str, Change] = {
    "transposed": lambda x: np.array(x.T, order="C").T if x.ndim > 1 else x[::-1],
    "every other": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[..., ::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
    "read-only": read_only,
    "unaligned": lambda x: np.frombuffer(b"-" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
}
UNUSUAL: dict[str, Change] = {
    **LAYOUTS,
    "whole numbers": lambda x: (4 * x).astype(np.int64),
    "float16": lambda x: x.astype(np.float16),
    "other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "one number": lambda x: np.array(x.reshape(-1)[0]),
    "one row": lambda x: x[:1],
    "no rows": lambda x: x[:0],
    "no columns": lambda x: x[..., :0],
}
