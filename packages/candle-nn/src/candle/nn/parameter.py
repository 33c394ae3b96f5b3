"""Tensors that a module registers when they are assigned to it: parameters, which are trained, and buffers."""

from __future__ import annotations

from typing import Any

from candle import Tensor

__all__ = ["Buffer", "Parameter"]


class Parameter(Tensor):
    """A tensor to be trained: assigned to a module, it is one of its `parameters()`.

    >>> import candle
    >>> layer = candle.nn.Module()
    >>> layer.scale = Parameter(candle.ones(2))
    >>> [name for name, _ in layer.named_parameters()]
    ['scale']
    """

    def __init__(self, data: Any = (), requires_grad: bool = True):
        super().__init__(data, requires_grad=requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        copy = super().__deepcopy__(memo)
        copy.grad = None  # a copied model begins without gradients, as in PyTorch
        return copy

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that belongs to a module's state and is not trained: assigned to it, it is one of its `buffers()`."""

    def __init__(self, data: Any = (), *, persistent: bool = True):
        super().__init__(data)
        self.persistent = persistent
