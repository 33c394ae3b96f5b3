"""What the families share: dims as users give them, and NumPy's names for them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from operator import index
from typing import Any, TypeVar

from candle import _dtypes
from candle.op import Op

F = TypeVar("F", bound=Callable[..., Any])

Dims = int | Sequence[int] | None
Number = Any  # a Tensor or a Python number
SEQUENCE = (tuple, list, Sequence)  # the first two answer ten times as fast
HALVES = (_dtypes.float16, _dtypes.bfloat16)


class Unary(Op):
    """An elementwise function of one floating-point (or complex) input."""

    promotes, floats = "x", True


class RealUnary(Unary):
    """The same, of real numbers only."""

    real = True


class Binary(Op):
    """An elementwise function of two inputs of one dtype, broadcast against each other."""

    promotes = "x y"


def _operation() -> str:
    """What somebody called, for an error: the first public function above that is not of this file."""
    frame: Any = sys._getframe(2)
    while frame.f_code.co_filename == __file__ or frame.f_code.co_name[0] in "_<":
        frame = frame.f_back
    return str(frame.f_code.co_name)


def one_dim(dim: int, ndim: int, what: str | None = None) -> int:
    """A dim counted from either end, as one counted from the front.

    >>> one_dim(-1, 3)
    2
    """
    if type(dim) is int and -ndim <= dim < ndim:
        return dim % ndim
    size = max(ndim, 1)
    if not hasattr(dim, "__index__"):
        raise TypeError(f"{what or _operation()}: dim must be an integer, got {dim!r}")
    dim = dim.__index__()
    if not -size <= dim < size:
        raise IndexError(
            f"{what or _operation()}: dim {dim} is out of range for a tensor of {ndim} dimensions "
            f"(-{size} to {size - 1})"
        )
    return dim % size


def several(given: Any) -> bool:
    """Whether these are several numbers, not one: that may be NumPy's, or a tensor without dims."""
    return isinstance(given, Iterable) and getattr(given, "ndim", 1) > 0


def many_dims(dim: Dims, ndim: int) -> tuple[int, ...] | None:
    """The same for several; None, and an empty list, mean all of them."""
    if dim is None:
        return None
    if isinstance(dim, int) or not several(dim):
        one = one_dim(dim, ndim)  # type: ignore[arg-type]
        return (one,) if ndim else None
    dims = tuple([one_dim(d, ndim) for d in dim])
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"{_operation()}: a dim appears twice in {tuple(dim)}")
    return dims if dims and ndim else None


def integers(function: str, spread: tuple[Any, ...], together: Sequence[Any] | None = None) -> tuple[int, ...]:
    """The sizes, or dims, that somebody gave as `f(2, 3)`, as `f((2, 3))` or as `f(size=(2, 3))`.

    >>> integers("f", (2, 3)), integers("f", ((2, 3),)), integers("f", (), (2, 3))
    ((2, 3), (2, 3), (2, 3))
    """
    if together is not None and spread:
        raise TypeError(f"{function}: give either {spread} or, by keyword, {together}, not both")
    given: Any = together
    if given is None:
        given = spread[0] if len(spread) == 1 and isinstance(spread[0], SEQUENCE) else spread
    try:
        return tuple(map(index, given))
    except TypeError:
        raise TypeError(f"{function}: expected a tuple of integers, got {given}") from None


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


def expect_tensor(function: str, x: Any, what: str) -> None:
    if not hasattr(x, "_backend"):
        raise TypeError(f"{function}: {what} must be a Tensor, got {type(x).__name__}; use candle.tensor")


def reduced_shape(shape: tuple[int, ...], dim: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape with the reduced dims kept as 1."""
    return tuple(1 if dim is None or i in dim else size for i, size in enumerate(shape))


def unsupported(function: str, **options: Any) -> None:
    """Say by name which option is not there yet."""
    for name, given in options.items():
        if given:
            raise NotImplementedError(f"{function}: the option {name}={given!r} is not supported")


def also_named(**names: str) -> Callable[[F], F]:
    """Accept other names of parameters, too: `@also_named(axis="dim")`."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def renamed(*args: Any, **kwargs: Any) -> Any:
            for other in filter(kwargs.__contains__, names) if kwargs else ():
                if names[other] in kwargs:
                    raise TypeError(f"{function.__name__}: {other} and {names[other]} are the same; give one of them")
                kwargs[names[other]] = kwargs.pop(other)
            return function(*args, **kwargs)

        return renamed  # type: ignore[return-value]

    return decorate


numpy_names = also_named(axis="dim", keepdims="keepdim")  # as PyTorch does
