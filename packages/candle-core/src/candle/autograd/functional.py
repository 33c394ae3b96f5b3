"""Jacobians, Hessians and products with them, in the form of `torch.autograd.functional`.

Inputs and results are a tensor or a tuple of tensors. With `strict`, a derivative that is zero because nothing
leads from the input to the output is an error: usually something was cut off by mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from candle import ops
from candle._tensor import Tensor
from candle.func.derivative import Derivative
from candle.func.jacobians import by_columns, by_rows
from candle.func.pytree import map_leaves

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivative of every output by every input: by output first, then by input.

    All rows are made at once, whether or not `vectorize` asks for it.

    >>> import candle
    >>> candle.autograd.functional.jacobian(lambda x: x * x, candle.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    at = Derivative("jacobian", func, _tuple("jacobian", "inputs", inputs), check=_some)
    return _jacobian(at, inputs, create_graph, strict, vectorize, strategy)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function that returns one number.

    >>> import candle
    >>> candle.autograd.functional.hessian(lambda x: (x**3).sum(), candle.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    at = _gradient("hessian", func, inputs, strict)
    if not isinstance(inputs, tuple):
        at.out = at.outs[0]
    return _jacobian(at, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The outputs, and v^T J: the gradients of the inputs for weights v of the outputs.

    >>> import candle
    >>> candle.autograd.functional.vjp(lambda x: x * x, candle.tensor([1.0, 2.0]), candle.tensor([1.0, 1.0]))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    at = Derivative("vjp", func, _tuple("vjp", "inputs", inputs), check=_some)
    weights = _v("vjp", v, at.outs, "the function returns")
    if strict:
        _refuse_constants(at)
    return _finished(at, at.out, at.pull(weights), isinstance(inputs, tuple), create_graph, strict)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The outputs, and J v: how they change as the inputs move along v.

    >>> import candle
    >>> candle.autograd.functional.jvp(lambda x: x * x, candle.tensor([1.0, 2.0]), candle.tensor([1.0, 0.0]))
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    given = _tuple("jvp", "inputs", inputs)
    tangents = _v("jvp", v, given, "the function takes")
    at = Derivative("jvp", func, given, check=_some)
    if strict:
        _refuse_constants(at)
    return _finished(at, at.out, at.pushing()(*tangents), isinstance(at.out, tuple), create_graph, strict)


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value of a function that returns one number, and v^T H."""
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The same as `vhp`: a Hessian is symmetric."""
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(name: str, func: Any, inputs: Any, v: Any, create_graph: bool, strict: bool) -> Any:
    given = _tuple(name, "inputs", inputs)
    weights = _v(name, v, given, "the function takes")
    at = _gradient(name, func, inputs, strict)
    if strict:
        _refuse_constants(at, "the gradient")
    return _finished(at, at.aux, at.pull(weights), isinstance(inputs, tuple), create_graph, strict)


def _gradient(name: str, func: Callable[..., Any], inputs: Any, strict: bool) -> Derivative:
    """The gradient, as a function that is to be differentiated; the value is its aux."""

    def gradient(*xs: Any) -> Any:
        at = Derivative(name, func, xs, check=_one_number)
        if strict:
            _refuse_constants(at)
        return tuple(at.pull([ops.ones_like(at.out)])), at.out

    return Derivative(name, gradient, _tuple(name, "inputs", inputs), has_aux=True)


def _jacobian(at: Derivative, inputs: Any, create_graph: bool, strict: bool, vectorize: bool, strategy: str) -> Any:
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"{at.name}: the strategy must be 'reverse-mode' or 'forward-mode', got {strategy!r}")
    if strict and (vectorize or strategy == "forward-mode"):
        raise RuntimeError(f"{at.name}: strict=True goes only with vectorize=False and 'reverse-mode'")
    for i, out in enumerate(at.outs if strict else ()):
        _refuse_constants(at, "the gradient" if at.aux is not None else "the function", (i, out))
    found = by_rows(at) if strategy == "reverse-mode" else by_columns(at)
    rows = tuple(tuple(row) if isinstance(inputs, tuple) else row[0] for row in found)
    return _plain(at, rows if isinstance(at.out, tuple) else rows[0], create_graph, strict)


def _finished(at: Derivative, out: Any, found: list[Tensor], several: bool, create_graph: bool, strict: bool) -> Any:
    """The function's result and the product, in the form of what it belongs to."""
    product = tuple(found) if several else found[0]
    return _plain(at, out, create_graph), _plain(at, product, create_graph, strict)


def _plain(at: Derivative, tree: Any, create_graph: bool, strict: bool = False) -> Any:
    def plain(t: Tensor) -> Tensor:
        if create_graph and strict and not t.requires_grad:
            raise RuntimeError(f"{at.name}: with strict=True and create_graph=True, a derivative is a constant")
        return t if create_graph else t.detach()

    return map_leaves(plain, tree)


# What is given and returned


def _tuple(name: str, what: str, given: Any) -> tuple[Tensor, ...]:
    several = given if isinstance(given, tuple) else (given,)
    for x in several:
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: {what} must be a tensor or a tuple of tensors, got {type(x).__name__}")
    return several


def _some(name: str, out: Any) -> None:
    _tuple(name, "the function's result", out)


def _one_number(name: str, out: Any) -> None:
    if not isinstance(out, Tensor) or out.numel() != 1:
        got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise RuntimeError(f"{name}: the function must return a single Tensor of one number, got {got}")


def _v(name: str, v: Any, like: Sequence[Tensor], who: str) -> tuple[Tensor, ...]:
    """The vector to multiply with: one tensor for each of `like`."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"{name}: v may only be left out where {who} one number")
        return (ops.ones_like(like[0].detach()),)
    given = _tuple(name, "v", v)
    if len(given) != len(like):
        raise RuntimeError(f"{name}: v must have as many tensors as {who}, {len(like)}, got {len(given)}")
    for i, (x, t) in enumerate(zip(given, like, strict=True)):
        if x.shape != t.shape:
            raise RuntimeError(f"{name}: v has shape {tuple(x.shape)} where {who} {tuple(t.shape)} (tensor {i})")
    return given


def _refuse_constants(at: Derivative, what: str = "the function", one: tuple[int, Tensor] | None = None) -> None:
    """Strict: every output is made from some input, and every input is used; by one output, or by all together."""
    chosen = list(enumerate(at.outs)) if one is None else [one]
    must = f"of {what} must depend on"
    for i, out in chosen:
        if not any(at.inputs_behind([out])):
            raise RuntimeError(f"{at.name}: with strict=True, output {i} {must} the inputs")
    for j, used in enumerate(at.inputs_behind([out for _, out in chosen])):
        if not used:
            which = "some output" if one is None else f"output {one[0]}"
            raise RuntimeError(f"{at.name}: with strict=True, {which} {must} input {j}")
