"""In place: the diagonal, or each element by a Python function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle._attach import method
from candle._tensor import Tensor
from candle.ops.creation import tensor

__all__: list[str] = []


# What users call


@method()
def fill_diagonal_(input: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """In place: one value on the diagonal; with `wrap` it starts anew below the square part of a tall matrix.

    >>> import candle
    >>> candle.zeros(2, 3).fill_diagonal_(1)
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if input.ndim < 2:
        raise RuntimeError(f"fill_diagonal_: expected at least 2 dims, got shape {tuple(input.shape)}")
    if input.ndim > 2 and len(set(input.shape)) > 1:
        raise RuntimeError(f"fill_diagonal_: more than 2 dims must be of one size, got {tuple(input.shape)}")
    starts = range(0, input.shape[0], input.shape[1] + 1) if wrap and input.ndim == 2 else (0,)
    for start in starts:
        diagonal = input[start:]
        while diagonal.ndim > 1:
            diagonal = diagonal.diagonal(dim1=0, dim2=-1)
        diagonal.fill_(fill_value)
    return input


@method()
def apply_(input: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """In place: callable(element), a call for each element: slow."""
    return _replace(input, callable, input)


@method()
def map_(input: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """In place: callable(element, element of the other tensor), a call for each: slow."""
    return _replace(input, callable, input, tensor.expand(input.shape))


def _replace(input: Tensor, function: Callable[..., Any], *sources: Tensor) -> Tensor:
    values = list(map(function, *(source.flatten().tolist() for source in sources)))
    return input.copy_(tensor(values, dtype=input.dtype).reshape(input.shape))
