"""Compiled kernels for the `cpu` device, used where they apply once this package is installed.

Nothing here is to be called. `CANDLE_NUMBA=0` leaves the kernels out for one run. Numba is imported when
an op that has a kernel first runs; what was compiled is kept on disk for the next process.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from candle.hooks import hookimpl

if TYPE_CHECKING:
    from candle.kernels import Kernel

__all__: list[str] = []

CANDLE_CONTRACT = 1

OPS = ("gelu", "cross_entropy", "adamw")  # a module of `_kernels` each


@hookimpl
def candle_register_kernels(register: Callable[[str, str, Callable[[], Kernel]], None]) -> None:
    if os.environ.get("CANDLE_NUMBA") != "0" and os.environ.get("NUMBA_DISABLE_JIT", "0") == "0":
        for op in OPS:
            register("cpu", op, functools.partial(_kernel, op))


def _kernel(op: str) -> Kernel:
    made: Kernel = import_module(f"candle.numba._kernels.{op}").kernel
    return made
