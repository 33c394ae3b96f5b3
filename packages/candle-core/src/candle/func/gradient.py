"""`grad` and `grad_and_value`: the gradient of a function that returns a number."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from candle import ops
from candle._tensor import Tensor
from candle.func.argnums import Chosen
from candle.func.derivative import Derivative
from candle.func.pytree import rebuild


def _number(name: str, out: Any) -> None:
    if not isinstance(out, Tensor) or out.ndim:
        got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise RuntimeError(f"{name}: the function must return a 0-d tensor, got {got}")
    if out.is_complex():
        raise RuntimeError(f"{name}: the function must return a real number, got {out.dtype}")


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of `func`, and its value.

    >>> import candle
    >>> candle.func.grad_and_value(lambda x: x**3)(candle.tensor(2.0))
    (tensor(12.), tensor(8.))
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen = Chosen(argnums, args)
        at = Derivative("grad", chosen.function(func, kwargs), chosen.values, has_aux, _number)
        grads = rebuild(chosen.form, at.pull([ops.ones_like(at.out)]))
        return at.settled(grads), at.settled((at.out, at.aux) if has_aux else at.out)

    return wrapped


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of `func`, which must return a 0-d tensor.

    >>> import candle
    >>> candle.func.grad(candle.func.grad(candle.sin))(candle.tensor(1.0))
    tensor(-0.8415)
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        grads, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads

    return wrapped
