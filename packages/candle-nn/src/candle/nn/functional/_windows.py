"""Windows over the last dims: what convolution, pooling and unfold look through.

`xp` is a backend's namespace in an op's rules, and the Tensor-level one elsewhere. A window at place i sees
x[stride i + dilation k] for every k below the kernel's size, in each of the dims behind the first two.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from candle import Tensor
from candle._namespace import namespace_of
from candle.ops._common import expect_tensor

Array = Any
Sizes = tuple[int, ...]
Widths = tuple[tuple[int, int], ...]  # elements before and after, for each dim


def namespace(x: Tensor) -> Any:
    """The contract's functions for tensors on x's device."""
    return namespace_of(x._backend)


def counts(sizes: Sequence[int], kernel: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    """How many windows fit into each dim.

    >>> counts((7,), (3,), (2,), (1,))
    (3,)
    """
    each = zip(sizes, kernel, stride, dilation, strict=True)
    return tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in each)


def covered(places: Sequence[int], kernel: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    """How many elements that many windows reach over.

    >>> covered((3,), (3,), (2,), (1,))
    (7,)
    """
    each = zip(places, kernel, stride, dilation, strict=True)
    return tuple((n - 1) * s + d * (k - 1) + 1 for n, k, s, d in each)


def windows(xp: Any, x: Array, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """All windows, as a view where the library can: (N, C, *sizes) -> (N, C, *kernel, *places)."""
    places = counts(x.shape[2:], kernel, stride, dilation)
    shape = (*x.shape[:2], *kernel, *places)
    return xp.take_strided(x, shape=shape, start=(0,) * x.ndim, steps=_steps(stride, dilation))


def overlap_add(xp: Any, seen: Array, sizes: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """What is in all windows, added up where they overlap: (N, C, *kernel, *places) -> (N, C, *sizes)."""
    zeros = xp.zeros((*seen.shape[:2], *sizes), dtype=seen.dtype)
    return xp.add_strided(zeros, seen, start=(0,) * zeros.ndim, steps=_steps(stride, dilation))


@functools.cache
def _steps(stride: Sizes, dilation: Sizes) -> tuple[Sizes, ...]:
    """For each dim of x, how far one step along each dim of the windows moves in it."""
    dims = len(stride)
    rows = [[0] * (2 + 2 * dims) for _ in range(2 + dims)]
    rows[0][0] = rows[1][1] = 1
    for i in range(dims):
        rows[2 + i][2 + i], rows[2 + i][2 + dims + i] = dilation[i], stride[i]
    return tuple(map(tuple, rows))


def widened(xp: Any, x: Array, widths: Widths, value: Any = 0) -> Array:
    """x with more of one value around its last dims; where a width is negative, less of x."""
    if not any(map(any, widths)):
        return x
    lead = x.ndim - len(widths)
    sizes = x.shape[lead:]
    kept = [slice(max(-before, 0), max(n + min(after, 0), 0)) for n, (before, after) in zip(sizes, widths, strict=True)]
    x = x[(*[slice(None)] * lead, *kept)]
    if all(before <= 0 and after <= 0 for before, after in widths):
        return x
    wider = tuple(n + max(before, 0) + max(after, 0) for n, (before, after) in zip(x.shape[lead:], widths, strict=True))
    inside = [slice(max(before, 0), max(before, 0) + n) for n, (before, _) in zip(x.shape[lead:], widths, strict=True)]
    empty = xp.full((*x.shape[:lead], *wider), value, dtype=x.dtype)
    return xp.slice_put(empty, (*[slice(None)] * lead, *inside), x)


def narrowed(xp: Any, x: Array, widths: Widths) -> Array:
    """The opposite."""
    return widened(xp, x, tuple((-before, -after) for before, after in widths))


# Options as users give them


def sizes_of(name: str, option: str, given: Any, dims: int, *, least: int = 1) -> Sizes:
    """One integer for all dims, or one for each.

    >>> sizes_of("conv2d", "stride", 2, 2), sizes_of("conv2d", "stride", (2, 1), 2)
    ((2, 2), (2, 1))
    """
    several = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else (given,)
    several = several * dims if len(several) == 1 else several
    try:
        sizes = tuple(n.__index__() for n in several)
    except AttributeError:
        raise TypeError(f"{name}: {option} must be an integer or {dims} of them, got {given!r}") from None
    if len(sizes) != dims:
        raise RuntimeError(f"{name}: {option} must be one integer or {dims}, got {given}")
    if min(sizes) < least:
        raise RuntimeError(f"{name}: {option} must be {least} at least, got {given}")
    return sizes


def batched(name: str, input: Tensor, dims: int) -> tuple[Tensor, bool]:
    """The input as (N, C, *sizes), and whether the batch dim is new."""
    expect_tensor(name, input, "input")
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}: expected an input of {dims + 1} dims (unbatched) or {dims + 2}, got shape {tuple(input.shape)}"
        )
    single = input.ndim == dims + 1
    if 0 in input.shape[(not single) :]:
        raise RuntimeError(f"{name}: only the batch may be empty, got an input of shape {tuple(input.shape)}")
    return (input.unsqueeze(0) if single else input), single
