"""Speed for the `cpu` device, in NumPy: kernels that reuse memory, which no rule may, and functions beside NumPy's."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from candle.hooks import hookimpl

if TYPE_CHECKING:
    from candle.kernels import Kernel

# Mutating ops, here and in candle-optim, whose rules go from element to element, and so may go from block to block
ELEMENTWISE = "adadelta adagrad adam adamax asgd lion nadam radam rmsprop rprop sgd".split()

KERNELS = {  # by op: the file, the class, and what it is made with
    "adamw": ("adamw", "AdamW", "adamw"),
    "clip_norm": ("clip_norm", "ClipNorm"),
    "cross_entropy": ("cross_entropy", "CrossEntropy"),
    "gelu": ("gelu", "Gelu"),
    "gru": ("recurrent", "Gru"),
    "lstm": ("recurrent", "Lstm"),
    "resample": ("resampling", "Resample"),
    "scaled_dot_product_attention": ("attention", "Attention"),
    **{op: ("blocks", "Blocks", op) for op in ELEMENTWISE},
    "conv": ("runs", "Runs", "conv"),
    "conv_transpose": ("pieces", "Pieces", "conv_transpose"),
}


@hookimpl
def candle_register_kernels(register: Callable[[str, str, Callable[[], Kernel]], None]) -> None:
    for op, how in KERNELS.items():
        register("cpu", op, functools.partial(_make, *how))


def _make(file: str, name: str, *args: str) -> Any:
    """Files are read when somebody first runs their op."""
    return getattr(import_module(f"candle._numpy_kernels.{file}"), name)(*args)
