"""Other shapes and orders."""

from __future__ import annotations

from typing import Any

from candle import ops
from candle._tensor import Tensor
from candle.array_api._dtypes import axes_of, expect, result_type

__all__ = [
    "broadcast_arrays",
    "broadcast_to",
    "concat",
    "expand_dims",
    "flip",
    "moveaxis",
    "permute_dims",
    "repeat",
    "reshape",
    "roll",
    "squeeze",
    "stack",
    "tile",
    "unstack",
]


def broadcast_arrays(*arrays: Tensor) -> tuple[Tensor, ...]:
    """All in the shape that they broadcast to."""
    return tuple(ops.broadcast_tensors(*arrays))


def broadcast_to(x: Tensor, /, shape: tuple[int, ...]) -> Tensor:
    """x repeated to a shape."""
    return ops.broadcast_to(x, shape)


def concat(arrays: Any, /, *, axis: int | None = 0) -> Tensor:
    """One after the other along an axis; None flattens them first."""
    kind = result_type(*arrays)
    arrays = [x.to(kind) for x in arrays]
    if axis is None:
        return ops.cat([x.reshape(-1) for x in arrays])
    return ops.cat(arrays, axes_of(axis, arrays[0].ndim)[0])


def stack(arrays: Any, /, *, axis: int = 0) -> Tensor:
    """Side by side along a new axis."""
    kind = result_type(*arrays)
    return ops.stack([x.to(kind) for x in arrays], axis)


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The parts along an axis."""
    return tuple(ops.unbind(x, axis))


def expand_dims(x: Tensor, /, axis: int) -> Tensor:
    """With a new axis of size 1."""
    return ops.unsqueeze(x, axis)


def squeeze(x: Tensor, /, axis: int | tuple[int, ...]) -> Tensor:
    """Without these axes, which must have size 1."""
    axes = axes_of(axis, x.ndim)
    if any(x.shape[d] != 1 for d in axes):
        raise ValueError(f"squeeze: axis {axis} of shape {tuple(x.shape)} is not of size 1")
    return x.reshape([size for d, size in enumerate(x.shape) if d not in axes])


def flip(x: Tensor, /, *, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """In reverse along these axes, or along all."""
    return ops.flip(x, axes_of(axis, x.ndim))


def moveaxis(x: Tensor, source: int | tuple[int, ...], destination: int | tuple[int, ...], /) -> Tensor:
    """Some axes at other places, the others in their order."""
    return ops.movedim(x, source, destination)


def permute_dims(x: Tensor, /, axes: tuple[int, ...]) -> Tensor:
    """The axes in another order."""
    return ops.permute(x, axes)


def repeat(x: Tensor, repeats: int | Tensor, /, *, axis: int | None = None) -> Tensor:
    """Each element several times; None flattens first."""
    return ops.repeat_interleave(x, repeats, axis)


def tile(x: Tensor, repetitions: tuple[int, ...], /) -> Tensor:
    """The whole array several times along each axis."""
    return ops.tile(x, repetitions)


def reshape(x: Tensor, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """The same elements, row by row, in another shape."""
    expect("reshape", "any", x)
    if copy is False:
        return x.view(shape)
    return ops.reshape(x.clone() if copy else x, shape)


def roll(x: Tensor, /, shift: int | tuple[int, ...], *, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Shifted, what leaves at one end coming back at the other; None flattens first."""
    if isinstance(shift, int) and isinstance(axis, tuple):
        shift = (shift,) * len(axis)
    return ops.roll(x, shift, axis)
