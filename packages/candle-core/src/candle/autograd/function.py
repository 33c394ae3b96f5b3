"""`Function`: an operation with a gradient that the user writes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from candle._graph import Edge, Node
from candle._modes import no_grad, special, state
from candle._tensor import Tensor, wrap
from candle._views import LEAF
from candle.autograd.context import Context, Saved
from candle.op import Op, StandIn


class FunctionNode(Node):
    """The recorded call of a Function."""

    __slots__ = ("context", "function", "likes")
    function: type[Function]
    context: Context
    likes: list[StandIn | None]

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        return self.context.needs_input_grad

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        return self.context.saved_tensors

    def put_away(self, unpack: Any = None) -> None:
        super().put_away(unpack)
        self.context.saved = []

    def backward(self, grads: list[Any], needs: tuple[bool, ...], create_graph: bool) -> list[Any]:
        self.load()
        given = [self._tensor(i, g, create_graph) for i, g in enumerate(grads)]
        found = self.function.checked(self.function.backward(self.context, *given), needs, self.likes)
        return [self._result(*each, create_graph) for each in zip(found, self.likes, strict=True)]

    def _tensor(self, i: int, g: Any, create_graph: bool) -> Any:
        if g is not None and create_graph:
            return g
        if g is not None:  # NumPy makes numbers of what has no dims
            return wrap(g if isinstance(g, self.backend.array_type) else self.backend.to_array(g), self.backend)
        if not self.context.materialize:
            return None
        if self.outs[i] is None:
            return None
        like = self.outs[i]
        return wrap(self.backend.xp.zeros(like.shape, dtype=like.dtype), self.backend)

    def _result(self, g: Any, like: Any, create_graph: bool) -> Any:
        if g is None:
            return None
        from candle._graph import fit
        from candle._namespace import namespace_of

        if create_graph:
            return fit(namespace_of(g._backend), g, StandIn(like.shape, g._backend.dtypes[like.dtype]))
        return fit(g._backend.xp, g.current(), like)

    @property
    def outs(self) -> Any:
        return self.payload[1]


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """For a `backward` that cannot itself be differentiated: a second derivative raises instead of being wrong."""

    @functools.wraps(function)
    def backward(ctx: Context, *grads: Any) -> Any:
        wanted = state.grad and any(isinstance(g, Tensor) and g.requires_grad for g in grads)
        with no_grad():
            results = function(ctx, *grads)
        if not wanted:
            return results
        several = results if isinstance(results, tuple) else (results,)
        marked = tuple(_Once.apply(g.detach().requires_grad_()) if isinstance(g, Tensor) else g for g in several)
        return marked if isinstance(results, tuple) else marked[0]

    return backward


class Custom(Op):
    """what the Function's author wrote"""

    name = "custom_function"

    def forward(xp: Any) -> Any:
        raise NotImplementedError("a Function runs in Function.apply, outside the door")


class Function:
    """Subclass it and write two static methods: `forward(ctx, *inputs)` and `backward(ctx, *grads)`.

    >>> import candle
    >>> class Double(candle.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         return grad * 2
    >>> x = candle.ones(2, requires_grad=True)
    >>> Double.apply(x).sum().backward()
    >>> x.grad
    tensor([2., 2.])
    """

    node: ClassVar[type[FunctionNode]]

    def __init_subclass__(cls) -> None:
        name = f"{cls.__name__}Backward"  # which tracebacks and prints show
        cls.node = type(name, (FunctionNode,), {"__slots__": (), "name": lambda node: name})

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a Function needs a static method forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise NotImplementedError("a Function needs a static method backward(ctx, *grads) to be differentiated")

    @classmethod
    def checked(cls, results: Any, needs: tuple[bool, ...], likes: Any) -> list[Tensor | None]:
        """What `backward` returned: a gradient for each input, or None where none is needed."""
        found = list(results) if isinstance(results, tuple | list) else [results]
        while len(found) > len(needs) and found[-1] is None:
            found.pop()
        if len(found) != len(needs):
            raise RuntimeError(f"{cls.__name__}Backward: returned {len(found)} gradients for {len(needs)} inputs")
        return [_checked(cls, g, like) if needed else None for g, needed, like in zip(found, needs, likes, strict=True)]

    @classmethod
    def _bound(cls, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """The inputs in the order of `forward`; where there is a `setup_context`, it sees the defaults as well."""
        context = () if hasattr(cls, "setup_context") else (None,)
        bound = inspect.signature(cls.forward).bind(*context, *inputs, **named)
        if not context:
            bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(f"{cls.__name__}: {', '.join(bound.kwargs)} cannot be given by name without what is before")
        return bound.args[len(context) :]

    @classmethod
    def apply(cls, *inputs: Any, **named: Any) -> Any:
        """Run `forward` unrecorded, and record the call as one node."""
        if named or hasattr(cls, "setup_context"):
            inputs = cls._bound(inputs, named)
        backends = [x._backend for x in inputs if isinstance(x, Tensor)]
        level: Any = max(backends, key=lambda b: b.level, default=None)
        inside_vmap = level is not None and level.level > 0
        if inside_vmap:
            inputs = tuple(level.lift(x) if isinstance(x, Tensor) and x._backend is not level else x for x in inputs)
        ctx = Context()
        edges = tuple(_edge(x) for x in inputs)
        outside = [_wanted_outside(x) for x in inputs] if inside_vmap and state.grad else [False] * len(inputs)
        ctx.needs_input_grad = tuple(edge is not None or wanted for edge, wanted in zip(edges, outside, strict=True))
        arrays = [x.current() if isinstance(x, Tensor) else x for x in inputs]
        likes = [StandIn(x._array.shape, x._array.dtype) if isinstance(x, Tensor) else None for x in inputs]
        grad_mode = state.grad
        with no_grad():
            if hasattr(cls, "setup_context"):
                result = cls.forward(*inputs)
                cls.setup_context(ctx, inputs, result)
            else:
                result = cls.forward(ctx, *inputs)
        outs = result if isinstance(result, tuple) else (result,)
        for t in ctx.dirty if grad_mode else ():
            if (t.is_leaf and t.requires_grad) or (t._view is not None and t._view.base is not None):
                kind = "a leaf that requires grad" if t.is_leaf else "a view"
                raise RuntimeError(f"{cls.__name__}: marked {kind} as dirty; write into a clone() of it instead")
        if any(outside):
            from candle.func.vmap_function import record_outside

            outs = record_outside(cls, ctx, level, inputs, arrays, outs)
        if state.grad and any(edges):
            outs = cls._record(ctx, inputs, edges, likes, outs)
        return outs if isinstance(result, tuple) else outs[0]

    @classmethod
    def _record(cls, ctx: Context, inputs: Any, edges: Any, likes: Any, outs: Any) -> tuple[Any, ...]:
        import weakref

        backend = next(x._backend for x, edge in zip(inputs, edges, strict=True) if edge is not None)
        node = cls.node(Custom, backend, edges, tuple(edge is not None for edge in edges), {})
        node.function, node.context, node.likes = cls, ctx, likes
        node.outputs = len(outs)
        ctx.node = weakref.ref(node)
        results = tuple(StandIn(o._array.shape, o._array.dtype) if isinstance(o, Tensor) else None for o in outs)
        node.payload = ((), results, None)
        # an input returned as it is must not become the output itself
        outs = tuple(
            o.alias() if any(o is x for x in inputs) and not any(o is d for d in ctx.dirty) else o for o in outs
        )
        for i, o in enumerate(outs):
            carries = isinstance(o, Tensor) and (o.dtype.is_floating_point or o.dtype.is_complex)
            if carries and not any(o is x for x in ctx.non_differentiable):
                o._edge = (node, i)
        by_id = {id(o): i for i, o in enumerate(outs)}
        given = {id(x): edge for x, edge in zip(inputs, edges, strict=True)}
        for t in ctx.to_save:
            if t is None:
                ctx.saved.append(None)
            else:
                place = by_id.get(id(t), given.get(id(t), t._edge if t._edge is not LEAF else (t, 0)))
                ctx.saved.append(_packed(t, place))
        node.saves = bool(ctx.saved)
        ctx.to_save = ctx.dirty = ctx.non_differentiable = ()  # the node must not hold its own outputs
        if special.count and state.anomaly:
            from candle.autograd.anomaly import user_line

            node.where = user_line()
        return tuple(outs)


def _wanted_outside(x: Any) -> bool:
    """Inside vmap: whether what the batch is made of requires grad."""
    from candle.func.vmap_graph import wants_gradients

    return isinstance(x, Tensor) and wants_gradients(x.current())


def _checked(function: type[Function], g: Any, like: StandIn) -> Tensor | None:
    if g is None:
        return None
    name = f"{function.__name__}Backward"
    if not isinstance(g, Tensor):
        raise TypeError(f"{name}: gradients must be tensors or None, got {type(g).__name__}")
    extra = g.ndim - len(like.shape)
    if extra < 0 or any(b not in (a, 1) for a, b in zip(g.shape[extra:], like.shape, strict=True)):
        raise RuntimeError(f"{name}: a gradient of shape {tuple(g.shape)} for an input of shape {tuple(like.shape)}")
    return g


def _edge(x: Any) -> Edge | None:
    return x.gradient_edge if isinstance(x, Tensor) and x.requires_grad else None


def _packed(t: Tensor, place: Any) -> Any:
    """The tensor kept, or packed away by saved_tensors_hooks."""
    saved = Saved(t, place)
    if not (special.count and state.pack is not None):
        return saved
    unpack = state.pack(((saved.array,), (), None), t._backend)

    class Packed:
        def load(self, node: Node) -> Tensor:
            array = unpack()[0][0]
            return wrap(array, t._backend, (node, place) if isinstance(place, int) else place)

    return Packed()


class _Once(Function):
    """The end of what `once_differentiable` lets through."""

    @staticmethod
    def forward(ctx: Context, grad: Tensor) -> Tensor:
        return grad.clone()

    @staticmethod
    def backward(ctx: Context, *grads: Any) -> Any:
        raise RuntimeError("a function marked once_differentiable was asked for its second derivative")
