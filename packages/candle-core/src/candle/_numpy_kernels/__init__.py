"""Speed for the `cpu` device, in NumPy: kernels that reuse memory, which no rule may, and functions beside NumPy's."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from candle.hooks import hookimpl

if TYPE_CHECKING:
    from candle.kernels import Kernel


# Mutating ops, here and in candle-optim, whose rules go from element to element, and so may go from block to block
ELEMENTWISE = "adadelta adagrad adam adamax asgd lion nadam radam rmsprop rprop sgd".split()


@hookimpl
def candle_register_kernels(register: Callable[[str, str, Callable[[], Kernel]], None]) -> None:
    register("cpu", "adamw", _adamw)
    register("cpu", "clip_norm", _clip_norm)
    for op in ELEMENTWISE:
        register("cpu", op, functools.partial(_blocks, op))
    for op in ("conv", "conv_transpose"):
        register("cpu", op, functools.partial(_pieces, op))


def _adamw() -> Kernel:
    from candle._numpy_kernels.adamw import AdamW

    return AdamW("adamw")


def _clip_norm() -> Kernel:
    from candle._numpy_kernels.clip_norm import ClipNorm

    return ClipNorm()


def _blocks(op: str) -> Kernel:
    from candle._numpy_kernels.blocks import Blocks

    return Blocks(op)


def _pieces(op: str) -> Kernel:
    from candle._numpy_kernels.pieces import Pieces

    return Pieces(op)
