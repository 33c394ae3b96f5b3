"""A function at one point, with its derivative there: what all transforms are made of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from candle import _backward, ops
from candle._modes import enable_grad, state
from candle._tensor import Tensor, wrap
from candle.func.pytree import leaves_of, map_leaves
from candle.func.vmap import lifted

Check = Callable[[str, Any], None]


class _Running(threading.local):
    depth = 0  # of transforms whose functions run: what is made inside them is still to be differentiated


_running = _Running()


def tensors(name: str, out: Any) -> None:
    """What every transformed function returns."""
    for leaf in leaves_of(out):
        if not isinstance(leaf, Tensor):
            raise TypeError(f"{name}: the function must return tensors, got {type(leaf).__name__}")


def differentiable(name: str, out: Any) -> None:
    tensors(name, out)
    for leaf in leaves_of(out):
        if not _is_inexact(leaf):
            raise RuntimeError(f"{name}: only floating-point and complex results have gradients, got {leaf.dtype}")


class Derivative:
    """What `func` returns for `primals`, and the products with its Jacobian from either side."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        primals: tuple[Any, ...],
        has_aux: bool = False,
        check: Check = tensors,
    ):
        self.name = name
        with enable_grad():
            fresh = map_leaves(self._fresh, primals)
            _running.depth += 1
            try:
                result = func(*fresh)
            finally:
                _running.depth -= 1
        self.aux: Any
        self.out, self.aux = self._split(result) if has_aux else (result, None)
        check(name, self.out)
        self.ins, self.outs = leaves_of(fresh), leaves_of(self.out)
        self.wanted_outside = _running.depth > 0 or _leads_outside([*self.outs, *leaves_of(self.aux)])

    def _fresh(self, t: Any) -> Tensor:
        """The tensor with an edge of its own, still connected to where it came from."""
        if not isinstance(t, Tensor) or not _is_inexact(t):
            what = t.dtype if isinstance(t, Tensor) else type(t).__name__
            raise RuntimeError(f"{self.name}: only tensors of floating point or complex dtype can vary, got {what}")
        mine = lifted(t)
        if mine.requires_grad:
            return mine.alias()
        fresh = wrap(mine.current(), mine._backend).requires_grad_()
        fresh._extra = {"fresh": True}
        return fresh

    def _split(self, result: Any) -> Any:
        if not isinstance(result, tuple) or len(result) != 2:
            raise RuntimeError(f"{self.name}: with has_aux the function must return a tuple (output, aux)")
        return result

    def pull(self, weights: Iterable[Any]) -> list[Tensor]:
        """The gradients of the inputs, for weights of the outputs."""
        return _gradients(self.outs, self.ins, weights)

    def pushing(self) -> Callable[..., list[Tensor]]:
        """A function from changes of the inputs to changes of the outputs: the vjp of the vjp.

        The gradients are linear in the weights, so whatever weights will do.
        """
        with enable_grad():
            weights = {i: lifted(ops.zeros_like(o)) for i, o in enumerate(self.outs) if o.requires_grad}
            for w in weights.values():
                w.requires_grad_()
            pulled = self.pull(weights.get(i) for i in range(len(self.outs)))

        def push(*tangents: Any) -> list[Tensor]:
            found = dict(zip(weights, _gradients(pulled, list(weights.values()), tangents), strict=True))
            return [found[i] if i in found else ops.zeros_like(o) for i, o in enumerate(self.outs)]

        return push

    def expect(self, what: str, given: Sequence[Any], like: Sequence[Tensor]) -> None:
        """Weights and tangents are tensors of the shapes of what they belong to."""
        for g, t in zip(given, like, strict=True):
            if not isinstance(g, Tensor) or g.shape != t.shape:
                got = tuple(g.shape) if isinstance(g, Tensor) else type(g).__name__
                raise RuntimeError(f"{self.name}: {what} must have the shape {tuple(t.shape)}, got {got}")

    def inputs_behind(self, outs: Sequence[Tensor]) -> list[bool]:
        """Which inputs `outs` were made from."""
        found = behind(outs)
        return [x.gradient_edge[0] in found for x in self.ins]

    def settled(self, tree: Any, *given: Any) -> Any:
        """Without history where nobody outside could ask for it, by what was closed over or by what was given."""
        if not state.grad:
            return map_leaves(lambda t: t.detach() if isinstance(t, Tensor) else t, tree)
        if self.wanted_outside or any(isinstance(t, Tensor) and t.requires_grad for t in given):
            return tree
        return map_leaves(lambda t: wrap(t.current(), t._backend) if isinstance(t, Tensor) else t, tree)


def _is_inexact(t: Tensor) -> bool:
    return t.is_floating_point() or t.is_complex()


def _gradients(outs: Sequence[Tensor], ins: Sequence[Tensor], weights: Iterable[Any]) -> list[Tensor]:
    """As `autograd.grad` with create_graph; zeros where nothing leads."""
    used = [(o, w) for o, w in zip(outs, weights, strict=True) if o.requires_grad]
    if not used:
        return [ops.zeros_like(x) for x in ins]
    found = _backward.gradients([o for o, _ in used], ins, [w for _, w in used], create_graph=True)
    return [ops.zeros_like(x) if g is None else g for g, x in zip(found, ins, strict=True)]


def behind(tensors: Sequence[Any]) -> set[Any]:
    """The nodes and leaves that tensors were made from."""
    stack = [t.gradient_edge[0] for t in tensors if isinstance(t, Tensor) and t.requires_grad]
    seen = set(stack)
    while stack:
        new = {edge[0] for edge in stack.pop()._edges if edge is not None} - seen
        seen |= new
        stack += new
    return seen


def _leads_outside(tensors: Sequence[Any]) -> bool:
    """Whether a leaf other than the transforms' own stands behind them: a parameter closed over."""
    return any(isinstance(t, Tensor) and not (t._extra and "fresh" in t._extra) for t in behind(tensors))
