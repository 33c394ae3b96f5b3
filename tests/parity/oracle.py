"""What torch says: its samples, and its answers to them.

Samples come straight from `sample_inputs_func`: `op.sample_inputs` walks the whole
call stack each time to find a unittest, which takes longer than most checks.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import ErrorInput, OpInfo, SampleInput

from .subject import Subject

torch.set_num_threads(1)  # the samples are tiny: threads only cost

TORCH = Subject(torch)
OPS: dict[str, OpInfo] = {op.full_name: op for op in op_db}
DEFAULT_TIER = 6  # samples per op and dtype; the full tier takes all


class TorchRefuses(Exception):
    """Torch itself raised: the sample says nothing about the subject."""


def samples(op: OpInfo, dtype: str, requires_grad: bool = False) -> list[SampleInput]:
    """Every sample of an op, the same ones each time."""
    seed(op.full_name + dtype)
    return list(op.sample_inputs_func(op, "cpu", getattr(torch, dtype), requires_grad))


def error_samples(op: OpInfo) -> list[ErrorInput]:
    seed(op.full_name)
    return list(op.error_inputs_func(op, "cpu")) if op.error_inputs_func else []


def chosen(many: list[Any], key: str, full: bool) -> Iterable[tuple[int, Any]]:
    """(index, sample) of those a tier looks at: the first, the last and some between."""
    indices = range(len(many))
    if not full and len(many) > DEFAULT_TIER:
        between = random.Random(key).sample(indices[1:-1], DEFAULT_TIER - 2)
        indices = [0, *sorted(between), len(many) - 1]
    return [(i, many[i]) for i in indices]


def supports(op: OpInfo, dtype: str, backward: bool = False) -> bool:
    known = op.supported_backward_dtypes("cpu") if backward else op.supported_dtypes("cpu")
    return getattr(torch, dtype) in known


def ask(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call torch; what it refuses is not the subject's to answer."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise TorchRefuses(f"{type(error).__name__}: {error}") from error


def seed(key: str) -> None:
    """Every generator that torch's sample functions draw from."""
    number = zlib.crc32(key.encode())
    torch.manual_seed(number)
    random.seed(number)
    np.random.seed(number)
