"""Gradients: `backward`, `grad`, functions with a gradient of their own, and checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from candle import _backward as _backward
from candle._modes import enable_grad, inference_mode, no_grad, set_grad_enabled
from candle._tensor import Tensor
from candle.autograd import graph
from candle.autograd.anomaly import detect_anomaly, set_detect_anomaly
from candle.autograd.function import Function
from candle.autograd.gradcheck import gradcheck, gradgradcheck

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]

Tensors = Tensor | Sequence[Tensor]


class _OfTensors(type):
    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Tensor)


class Variable(metaclass=_OfTensors):
    """What tensors with gradients were called once: `Variable(t)` is a tensor on the memory of `t`."""

    def __new__(cls, data: Tensor, requires_grad: bool = False) -> Tensor:  # type: ignore[misc]
        return data.detach().requires_grad_(requires_grad)


def _many(x: Any) -> list[Any]:
    return [x] if x is None or isinstance(x, Tensor) else list(x)


def backward(
    tensors: Tensors,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` to the `.grad` of every leaf they were made from, or of `inputs` only.

    >>> import candle
    >>> x = candle.tensor(3.0, requires_grad=True)
    >>> candle.autograd.backward(x * x)
    >>> x.grad
    tensor(6.)
    """
    grads = None if grad_tensors is None else _many(grad_tensors)
    _backward.backward(_many(tensors), grads, retain_graph, create_graph, None if inputs is None else _many(inputs))


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` (weighted by `grad_outputs`, summed) by `inputs`.

    >>> import candle
    >>> x = candle.tensor(2.0, requires_grad=True)
    >>> (first,) = candle.autograd.grad(x**3, x, create_graph=True)
    >>> candle.autograd.grad(first, x)
    (tensor(12.),)
    """
    outs, ins = _many(outputs), _many(inputs)
    if is_grads_batched:
        from candle.func import vmap

        unused: set[int] = set()

        def one(g: Any) -> Any:  # recorded, since recorded derivatives are ops, and ops know batches
            found = grad(outs, ins, g, True, True, True, allow_unused, False, materialize_grads)
            unused.update(i for i, x in enumerate(found) if x is None)
            return tuple(x for x in found if x is not None)

        batched = iter(vmap(one)(tuple(_many(grad_outputs))))
        return tuple(
            None if i in unused else next(batched) if create_graph else next(batched).detach() for i in range(len(ins))
        )
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True needs allow_unused to be None or True")
    grads = None if grad_outputs is None else _many(grad_outputs)
    if not ins:
        raise RuntimeError("grad: inputs must not be empty")
    for i, x in enumerate(ins):
        if not x.requires_grad:
            raise RuntimeError(f"grad: input {i} does not require grad")
    keep = create_graph if retain_graph is None else retain_graph
    # weights that differ from example to example, inside vmap: only recorded derivatives know batches
    batched = any(g is not None and g._backend.level > o._backend.level for g, o in zip(grads or (), outs))
    found = _backward.gradients(outs, ins, grads, keep=keep, create_graph=create_graph or batched)
    if batched and not create_graph:
        found = [None if g is None else g.detach() for g in found]
    for i, g in enumerate(found):
        if g is None and materialize_grads:
            found[i] = ins[i].detach().new_zeros(ins[i].shape)
        elif g is None and not allow_unused:
            raise RuntimeError(
                f"grad: input {i} was not used for the outputs; pass allow_unused=True to get None for it"
            )
    return tuple(found)


def __getattr__(name: str) -> Any:
    if name == "functional":  # it brings vmap with it
        from importlib import import_module

        return import_module("candle.autograd.functional")
    raise AttributeError(f"module 'candle.autograd' has no attribute {name!r}")
