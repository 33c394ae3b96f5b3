"""Which implementation of attention may run: accepted, as `torch.nn.attention` has it, and without an effect.

Kernels are chosen by the table of the device; every one gives the same values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(IntEnum):
    """PyTorch's implementations of `scaled_dot_product_attention`."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: SDPBackend | Sequence[SDPBackend], set_priority: bool = False) -> Iterator[None]:
    """What PyTorch would choose from inside.

    >>> with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
    ...     pass
    """
    given = [backends] if isinstance(backends, SDPBackend) else list(backends)
    wrong = [each for each in given if not isinstance(each, SDPBackend)]
    if wrong or not given:
        raise TypeError(f"sdpa_kernel: expected a SDPBackend or several, got {backends!r}")
    yield
