"""What the families share: dims as users give them, and NumPy's names for them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from candle.op import Op

F = TypeVar("F", bound=Callable[..., Any])

Dims = int | Sequence[int] | None
Number = Any  # a Tensor or a Python number


class Unary(Op):
    """An elementwise function of one floating-point (or complex) input."""

    promotes, floats = "x", True


class Binary(Op):
    """An elementwise function of two inputs of one dtype, broadcast against each other."""

    promotes = "x y"


def one_dim(dim: int, ndim: int, what: str = "dim") -> int:
    """A dim counted from either end, as one counted from the front.

    >>> one_dim(-1, 3)
    2
    """
    dim = dim.__index__()
    size = max(ndim, 1)
    if not -size <= dim < size:
        raise IndexError(f"{what}: {dim} is out of range for a tensor of {ndim} dimensions (-{size} to {size - 1})")
    return dim % size


def many_dims(dim: Dims, ndim: int) -> tuple[int, ...] | None:
    """The same for several; None, and an empty list, mean all of them."""
    if dim is None:
        return None
    if isinstance(dim, int):
        return (one_dim(dim, ndim),) if ndim else None
    dims = tuple(one_dim(d, ndim) for d in dim)
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim: a dimension appears twice in {tuple(dim)}")
    return dims if dims and ndim else None


def sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    if len(shape) == 1 and isinstance(shape[0], Sequence):
        shape = tuple(shape[0])
    return tuple(s.__index__() for s in shape)


def broadcast_shapes(name: str, *shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that all of these broadcast to."""
    import numpy as np

    try:
        return np.broadcast_shapes(*map(tuple, shapes))
    except ValueError:
        told = ", ".join(str(tuple(s)) for s in shapes)
        raise RuntimeError(
            f"{name}: the shapes {told} do not broadcast: sizes must be equal, or one of them 1"
        ) from None


def reduced_shape(shape: tuple[int, ...], dim: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape with the reduced dims kept as 1."""
    return tuple(1 if dim is None or i in dim else size for i, size in enumerate(shape))


def unsupported(function: str, **options: Any) -> None:
    """Say by name which option is not there yet."""
    for name, given in options.items():
        if given:
            raise NotImplementedError(f"{function}: the option {name}={given!r} is not supported")


def numpy_names(function: F) -> F:
    """Accept `axis` and `keepdims`, as PyTorch does."""

    @functools.wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            if "axis" in kwargs:
                kwargs["dim"] = kwargs.pop("axis")
            if "keepdims" in kwargs:
                kwargs["keepdim"] = kwargs.pop("keepdims")
        return function(*args, **kwargs)

    return renamed  # type: ignore[return-value]
