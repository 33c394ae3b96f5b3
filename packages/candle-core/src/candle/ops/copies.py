"""`<view>_copy`: the function that makes a view, and then a copy of what it shows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from candle._attach import method
from candle._tensor import Tensor
from candle.ops.diagonals import diagonal
from candle.ops.dims import permute, t, transpose
from candle.ops.shape import expand, squeeze, unsqueeze, view
from candle.ops.slicing import narrow, select
from candle.ops.splitting import split_with_sizes, unbind
from candle.ops.striding import as_strided, unfold

__all__ = [
    "alias_copy",
    "as_strided_copy",
    "diagonal_copy",
    "expand_copy",
    "narrow_copy",
    "permute_copy",
    "select_copy",
    "split_with_sizes_copy",
    "squeeze_copy",
    "t_copy",
    "transpose_copy",
    "unbind_copy",
    "unfold_copy",
    "unsqueeze_copy",
    "view_copy",
]


def _copying(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def copy(*args: Any, **kwargs: Any) -> Any:
        shown = function(*args, **kwargs)
        return tuple(x.clone() for x in shown) if isinstance(shown, tuple) else shown.clone()

    copy.__name__ = copy.__qualname__ = f"{function.__name__}_copy"
    copy.__module__, copy.__doc__ = __name__, f"`{function.__name__}`, as a copy with memory of its own."
    return copy


def alias_copy(input: Tensor) -> Tensor:
    """All of it, as a copy with memory of its own."""
    return input.clone()


as_strided_copy = _copying(as_strided)
diagonal_copy = _copying(diagonal)
expand_copy = _copying(expand)
narrow_copy = method()(_copying(narrow))
permute_copy = _copying(permute)
select_copy = _copying(select)
split_with_sizes_copy = _copying(split_with_sizes)
squeeze_copy = _copying(squeeze)
t_copy = _copying(t)
transpose_copy = _copying(transpose)
unbind_copy = _copying(unbind)
unfold_copy = _copying(unfold)
unsqueeze_copy = _copying(unsqueeze)
view_copy = _copying(view)
