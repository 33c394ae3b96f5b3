"""The walk that takes gradients back through the graph, from the results to the leaves."""

from __future__ import annotations

import functools
import heapq
import math
import operator
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from candle import _tensor, _views  # built on this module, so used by name only
from candle._graph import Edge, Grads, Node
from candle._modes import special, state

if TYPE_CHECKING:
    from candle._tensor import Tensor
    from candle.backends.base import Backend


def run(
    roots: Sequence[tuple[Edge, Any]],
    *,
    wanted: Sequence[Edge] | None = None,
    keep: bool = False,
    create_graph: bool = False,
) -> list[Any]:
    """Take gradients from the roots to the leaves, or only to the `wanted` edges, which are returned.

    The latest operation goes first: all who used its result came after it, so all its gradients have
    arrived and it runs once; no recursion. The leaves come last. Gradients are raw arrays, or Tensors
    where the walk itself is to be recorded.
    """
    useful = {} if wanted is None else _leading_to([edge[0] for edge in wanted], [edge[0] for edge, _ in roots])
    before, state.grad = state.grad, create_graph
    try:
        return _Walk(useful, wanted, keep, create_graph).run(roots)
    finally:
        state.grad = before


class _Walk:
    """One backward pass."""

    def __init__(
        self, useful: dict[Any, tuple[bool, ...]], wanted: Sequence[Edge] | None, keep: bool, create_graph: bool
    ):
        self.useful, self.wanted, self.keep, self.create_graph = useful, wanted, keep, create_graph
        self.arrived: dict[Any, Grads] = {}  # gradients of a target's outputs; None where none has come yet
        self.mine: set[Edge] = set()  # sums that the walk made, which it may add to in place
        self.nodes: list[tuple[int, Node]] = []  # a heap: the latest operation first
        self.leaves: list[Tensor] = []
        self.found: dict[Edge, Any] = dict.fromkeys(wanted or ())

    def run(self, roots: Sequence[tuple[Edge, Any]]) -> list[Any]:
        for root, grad in roots:
            self.add(root, grad)
        while self.nodes:
            node = heapq.heappop(self.nodes)[1]
            self.pass_on(node, self.arrived.pop(node))
        for leaf in self.leaves:
            self.finish(leaf, self.arrived.pop(leaf))
        return [self.found[edge] for edge in self.wanted or ()]

    def pass_on(self, node: Node, grads: Grads) -> None:
        """Run one node and hand its results to those it was made from."""
        needs, run = node.needs, node.backward
        if node.extra is not None or special.count:
            _show_outputs(node, grads, self.create_graph)
            run = functools.partial(_run_watched, node)
        if self.wanted is not None:
            self.capture(node, grads)
            needs = self.useful.get(node, ())
            if not needs:
                return
        try:
            results = run(grads, needs, self.create_graph)
        except Exception as error:
            error.add_note(f"in {node.name()}" + (f", recorded at {node.where}" if node.where else ""))
            raise
        for edge, result in zip(node._edges, results):
            if result is not None:
                self.add(edge, result)  # type: ignore[arg-type]
        if node.saves and not self.keep:
            node.put_away()

    def add(self, edge: Edge, grad: Any) -> None:
        """A gradient arrives."""
        target, i = edge
        grads = self.arrived.get(target)
        if grads is not None:
            self.add_to(grads, edge, grad)
        elif isinstance(target, Node):
            self.arrived[target] = grads = [None] * target.outputs
            grads[i] = grad
            heapq.heappush(self.nodes, (-target.sequence, target))
        else:
            self.arrived[target] = [grad]
            self.leaves.append(target)

    def add_to(self, grads: Grads, edge: Edge, grad: Any) -> None:
        """Another one. Out of place the first time: one array may have been handed to two inputs."""
        i = edge[1]
        old = grads[i]
        if old is None:
            grads[i] = grad
        elif edge in self.mine and not self.create_graph and hasattr(old, "__setitem__"):
            grads[i] += grad
        else:
            grads[i] = old + grad
            self.mine.add(edge)

    def finish(self, leaf: Tensor, grads: Grads) -> None:
        """All gradients of a leaf are there."""
        if leaf._extra:
            _run_hooks(leaf, leaf._leaf_hooks(), grads, self.create_graph)
        if self.wanted is not None:
            self.capture(leaf, grads)
        else:
            _accumulate(leaf, grads, self.create_graph)

    def capture(self, target: Any, grads: Grads) -> None:
        for i, grad in enumerate(grads):
            if (target, i) in self.found:
                self.found[target, i] = grad


def _leading_to(goals: list[Any], starts: list[Any]) -> dict[Any, tuple[bool, ...]]:
    """The nodes from which a goal can be reached, each with which of its inputs lead there; and the goals."""
    seen, stack = set(starts), list(starts)
    while stack:
        for edge in stack.pop()._edges:
            if edge is not None and edge[0] not in seen:
                seen.add(edge[0])
                stack.append(edge[0])
    useful: dict[Any, tuple[bool, ...]] = dict.fromkeys(goals, ())
    for node in sorted([node for node in seen if node._edges], key=_by_age):  # inputs come before their users
        leads = tuple([edge is not None and edge[0] in useful for edge in node._edges])
        if True in leads:
            useful[node] = leads
    return useful


_by_age = operator.attrgetter("sequence")


def _run_watched(node: Node, grads: Grads, needs: tuple[bool, ...], create_graph: bool) -> Grads:
    """A node with hooks, or in anomaly mode."""
    grads = _run_node_hooks(node, "before", grads, (), create_graph)
    results = node.backward(grads, needs, create_graph)
    if state.anomaly:
        from candle.autograd.anomaly import check_backward

        check_backward(node, grads, results)
    return _run_node_hooks(node, "after", results, (grads,), create_graph)


def _run_node_hooks(node: Node, when: str, grads: Grads, others: tuple[Grads, ...], create_graph: bool) -> Grads:
    """Hooks of a node see tuples of gradients and may return another."""
    hooks = (node.extra or {}).get(when)
    if not hooks:
        return grads
    seen, *rest = (tuple(_as_tensor(g, node) for g in each) for each in (grads, *others))
    for hook in list(hooks.values()):
        replaced = hook(seen, *rest)
        if replaced is not None:
            seen = replaced if isinstance(replaced, tuple) else (replaced,)
    return [g if g is None or create_graph else g.current() for g in seen]


def _show_outputs(node: Node, grads: Grads, create_graph: bool) -> None:
    """The gradients of a node's outputs are complete: hooks may replace them; after all of these some are kept."""
    extra = node.extra or {}
    _run_hooks(node, extra.get("hooks"), grads, create_graph)
    for index, reference in extra.get("retained", {}).items():
        t, grad = reference(), grads[index]
        if t is not None and grad is not None:
            if not hasattr(grad, "_backend"):
                grad = _tensor.wrap(t._backend.copy(grad), t._backend)
            t._grad = grad if t._grad is None else t._grad + grad


def _as_tensor(grad: Any, target: Any) -> Any:
    backend = target.backend if isinstance(target, Node) else target._backend
    return grad if grad is None or hasattr(grad, "_backend") else _wrapped(grad, backend)


def _wrapped(grad: Any, backend: Backend) -> Tensor:
    """A raw gradient as a Tensor: what has no dims may have become a number on its way."""
    return _tensor.wrap(grad if isinstance(grad, backend.array_type) else backend.to_array(grad), backend)


def _run_hooks(target: Any, hooks: Any, grads: Grads, create_graph: bool) -> None:
    """The hooks of tensors, which see the whole gradient once, and may replace it."""
    for index, each in list((hooks or {}).items()):
        for hook in list(each.values()):
            if grads[index] is not None:
                seen = _as_tensor(grads[index], target)
                replaced = hook(seen)
                if replaced is not None:
                    _check_replaced(replaced, seen)
                    grads[index] = replaced if create_graph else replaced._array


def _check_replaced(new: Any, seen: Tensor) -> None:
    if not hasattr(new, "_backend"):
        raise TypeError(f"hook: expected a Tensor or None back, got {type(new).__name__}")
    if new.shape != seen.shape or new.dtype is not seen.dtype or new._backend is not seen._backend:
        raise RuntimeError(
            f"hook: returned a gradient of {tuple(new.shape)} {new.dtype} on {new.device} for one of "
            f"{tuple(seen.shape)} {seen.dtype} on {seen.device}"
        )


_accumulating = threading.Lock()  # threads may reach one leaf at the same time


def _accumulate(leaf: Tensor, grads: Grads, create_graph: bool) -> None:
    grad, backend = grads.pop(), leaf._backend
    with _accumulating:
        old = leaf._grad
        if create_graph:
            leaf._grad = grad if old is None else old + grad
        elif old is None:
            # Nobody else holds the array (this name and getrefcount's argument are two): it may be kept.
            if backend.aliases and not (sys.getrefcount(grad) == 2 and backend.owned(grad)):
                grad = backend.copy(grad)
            leaf._grad = _wrapped(grad, backend)
        elif backend.aliases and old._view is None:
            old._array += grad
            if old._storage is not None:
                old._storage.version += 1
        else:
            _views.overwrite(old, old.current() + grad)
    if leaf._extra:
        for hook in leaf._post_hooks():
            hook(leaf)


def backward(
    outputs: Sequence[Tensor],
    grads: Sequence[Any] | None,
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Add gradients to the `.grad` of the leaves, or of `inputs` only."""
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run(start(outputs, grads, create_graph), keep=keep, create_graph=create_graph)
        return
    if not inputs:
        raise RuntimeError("backward: inputs must not be empty")
    edges = [x.gradient_edge for x in inputs]
    found = run(start(outputs, grads, create_graph), wanted=edges, keep=keep, create_graph=create_graph)
    for x, g in zip(inputs, found, strict=True):
        if g is not None and not x.retains_grad:  # which has it already
            _accumulate(x, [g], create_graph)


def gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    grad_outputs: Sequence[Any] | None = None,
    *,
    keep: bool | None = None,
    create_graph: bool = False,
) -> list[Tensor | None]:
    """The gradients of `outputs` by `inputs`, weighted by `grad_outputs`; None where nothing leads there."""
    roots = start(outputs, grad_outputs, create_graph)
    keep = create_graph if keep is None else keep
    found = run(roots, wanted=[x.gradient_edge for x in inputs], keep=keep, create_graph=create_graph)
    return [g if g is None or create_graph else _wrapped(g, x._backend) for g, x in zip(found, inputs, strict=True)]


def start(outputs: Sequence[Tensor], grads: Sequence[Any] | None, create_graph: bool) -> list[tuple[Edge, Any]]:
    """The edges of the outputs with the gradients to begin from."""
    if grads is not None and len(grads) != len(outputs):
        raise RuntimeError(f"backward: got {len(outputs)} tensors and {len(grads)} gradients")
    roots: list[tuple[Edge, Any]] = []
    for i, output in enumerate(outputs):
        grad, backend, shape = None if grads is None else grads[i], output._backend, output._array.shape
        if output._edge is None:
            raise RuntimeError(
                f"backward: output {i} does not require grad, so nothing was recorded to go back through; "
                f"call requires_grad_() on what you want gradients of, before using it"
            )
        if grad is None:
            if shape and math.prod(shape) != 1:
                raise RuntimeError(
                    f"backward: grad can be implicitly created only for scalar outputs, got shape {tuple(shape)}; "
                    f"reduce it (loss.sum()) or pass the gradient"
                )
            if backend.dtypes[output._array.dtype].is_complex:
                raise RuntimeError(
                    f"backward: grad can be implicitly created only for real outputs, got {output.dtype}; "
                    f"use its .real or .abs(), or pass the gradient"
                )
            one = backend.xp.asarray(1, dtype=output._array.dtype)
            one = backend.xp.reshape(one, shape) if shape else one
            roots.append((output.gradient_edge, _tensor.wrap(one, backend) if create_graph else one))
        elif not hasattr(grad, "_backend"):
            raise TypeError(f"backward: a gradient must be a Tensor or None, got {type(grad).__name__}")
        elif tuple(grad.shape) != tuple(shape):
            raise RuntimeError(
                f"backward: a gradient of shape {tuple(grad.shape)} for an output of shape {tuple(shape)}"
            )
        else:
            roots.append((output.gradient_edge, grad if create_graph else grad.current()))
    return roots
