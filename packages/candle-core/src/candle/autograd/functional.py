"""Jacobians, Hessians and products with them, in the form of `torch.autograd.functional`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle import func as _func
from candle._tensor import Tensor
from candle.func.pytree import map_leaves

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _inputs(inputs: Any) -> tuple[Any, ...]:
    return inputs if isinstance(inputs, tuple) else (inputs,)


def _refuse_strict(strict: bool) -> None:
    if strict:
        raise NotImplementedError("autograd.functional: the option strict=True is not supported")


def _plain(tree: Any, create_graph: bool) -> Any:
    return tree if create_graph else map_leaves(lambda t: t.detach() if isinstance(t, Tensor) else t, tree)


def _by_count(inputs: Any, grads: Any) -> Any:
    return grads if isinstance(inputs, tuple) else grads[0]


def _weights(out: Any, v: Any) -> Any:
    if v is None:
        if not isinstance(out, Tensor) or out.numel() != 1:
            raise RuntimeError("v may only be left out where the function returns one number")
        return out.detach().new_ones(out.shape)
    return v


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivative of every output by every input: by output first, then by input.

    >>> import candle
    >>> candle.autograd.functional.jacobian(lambda x: x * x, candle.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    _refuse_strict(strict)
    given = _inputs(inputs)
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"jacobian: strategy must be 'reverse-mode' or 'forward-mode', got {strategy!r}")
    make = _func.jacfwd if strategy == "forward-mode" else _func.jacrev
    result = make(func, tuple(range(len(given))))(*given)
    if not isinstance(inputs, tuple):
        several = isinstance(result[0], tuple)
        result = tuple(each[0] for each in result) if several else result[0]
    return _plain(result, create_graph)


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False
) -> Any:
    """The second derivatives of a function that returns one number."""
    _refuse_strict(strict)
    given = _inputs(inputs)
    result = _func.hessian(lambda *xs: func(*xs).reshape(()), tuple(range(len(given))))(*given)
    return _plain(result if isinstance(inputs, tuple) else result[0][0], create_graph)


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The outputs, and v^T J: the gradients of the inputs for weights v of the outputs."""
    _refuse_strict(strict)
    out, pull = _func.vjp(func, *_inputs(inputs))
    grads = pull(_weights(out, v)) if not isinstance(v, tuple) else pull(*v)
    return _plain(out, create_graph), _plain(_by_count(inputs, grads), create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The outputs, and J v: how they change as the inputs move along v."""
    _refuse_strict(strict)
    given = _inputs(inputs)
    v = _weights(given[0], v) if len(given) == 1 else v
    out, change = _func.jvp(func, given, _inputs(v))
    return _plain(out, create_graph), _plain(change, create_graph)


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value, and v^T H."""
    _refuse_strict(strict)
    given = _inputs(inputs)
    v = _weights(given[0], v) if len(given) == 1 else v
    _, pull = _func.vjp(_func.grad(lambda *xs: func(*xs).reshape(()), tuple(range(len(given)))), *given)
    products = pull(*_inputs(v))
    return _plain(func(*given), create_graph), _plain(_by_count(inputs, products), create_graph)


hvp = vhp  # a Hessian is symmetric
