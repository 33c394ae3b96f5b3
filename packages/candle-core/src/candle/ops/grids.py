"""All pairs, triples, ... of the elements of several tensors."""

from __future__ import annotations

import itertools
from typing import Any

from candle._tensor import Tensor
from candle.ops.creation import tensor
from candle.ops.joining import stack

__all__ = ["cartesian_prod", "combinations", "meshgrid"]


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of the grid of some vectors, one tensor for each: its dims follow the vectors.

    With indexing="xy" the first two dims are swapped, as for images and plots.

    >>> import candle
    >>> candle.meshgrid(candle.tensor([1, 2]), candle.tensor([3, 4, 5]), indexing="ij")[1]
    tensor([[3, 4, 5],
            [3, 4, 5]])
    """
    given = list(tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors)
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    if not given or any(x.ndim > 1 or x.dtype is not given[0].dtype for x in given):
        raise RuntimeError(
            f"meshgrid: expects vectors of one dtype, got {', '.join(f'{x.dtype} {tuple(x.shape)}' for x in given)}"
        )
    shape = [x.numel() for x in given]
    grids = [x.reshape([-1 if d == i else 1 for d in range(len(given))]).expand(shape) for i, x in enumerate(given)]
    return tuple(x.transpose(0, 1) for x in grids) if indexing == "xy" and len(given) > 1 else tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element of each vector, a row for each."""
    if any(x.ndim != 1 for x in tensors):
        raise RuntimeError(f"cartesian_prod: expects vectors, got {', '.join(str(tuple(x.shape)) for x in tensors)}")
    return tensors[0] if len(tensors) == 1 else stack([x.reshape(-1) for x in meshgrid(*tensors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector in their order, a row for each.

    >>> import candle
    >>> candle.combinations(candle.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if input.ndim != 1 or r < 0:
        raise RuntimeError(f"combinations: expects a vector and r >= 0, got shape {tuple(input.shape)} and r={r}")
    if not r:
        return input.new_empty(0)
    choose: Any = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = list(choose(range(input.shape[0]), r))
    return input[tensor(places, device=input.device)] if places else input.new_empty(0, r)
