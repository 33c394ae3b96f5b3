"""Products with Jacobians: `vjp` from the side of the outputs, `jvp` from that of the inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle.func.derivative import Derivative, differentiable
from candle.func.pytree import leaves_like, leaves_of, rebuild


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """func(*primals), and a function from weights of its outputs to the gradients of its inputs.

    >>> import candle
    >>> out, pull = candle.func.vjp(lambda x: x * x, candle.tensor(3.0))
    >>> out, pull(candle.tensor(1.0))
    (tensor(9.), (tensor(6.),))
    """
    at = Derivative("vjp", func, primals, has_aux, differentiable)

    def pull(weights: Any) -> Any:
        given = leaves_like(weights, at.out, "vjp: the weights")
        at.expect("a weight", given, at.outs)
        return at.settled(rebuild(primals, at.pull(given)), *given)

    return (at.settled(at.out), pull, at.settled(at.aux)) if has_aux else (at.settled(at.out), pull)


def jvp(
    func: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """func(*primals), and how it changes along `tangents`.

    With `strict`, every output must depend on the inputs; otherwise those that do not have a change of zero.

    >>> import candle
    >>> candle.func.jvp(candle.sin, (candle.tensor(0.0),), (candle.tensor(2.0),))
    (tensor(0.), tensor(2.))
    """
    if not isinstance(primals, tuple) or not leaves_of(primals):
        raise TypeError(f"jvp: primals must be a tuple of one or more inputs, got {type(primals).__name__}")
    given = leaves_like(tangents, primals, "jvp: the tangents")
    at = Derivative("jvp", func, primals, has_aux)
    at.expect("a tangent", given, at.ins)
    if strict and not all(any(at.inputs_behind([o])) for o in at.outs):
        raise RuntimeError("jvp: with strict=True every output must depend on the inputs, and one does not")
    pushed = rebuild(at.out, at.pushing()(*given))
    results = (at.settled(at.out, *given), at.settled(pushed, *given))
    return (*results, at.settled(at.aux)) if has_aux else results
