"""The same elements in other places, or several times. All results are copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Dims, integers, many_dims, one_dim
from candle.ops.creation import arange, tensor
from candle.ops.joining import cat
from candle.ops.searching import searchsorted

__all__ = ["flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile"]


class Flip(Op):
    """x with the order along dims reversed;  dx = grad reversed"""

    name = "flip"

    def forward(xp, x, *, dims):
        return xp.flip(x, axis=dims)

    def vjp(xp, needs, grad, out, x, *, dims):
        return (xp.flip(grad, axis=dims),)


# What users call


@method()
def flip(input: Tensor, dims: Dims, *more: int) -> Tensor:
    """The order along some dims reversed (a copy)."""
    wanted = integers("flip", (dims, *more))
    return apply(Flip, input, dims=many_dims(wanted, input.ndim)) if wanted else input.clone()


@method()
def fliplr(input: Tensor) -> Tensor:
    """The columns in reversed order."""
    if input.ndim < 2:
        raise RuntimeError(f"fliplr: expects at least 2 dims, got shape {tuple(input.shape)}")
    return flip(input, 1)


@method()
def flipud(input: Tensor) -> Tensor:
    """The rows in reversed order."""
    if input.ndim < 1:
        raise RuntimeError("flipud: a 0-d tensor has no rows")
    return flip(input, 0)


@method()
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """The elements moved on along some dims (through all of them in order, if none are given), around the ends.

    >>> import candle
    >>> candle.arange(5).roll(2)
    tensor([3, 4, 0, 1, 2])
    """
    steps, places = integers("roll", (shifts,)), () if dims is None else integers("roll", (dims,))
    if not places:
        if len(steps) != 1:
            raise RuntimeError(f"roll: {len(steps)} shifts need as many dims")
        return roll(input.reshape(-1), steps, 0).reshape(input.shape)
    if len(steps) != len(places):
        raise RuntimeError(f"roll: {len(steps)} shifts for {len(places)} dims; give one for each")
    if not input.ndim:
        raise IndexError("roll: a 0-d tensor has no dims")
    result = input.clone()
    for step, dim in zip(steps, (one_dim(d, input.ndim) for d in places), strict=True):
        size = input.shape[dim]
        if size and step % size:
            cut = size - step % size
            result = cat([result.narrow(dim, cut, size - cut), result.narrow(dim, 0, cut)], dim)
    return result


@method()
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """The plane of two dims turned k times by 90 degrees, from the first towards the second."""
    if len(dims) != 2 or input.ndim < 2:
        raise RuntimeError(f"rot90: expects two dims of at least 2, got dims {tuple(dims)} of {input.ndim}")
    a, b = (one_dim(d, input.ndim) for d in dims)
    if a == b:
        raise RuntimeError(f"rot90: the two dims must differ, got {tuple(dims)}")
    turned = [input.clone, lambda: flip(input, b).transpose(a, b), lambda: flip(input, (a, b))]
    return [*turned, lambda: flip(input, a).transpose(a, b)][k % 4]()


@method()
def repeat(input: Tensor, *times: Any, repeats: Sequence[int] | None = None) -> Tensor:
    """The whole tensor so many times along each dim; more numbers than dims make new dims in front.

    >>> import candle
    >>> candle.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    numbers = integers("repeat", times, repeats)
    extra = len(numbers) - input.ndim
    if extra < 0 or any(n < 0 for n in numbers):
        raise RuntimeError(f"repeat: expects {input.ndim} numbers or more, none of them negative, got {numbers}")
    sizes = (1,) * extra + tuple(input.shape)
    split = input.reshape([n for size in sizes for n in (1, size)])
    wide = split.expand([n for pair in zip(numbers, sizes, strict=True) for n in pair])
    return wide.reshape([n * size for n, size in zip(numbers, sizes, strict=True)]).clone()


@method()
def tile(input: Tensor, dims: Any, *more: int) -> Tensor:
    """`repeat`, with missing numbers in front taken as 1."""
    times = integers("tile", (dims, *more))
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@method()
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element several times in a row: as often as `repeats`, or its element for this position, says.

    Given alone, `input` is the repeats of 0, 1, 2, ...

    >>> import candle
    >>> candle.tensor([7, 8]).repeat_interleave(candle.tensor([1, 2]))
    tensor([7, 8, 8])
    """
    if repeats is None:
        input, repeats = arange(input.shape[0], device=input.device), input
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = one_dim(dim, input.ndim)
    if type(repeats) is int and repeats > 1 and output_size in (None, input.shape[dim] * repeats):
        each = input.unsqueeze(dim + 1).expand(*input.shape[: dim + 1], repeats, *input.shape[dim + 1 :])
        return each.flatten(dim, dim + 1)
    if not isinstance(repeats, Tensor):
        repeats = tensor(repeats, device=input.device)
    if repeats.numel() == 1:
        repeats = repeats.reshape(1).expand(input.shape[dim])
    if repeats.ndim != 1 or repeats.shape[0] != input.shape[dim]:
        raise RuntimeError(
            f"repeat_interleave: {tuple(repeats.shape)} repeats for {input.shape[dim]} elements along dim {dim}"
        )
    if repeats.numel() and bool((repeats < 0).any()):
        raise RuntimeError("repeat_interleave: repeats must not be negative")
    ends = repeats.cumsum(0)
    total = output_size if output_size is not None else int(ends[-1]) if len(ends) else 0
    return input.index_select(dim, searchsorted(ends, arange(total, device=input.device), right=True))
