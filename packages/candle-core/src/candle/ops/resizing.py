"""In place: another shape, also with more elements or fewer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from candle import _views
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import integers
from candle.ops.padding import constant_pad_nd
from candle.ops.shape import reshape

__all__: list[str] = []


@method()
def resize_(input: Tensor, *sizes: Any, size: Sequence[int] | None = None, memory_format: Any = None) -> Tensor:
    """In place: another shape, of the elements in order; what is missing comes as zeros."""
    wanted = integers("resize_", sizes, size)
    if input.requires_grad:
        raise RuntimeError("resize_: a tensor that requires grad cannot be resized; use reshape, or pad")
    missing = math.prod(wanted) - input.numel()
    flat = reshape(input, -1)
    if missing > 0:
        input.data = reshape(constant_pad_nd(flat, (0, missing)), wanted)
        return input
    return _views.become(input, lambda t: reshape(reshape(t, -1)[: math.prod(wanted)], wanted), "resize_")


@method()
def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """In place: the shape of another tensor."""
    return resize_(input, the_template.shape)
