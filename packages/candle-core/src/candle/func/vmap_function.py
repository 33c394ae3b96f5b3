"""A custom `Function` called inside vmap, where gradients are wanted outside: its own backward, on whole batches."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from candle._tensor import Tensor, wrap
from candle._views import storage_of
from candle.func.vmap_graph import inside, record
from candle.op import Op, StandIn

if TYPE_CHECKING:
    from candle.autograd.context import Context
    from candle.autograd.function import Function


class Mapped(Op):
    """a Function's forward, for each example;  its backward, for each example"""

    name = "mapped_function"

    def forward(xp: Any, *inputs: Any, call: Call) -> Any:
        raise NotImplementedError("a Function runs in Function.apply, outside the door")

    def vjp(xp: Any, needs: Any, grad: Any, out: Any, *inputs: Any, call: Call) -> Any:
        several = isinstance(out, tuple)
        return call.backward(xp, needs, grad if several else (grad,), out if several else (out,))


class MappedByResult(Mapped):
    """the same, where the Function saved a result of its own;  its backward, for each example"""

    name, reads = "mapped_function_by_result", {"inputs": "out"}


def record_outside(function: type[Function], ctx: Context, level: Any, inputs: Any, arrays: Any, outs: Any) -> Any:
    """Give what is inside the outputs edges, as `vmap_graph.record` does for an op; `arrays` were the inputs."""
    outs = tuple(_on_level(o, level, inputs, ctx) for o in outs)
    results = [o for o in outs if isinstance(o, Tensor)]
    places = {id(o): i for i, o in enumerate(results)}
    call = Call(function, ctx, level, arrays, places)
    for o in results:  # tensors of their own, which nobody else knows, to carry the edges
        o._array = level.detached(o.current())
    op = MappedByResult if any(isinstance(each, int) for each in call.saved) else Mapped
    nodes = record(op, level, arrays, {"call": call}, tuple(o._array for o in results))
    versions = [(storage_of(t), t._version) for each in call.saved for t in inside(each)]
    for node in nodes:
        node.versions = [*node.versions, *versions]
    for o in ctx.non_differentiable:
        if id(o) in places:
            o._array = level.detached(o._array)
    return outs


def _on_level(o: Any, level: Any, inputs: Any, ctx: Context) -> Any:
    if not isinstance(o, Tensor):
        return o
    if o._backend is not level:
        return level.lift(o)
    returned = any(o is x for x in inputs) and not any(o is d for d in ctx.dirty)
    return wrap(o.current(), level, o._edge) if returned else o


class Call:
    """One call of a Function: what is needed to run its backward, without what holds the node."""

    def __init__(self, function: type[Function], ctx: Context, level: Any, arrays: Any, places: dict[int, int]):
        self.function, self.level, self.arrays = function, level, [_like(a) for a in arrays]
        self.saved = [None if t is None else places.get(id(t), t.current()) for t in ctx.to_save]
        self.ctx = copy.copy(ctx)
        self.ctx.to_save = self.ctx.dirty = self.ctx.non_differentiable = ()

    def __repr__(self) -> str:
        return self.function.__name__

    def backward(self, xp: Any, needs: tuple[bool, ...], grads: Any, outs: Any) -> list[Any]:
        """The gradients of the inputs as batched arrays."""
        ctx = copy.copy(self.ctx)
        arrays = [outs[each] if isinstance(each, int) else each for each in self.saved]
        ctx.loaded = tuple(None if a is None else wrap(a, self.level) for a in arrays)
        given = [
            xp.zeros(o.shape, dtype=o.dtype) if g is None and ctx.materialize else g
            for g, o in zip(grads, outs, strict=True)
        ]
        results = self.function.backward(ctx, *(None if g is None else wrap(g, self.level) for g in given))
        found = self.function.checked(results, needs, self.arrays)
        return [None if g is None else (g if g._backend is self.level else self.level.lift(g)).current() for g in found]


def _like(a: Any) -> StandIn | None:
    return StandIn(a.shape, a.dtype) if hasattr(a, "dtype") else None
