"""Gradients that go through a vmap from outside: one Node for each op, with the op's own derivative.

Without it the inner Tensors would record what `forward` is made of, and a derivative that is more than
that (relu at 0, a padded embedding) would be lost. Where vmaps are nested, every level below that wants
gradients gets a node of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from candle._graph import Node, fit
from candle._namespace import namespace_of
from candle._tensor import Tensor, wrap
from candle._views import storage_of
from candle.func.vmap_rules import BatchedArray
from candle.op import Op, StandIn


def is_batched(a: Any) -> bool:
    return isinstance(a, BatchedArray)


def inside(a: Any) -> Iterator[Tensor]:
    """The Tensor in a batched array, the one in that if it is batched itself, and so on down."""
    while isinstance(a, BatchedArray):
        yield a.value
        a = a.value.current()


def wants_gradients(a: Any) -> bool:
    return any(t.requires_grad for t in inside(a))


def record(
    op: type[Op], level: Any, arrays: list[Any], attrs: dict[str, Any], outs: tuple[BatchedArray, ...]
) -> list[BatchedNode]:
    """Give the Tensors inside of `outs` edges, to one Node for each backend among them."""
    nodes = []
    for backend in [t._backend for t in inside(outs[0])]:
        inputs = [_Inside(a, backend) for a in arrays]
        if any(x.tensor is not None and x.tensor.requires_grad for x in inputs):
            nodes.append(_record_at(backend, op, level, arrays, attrs, outs, inputs))
    return nodes


class _Inside:
    """A batched array's Tensor on one backend, the levels above it, and the shapes seen from each of them."""

    def __init__(self, a: Any, backend: Any):
        self.tensor: Tensor | None = None
        self.levels: list[Any] = []  # the highest first
        self.likes = [StandIn(a.shape, a.dtype)] if is_batched(a) else []
        for t in inside(a):
            self.likes.append(StandIn(tuple(t.shape), t.dtype))
            if t._backend is backend:
                self.tensor = t
                return
            self.levels.append(t._backend)

    def raised(self, value: Tensor) -> BatchedArray:
        """A Tensor in the place of this one, under the same levels."""
        for level in reversed(self.levels):
            value = wrap(BatchedArray(value), level)
        return BatchedArray(value)

    def fresh(self, edge: Any = None) -> BatchedArray:
        """The same values in new Tensors: a node must not hold what holds the node."""
        assert self.tensor is not None
        return self.raised(wrap(self.tensor.current(), self.tensor._backend, edge))

    def lowered(self, xp: Any, result: BatchedArray, levels: list[Any]) -> Tensor:
        """A gradient for the array as one for the Tensor: summed over the levels at which it was the same for all.

        `levels` are the result's; some of them may have come with other inputs only, and where the result does not
        depend on this one (it was overwritten), this one may have others.
        """
        likes = dict(zip(self.levels, self.likes[2:], strict=True))
        value = _matched(fit(xp, result, self.likes[0]).value, self.likes[1])
        for level in sorted({*levels, *self.levels}, key=lambda each: -each.level):
            value = _peeled(value, level)
            value = _matched(value, likes[level]) if level in likes else value.sum(0)
        return value


def _record_at(
    backend: Any, op: type[Op], level: Any, arrays: list[Any], attrs: Any, outs: Any, inputs: list[_Inside]
) -> BatchedNode:
    tensors = [x.tensor for x in inputs]
    edges = tuple(t.gradient_edge if t is not None and t.requires_grad else None for t in tensors)
    needs = tuple(edge is not None for edge in edges)
    kept_inputs, _, keep_out = op.plan(needs)
    keep = [i in kept_inputs for i in range(len(needs))]
    results = [_Inside(o, backend) for o in outs]
    node = BatchedNode(op, backend, edges, needs, attrs)
    node.level, node.inputs, node.results, node.keeps_out = level, inputs, results, keep_out
    saved = [a if k or not is_batched(a) else StandIn(a.shape, a.dtype) for a, k in zip(arrays, keep, strict=True)]
    kept = tuple(r.fresh() if keep_out else StandIn(o.shape, o.dtype) for o, r in zip(outs, results, strict=True))
    node.payload, node.outputs, node.saves = (saved, kept, None), len(outs), True
    node.versions = [(storage_of(t), t._version) for t, k in zip(tensors, keep, strict=True) if k and t is not None]
    for i, result in enumerate(results):
        t = result.tensor
        if t is not None and i not in op.no_grad_outputs and (t.is_floating_point() or t.is_complex()):
            t._edge = (node, i)
        result.tensor = None
    for x in inputs:
        x.tensor = None
    return node


class BatchedNode(Node):
    """An op that ran on batches, seen from one backend below."""

    __slots__ = ("inputs", "keeps_out", "level", "results")
    level: Any
    inputs: list[_Inside]
    results: list[_Inside]
    keeps_out: bool

    def backward(self, grads: list[Any], needs: tuple[bool, ...], create_graph: bool) -> list[Any]:
        inputs, outs, _ = self.load()
        if create_graph and self.keeps_out:
            outs = tuple(_Inside(o, self.backend).fresh((self, i)) for i, o in enumerate(outs))
        given = [
            None if g is None else result.raised(g if create_graph else wrap(g, self.backend))
            for g, result in zip(grads, self.results, strict=True)
        ]
        grad, out = (given[0], outs[0]) if self.outputs == 1 else (tuple(given), outs)
        assert self.op.vjp is not None
        found = self.op.vjp(self.level.xp, needs, grad, out, *inputs, **self.attrs)
        levels = self.results[0].levels
        lowered = [
            x.lowered(self.level.xp, r, levels) if needed and r is not None else None
            for needed, r, x in zip(needs, found, self.inputs, strict=True)
        ]
        return [g if g is None or create_graph else g.current() for g in lowered]


def _matched(value: Tensor, like: StandIn) -> Tensor:
    """Summed to a smaller shape, or repeated to a larger one (a gradient that is the same for all examples)."""
    if any(a == 1 != b for a, b in zip(reversed(value.shape), reversed(like.shape), strict=False)):
        value = value.broadcast_to(
            [max(a, b) for a, b in zip(value.shape, (0,) * (value.ndim - len(like.shape)) + like.shape, strict=True)]
            if value.ndim >= len(like.shape)
            else like.shape
        )
    return fit(namespace_of(value._backend), value, like)  # type: ignore[no-any-return]


def _peeled(t: Tensor, level: Any) -> Tensor:
    """Without one level: its examples become the first axis, also where another level stands above it."""
    if t._backend is level:
        return t.current().value  # type: ignore[no-any-return]
    if not t._backend.level:
        return t.unsqueeze(0)
    below = _peeled(t.current().value, level)
    return wrap(BatchedArray(below.movedim(1, 0)), t._backend)
