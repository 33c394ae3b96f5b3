"""The recorded graph: what `_backward.py` walks back through.

A `Node` is one recorded operation. Its edges say where each input came from: (node, output index), or
(leaf tensor, 0), captured when the operation ran, so that writing into a tensor later cannot change
the past. No Node refers to the Tensors it made: when the last user of a graph goes, so does the graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from candle import _tensor  # built on this module, so used by name only
from candle._modes import enable_grad
from candle.op import Op, StandIn, is_complex_array, unbroadcast

if TYPE_CHECKING:
    from candle._tensor import Tensor
    from candle.backends.base import Backend

Edge = tuple[Any, int]
Grads = list[Any]


_sequence = itertools.count(1)


class Node:
    """One recorded operation: its edges, and what its derivative reads."""

    __slots__ = (
        *("__weakref__", "_edges", "_shapes", "attrs", "backend", "extra", "kernel", "needs", "op", "outputs"),
        *("payload", "saves", "sequence", "versions", "where"),
    )

    def __init__(
        self,
        op: type[Op],
        backend: Backend,
        edges: Sequence[Edge | None],
        needs: tuple[bool, ...],
        attrs: dict[str, Any],
        payload: Any = None,
        versions: Sequence[tuple[Any, int]] = (),
        kernel: Any = None,
    ):
        self.op, self.backend, self._edges, self.attrs, self.kernel = op, backend, edges, attrs, kernel
        self.needs = needs  # which inputs want a gradient
        # (inputs, outs, residuals): arrays where the rule reads them, stand-ins elsewhere.
        # Or a function that gets them back from where they were put, or None once they are freed.
        self.payload = payload
        self.versions = versions  # of what was saved: (storage, its version then)
        self.saves = bool(versions)  # is there anything to free?
        self.outputs = len(payload[1]) if payload else 1
        self.sequence = next(_sequence)  # later operations have higher numbers: an order to go back in
        self.extra: dict[str, dict[Any, Any]] | None = None  # hooks, and outputs that keep their gradients
        self.where: str | None = None  # the line of the user's program, in anomaly mode

    # What users see of it

    def name(self) -> str:
        return f"{self.op.__name__}Backward"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that this one's gradients go to; `AccumulateGrad` stands for a leaf."""
        pairs = [(None, 0) if edge is None else edge for edge in self._edges]
        return tuple((n if n is None or isinstance(n, Node) else AccumulateGrad(n), i) for n, i in pairs)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the results, also where nothing is saved any more."""
        if type(self.payload) is not tuple:
            return self._shapes
        return tuple([tuple(out.shape) for out in self.payload[1] if out is not None])

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`hook(grad_inputs, grad_outputs)` runs after this node and may return new grad_inputs."""
        return RemovableHandle(self.more("after"), hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`hook(grad_outputs)` runs before this node and may return new grad_outputs."""
        return RemovableHandle(self.more("before"), hook)

    def more(self, kind: str) -> dict[Any, Any]:
        """What is known beyond the operation: functions to run "before" and "after" it, "hooks" on the gradient
        of an output by its index, and weak references to the outputs by theirs that are "retained"."""
        if self.extra is None:
            self.extra = {}
        return self.extra.setdefault(kind, {})

    # The derivative

    def load(self) -> Any:
        """What was saved, if nobody has written into it since."""
        payload = self.payload() if callable(self.payload) else self.payload
        if payload is None:
            raise RuntimeError(
                f"{self.name()}: the values saved for this derivative were freed by an earlier backward; "
                f"pass retain_graph=True to the first one to go back twice"
            )
        for storage, version in self.versions:
            if storage.version != version:
                raise RuntimeError(
                    f"{self.name()}: one of the variables needed for gradient computation has been modified by an "
                    f"inplace operation: its version is {storage.version}, expected {version}; "
                    f"use the operation that makes a new tensor, or clone() before writing"
                )
        return payload

    def backward(self, grads: Grads, needs: tuple[bool, ...], create_graph: bool) -> Grads:
        """The gradients of the inputs in `needs`, of the inputs' shapes and dtypes."""
        inputs, outs, residuals = self.load()
        xp, kernel, vjp = self.backend.xp, self.kernel, self.op.vjp
        if create_graph:
            xp, kernel = _namespace(self.backend), None
            inputs, outs = self._attach(inputs, outs)
        grad, out = (grads[0], outs[0]) if self.outputs == 1 else (tuple(grads), tuple(outs))
        results: Any = NotImplemented
        if kernel is not None and kernel.vjp is not None:
            results = kernel.vjp(needs, grad, residuals, out, *inputs, **self.attrs)
        if results is NotImplemented:
            if vjp is not None:
                results = vjp(xp, needs, grad, out, *inputs, **self.attrs)
            else:
                results = self._through_forward(grads, needs, inputs, create_graph)
        fitted: Grads = []
        for needed, result, like in zip(needs, results, inputs):
            if result is None or not needed:
                fitted.append(None)
            elif result.shape == like.shape and (result.dtype is like.dtype or result.dtype == like.dtype):
                fitted.append(result)
            else:
                fitted.append(fit(xp, result, like))
        return fitted

    def _attach(self, inputs: Any, outs: Any) -> tuple[Any, Any]:
        """The saved arrays as Tensors that stand where they stood in the graph."""
        names = self.backend.dtypes

        def tensor(x: Any, edge: Edge | None) -> Any:
            if isinstance(x, StandIn):
                return StandIn(x.shape, names[x.dtype])
            return _tensor.wrap(x, self.backend, edge) if hasattr(x, "dtype") else x

        inputs = tuple(tensor(x, edge) for x, edge in zip(inputs, self._edges, strict=True))
        return inputs, tuple(tensor(x, (self, i)) for i, x in enumerate(outs))

    def _through_forward(self, grads: Grads, needs: tuple[bool, ...], inputs: Any, create_graph: bool) -> Grads:
        """The op has no rule: run its forward on Tensors, and go back through that."""
        if not create_graph:
            grads = [None if g is None else _tensor.wrap(g, self.backend) for g in grads]
            inputs = [_tensor.wrap(x, self.backend) if hasattr(x, "dtype") else x for x in inputs]
        with enable_grad():
            # Fresh edges, so that an input which depends on another does not lead back to it
            inputs = [
                x.alias() if n and create_graph else x.requires_grad_() if n else x
                for x, n in zip(inputs, needs, strict=True)
            ]
            outs = self.op.forward(_namespace(self.backend), *inputs, **self.attrs)
        pairs = [
            (o, g) for o, g in zip(outs if isinstance(outs, tuple) else (outs,), grads, strict=True) if g is not None
        ]
        wanted = [x for x, n in zip(inputs, needs, strict=True) if n]
        from candle._backward import gradients

        found = iter(gradients([o for o, _ in pairs], wanted, [g for _, g in pairs], create_graph=create_graph))
        results = [next(found) if n else None for n in needs]
        return results if create_graph else [None if g is None else g._array for g in results]

    def put_away(self, unpack: Callable[[], Any] | None = None) -> None:
        """Drop what was saved, for good or to be had again from `unpack`; the shapes stay known."""
        self._shapes, self.payload, self.versions = self.shapes, unpack, ()


class AccumulateGrad:
    """Stands for a leaf tensor where a Node is expected."""

    next_functions = ()

    def __init__(self, variable: Tensor):
        self.variable = variable

    def name(self) -> str:
        return "AccumulateGrad"

    def __repr__(self) -> str:
        return "<AccumulateGrad>"


class RemovableHandle:
    """What registering a hook returns; `remove()` takes it back, as does the end of a `with`."""

    def __init__(self, hooks: dict[Any, Any], hook: Any):
        self._hooks = hooks
        hooks[self] = hook

    def remove(self) -> None:
        self._hooks.pop(self, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def _namespace(backend: Backend) -> Any:
    from candle._namespace import namespace_of

    return namespace_of(backend)


def fit(xp: Any, grad: Any, like: Any) -> Any:
    """A gradient in the shape, dtype and realness of its input: done here, once, for all rules."""
    if grad.shape != like.shape:
        grad = unbroadcast(xp, grad, like.shape)
    if grad.dtype != like.dtype:
        if is_complex_array(xp, grad) and not is_complex_array(xp, like):
            grad = xp.real(grad)
        grad = xp.astype(grad, like.dtype)
    return grad
