"""Speed for the `cpu` device, in NumPy: kernels that reuse memory, which no rule may, and functions beside NumPy's."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from candle.hooks import hookimpl

if TYPE_CHECKING:
    from candle.kernels import Kernel


@hookimpl
def candle_register_kernels(register: Callable[[str, str, Callable[[], Kernel]], None]) -> None:
    register("cpu", "adamw", _adamw)
    for op in ("conv", "conv_transpose"):
        register("cpu", op, functools.partial(_pieces, op))


def _adamw() -> Kernel:
    from candle._numpy_kernels.adamw import AdamW

    return AdamW()


def _pieces(op: str) -> Kernel:
    from candle._numpy_kernels.pieces import Pieces

    return Pieces(op)
