"""`stack_module_state`: the parameters of several modules as those of one, for `vmap` over an ensemble."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from candle._tensor import Tensor
from candle.ops.joining import stack


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(parameters, buffers) by name, those of all models stacked; the parameters are leaves that require grad.

    `vmap(lambda state, x: functional_call(models[0], state, x), in_dims=(0, None))` then runs all models at once.
    """
    if not models:
        raise RuntimeError("stack_module_state: expected at least one model")
    if len({(type(m), m.training) for m in models}) > 1:
        raise RuntimeError("stack_module_state: the models must be of one class, and all training or all evaluating")
    return _stacked(m.named_parameters() for m in models), _stacked(m.named_buffers() for m in models)


def _stacked(named: Iterable[Iterable[tuple[str, Tensor]]]) -> dict[str, Tensor]:
    all_of = [dict(each) for each in named]
    return {name: _leaf(name, [each[name] for each in all_of]) for name in all_of[0]}


def _leaf(name: str, tensors: list[Tensor]) -> Tensor:
    if len({t.requires_grad for t in tensors}) > 1:
        raise RuntimeError(f"stack_module_state: {name} requires grad in some of the models and not in others")
    return stack([t.detach() for t in tensors]).requires_grad_(tensors[0].requires_grad)
