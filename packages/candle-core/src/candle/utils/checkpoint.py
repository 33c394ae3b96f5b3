"""Activation checkpointing: save memory by computing the forward a second time.

Chen et al. (2016), "Training deep nets with sublinear memory cost". What a region would save for
backward is dropped; when backward first asks for any of it, the region runs again and all is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from candle import random
from candle._modes import Switch, enable_grad, state
from candle._tensor import Tensor
from candle._views import detached, storage_of

__all__ = ["checkpoint", "checkpoint_sequential"]

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]


def noop_context_fn() -> Contexts:
    """Two contexts that do nothing: one for the forward, one for its repetition."""
    return nullcontext(), nullcontext()


class _Region:
    """What one checkpointed call saved: nothing at first, everything after it ran again."""

    def __init__(self, again: Callable[[], None], compare: bool):
        self.again, self.compare, self.count = again, compare, 0
        self.payloads: dict[int, Any] = {}
        self.shapes: list[Any] = []  # of what was saved the first time

    def pack(self, payload: Any, backend: Any) -> Callable[[], Any]:
        place = self.count
        self.count += 1
        self.shapes.append(_shapes(payload))
        return lambda: self.load(place)

    def load(self, place: int) -> Any:
        if place not in self.payloads:
            self.run_again()
        return self.payloads.pop(place)

    def run_again(self) -> None:
        count = 0

        def keep(payload: Any, backend: Any) -> Callable[[], Any]:
            nonlocal count
            if self.compare and count < self.count and _shapes(payload) != self.shapes[count]:
                raise RuntimeError(
                    f"checkpoint: the second forward saved shapes {_shapes(payload)} where the first saved "
                    f"{self.shapes[count]}; the function must do the same both times"
                )
            self.payloads[count] = payload
            count += 1
            return lambda: payload

        with Switch(pack=keep), enable_grad():
            self.again()
        if count != self.count:
            raise RuntimeError(
                f"checkpoint: the second forward saved {count} values where the first saved {self.count}; "
                f"the function must do the same both times"
            )


def _shapes(payload: Any) -> list[Any]:
    return [tuple(x.shape) for x in (*payload[0], *payload[1]) if hasattr(x, "shape")]


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), whose intermediate values are computed again when backward needs them.

    Forward and repetition run in the two contexts of `context_fn()`, and what they save must agree in shape, unless
    `determinism_check` is "none". The other options change nothing: there is one implementation, and it tells.

    >>> import candle
    >>> from candle.utils.checkpoint import checkpoint
    >>> x = candle.ones(3, requires_grad=True)
    >>> checkpoint(lambda t: t.exp().sin(), x).sum().backward()
    >>> x.grad
    tensor([-2.4784, -2.4784, -2.4784])
    """
    if determinism_check not in ("default", "none"):
        raise ValueError(f"checkpoint: determinism_check must be 'default' or 'none', got {determinism_check!r}")
    first, second = context_fn()
    rng = random.get_rng_state() if preserve_rng_state else None
    inputs = [(detached(a).requires_grad_() if a.requires_grad else a) if isinstance(a, Tensor) else a for a in args]
    autocast = state.autocast
    versions = [(storage_of(a), a._version) for a in args if isinstance(a, Tensor)]

    def again() -> None:
        if any(storage.version != version for storage, version in versions):
            raise RuntimeError("checkpoint: an input was written in place since; the second forward would differ")
        now = random.get_rng_state() if rng is not None else None
        if rng is not None:
            random.set_rng_state(rng)
        try:
            with second, Switch(autocast=autocast):
                function(*inputs, **kwargs)
        finally:
            if now is not None:
                random.set_rng_state(now)

    with first, Switch(pack=_Region(again, compare=determinism_check == "default").pack):
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True
) -> Any:
    """Functions, or the layers of a Sequential, in `segments` parts, all of which but the last are checkpointed.

    >>> import candle
    >>> x = candle.ones(3, requires_grad=True)
    >>> candle.utils.checkpoint.checkpoint_sequential([candle.exp, candle.sin], 2, x).sum().backward()
    >>> x.grad
    tensor([-2.4784, -2.4784, -2.4784])
    """
    steps = list(functions)
    if not 1 <= segments <= len(steps):
        raise ValueError(f"checkpoint_sequential: {len(steps)} functions do not make {segments} segments")
    size, last = len(steps) // segments, len(steps) // segments * (segments - 1)
    for start in range(0, last, size):
        input = checkpoint(_chain, steps[start : start + size], input, preserve_rng_state=preserve_rng_state)
    return _chain(steps[last:], input)


def _chain(functions: Sequence[Callable[[Any], Any]], x: Any) -> Any:
    for function in functions:
        x = function(x)
    return x
