"""More elements (or fewer) at the ends of dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from candle._apply import apply
from candle._tensor import Tensor
from candle.ops._common import expect_tensor, integers
from candle.ops.joining import cat
from candle.ops.slicing import SlicePut, slice_dim, slice_item

__all__ = ["constant_pad_nd", "pad"]


def _widths(name: str, input: Tensor, pad: Sequence[int]) -> list[tuple[int, int]]:
    """How many more at the start and at the end of each dim; `pad` begins with the last dim."""
    expect_tensor(name, input, "input")
    given = integers(name, (pad,))
    if len(given) % 2 or len(given) > 2 * input.ndim:
        raise RuntimeError(f"{name}: pad must be pairs for at most {input.ndim} dims, got {given}")
    pairs = list(zip(given[::2], given[1::2], strict=True))
    widths = [(0, 0)] * (input.ndim - len(pairs)) + pairs[::-1]
    for dim, (before, after) in enumerate(widths):
        if input.shape[dim] + before + after < 0:
            raise RuntimeError(
                f"{name}: padding {(before, after)} leaves nothing of dim {dim}, size {input.shape[dim]}"
            )
    return widths


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: Any = 0) -> Tensor:
    """One value around the tensor: `pad` is (before, after) of the last dim, then of the one before it, ...

    Negative numbers cut off.

    >>> import candle
    >>> candle.constant_pad_nd(candle.tensor([[1, 2]]), (1, 0, 0, 1))
    tensor([[0, 1, 2],
            [0, 0, 0]])
    """
    widths = _widths("constant_pad_nd", input, pad)
    shape = tuple(size + before + after for size, (before, after) in zip(input.shape, widths, strict=True))
    key = []
    for dim, (before, after) in enumerate(widths):
        size = input.shape[dim]
        input = slice_dim(input, dim, min(max(-before, 0), size), max(size + min(after, 0), 0))
        start = max(before, 0)
        key.append(slice_item(start, start + input.shape[dim], 1, shape[dim]))
    return apply(SlicePut, input.new_full(shape, value), input, key=tuple(key))


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """More elements around the last dims: a constant, or ("reflect", "replicate", "circular") what lies inside."""
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if mode not in OUTSIDE:
        raise NotImplementedError(f"pad: mode must be 'constant', {', '.join(map(repr, OUTSIDE))}, got {mode!r}")
    if value:
        raise ValueError(f"pad: mode {mode!r} takes no value, got {value}")
    widths = _widths("pad", input, pad)
    dims = len(pad) // 2
    if input.ndim not in (dims + 1, dims + 2):
        raise NotImplementedError(
            f"pad: mode {mode!r} pads the last {dims} dims of {dims + 1} or {dims + 2}, got {input.ndim}"
        )
    for dim in range(input.ndim - dims, input.ndim):
        before, after = widths[dim]
        if mode == "circular":  # what is cut off has no part in what is repeated
            input = slice_dim(input, dim, max(-before, 0), input.shape[dim] + min(after, 0))
            before, after = max(before, 0), max(after, 0)
        size = input.shape[dim]
        most = {"reflect": size - 1, "circular": size}.get(mode)
        if not size or (most is not None and max(before, after) > most):
            raise RuntimeError(f"pad: mode {mode!r} cannot pad dim {dim} of size {size} by {widths[dim]}")
        inside = slice_dim(input, dim, max(-before, 0), size + min(after, 0))
        ends = [(-before, min(size + after, 0)), (max(size, -before), size + after)]
        first, last = ([OUTSIDE[mode](input, dim, *end)] if end[0] < end[1] else [] for end in ends)
        input = cat([*first, inside, *last], dim) if before or after else input
    return input


# What stands at start, ..., stop - 1 of a dim, all before its first element or behind its last


def _reflected(x: Tensor, dim: int, start: int, stop: int) -> Tensor:
    twice = 0 if start < 0 else 2 * (x.shape[dim] - 1)
    return slice_dim(x, dim, twice - stop + 1, twice - start + 1).flip(dim)


def _replicated(x: Tensor, dim: int, start: int, stop: int) -> Tensor:
    end = 0 if start < 0 else x.shape[dim] - 1
    return slice_dim(x, dim, end, end + 1).expand(*x.shape[:dim], stop - start, *x.shape[dim + 1 :])


def _circular(x: Tensor, dim: int, start: int, stop: int) -> Tensor:
    turn = x.shape[dim] if start < 0 else -x.shape[dim]
    return slice_dim(x, dim, start + turn, stop + turn)


OUTSIDE = {"reflect": _reflected, "replicate": _replicated, "circular": _circular}
