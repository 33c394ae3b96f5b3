"""Pruning: parameters without some of their elements, or some of their slices, as in `torch.nn.utils.prune`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import candle
from candle import Tensor
from candle.nn.modules.module import Module
from candle.nn.utils._pruning import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
    handle_of,
    worth_of,
)
from candle.nn.utils.convert_parameters import parameters_to_vector

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]

M = TypeVar("M", bound=Module)

# Each prunes the parameter `name` of a module, and returns the module


def identity(module: M, name: str) -> M:
    """Prune nothing, but hold the parameter as a pruned one."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: float) -> M:
    """Prune so many elements (an int), or such a part of them (a float), at random."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: M, name: str, amount: float, importance_scores: Tensor | None = None) -> M:
    """Prune the elements nearest to zero.

    >>> import candle
    >>> layer = candle.nn.Linear(2, 1)
    >>> layer.weight.data = candle.tensor([[3.0, -1.0]])
    >>> l1_unstructured(layer, "weight", amount=1).weight
    tensor([[3., -0.]], grad_fn=<MulBackward>)
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: float, dim: int) -> M:
    """Prune slices along a dim at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: M, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None) -> M:
    """Prune the slices along a dim with the smallest n-norms."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune where a mask is 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: Callable[..., BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters, (module, name) each, as if they were one: `amount` is of all their elements."""
    places, scores = list(parameters), importance_scores or {}
    tensors = [getattr(module, name) for module, name in places]
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(f"global_unstructured: {type(method).__name__} prunes {method.PRUNING_TYPE}, not elements")
    worth = [worth_of(t, scores.get(place)).detach() for place, t in zip(places, tensors, strict=True)]
    masks = [getattr(module, f"{name}_mask", candle.ones_like(t)) for (module, name), t in zip(places, tensors)]
    mask = PruningContainer(method).compute_mask(parameters_to_vector(worth), parameters_to_vector(masks))
    for (module, name), t, part in zip(places, tensors, mask.split([t.numel() for t in tensors]), strict=True):
        custom_from_mask(module, name, part.reshape(t.shape))


def remove(module: M, name: str) -> M:
    """Make a pruned parameter a plain one again; its values stay pruned."""
    handle = handle_of(module, name)
    if handle is None:
        raise ValueError(f"remove: {name!r} of {type(module).__name__} is not pruned")
    module._forward_pre_hooks[handle][0].remove(module)  # type: ignore[attr-defined]
    handle.remove()
    return module


def is_pruned(module: Module) -> bool:
    """Whether anything in the module is pruned."""
    hooks = [hook for each in module.modules() for hook, _ in each._forward_pre_hooks.values()]
    return any(isinstance(hook, BasePruningMethod) for hook in hooks)
