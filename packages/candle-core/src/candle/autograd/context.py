"""`ctx`: what a Function's `forward` leaves for its `backward`."""

from __future__ import annotations

from typing import Any

from candle._graph import Edge, Node
from candle._tensor import Tensor, wrap
from candle._views import storage_of


class Context:
    """What `forward` leaves for `backward`."""

    def __init__(self) -> None:
        self.saved: list[Any] = []  # (array, edge or output index, storage, version)
        self.to_save: tuple[Any, ...] = ()
        self.dirty: tuple[Tensor, ...] = ()
        self.non_differentiable: tuple[Tensor, ...] = ()
        self.materialize = True
        self.needs_input_grad: tuple[bool, ...] = ()
        self.node: Any = None
        self.loaded: tuple[Tensor | None, ...] | None = None  # the saved tensors, where they are at hand

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs for `backward`, where they are `ctx.saved_tensors`."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """For a `jvp` of one's own, which nobody calls here: forward derivatives are made of `backward`."""

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs `forward` changed in place."""
        self.dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs carry no gradient."""
        self.non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether missing gradients of outputs come to `backward` as zeros (True) or None."""
        self.materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        if self.loaded is not None:
            return self.loaded
        node = self.node()
        return tuple(None if each is None else each.load(node) for each in self.saved)


class Saved:
    """A tensor kept for later: its array and its place in the graph, without keeping the graph's outputs alive."""

    def __init__(self, t: Tensor, edge: Edge | int | None):
        self.array, self.backend, self.edge = t.current(), t._backend, edge
        self.storage, self.pack = storage_of(t), None
        self.version = self.storage.version

    def load(self, node: Node) -> Tensor:
        if self.storage.version != self.version:
            raise RuntimeError(f"{node.name()}: a saved tensor has been modified by an inplace operation since")
        return wrap(self.array, self.backend, (node, self.edge) if isinstance(self.edge, int) else self.edge)
