"""Activation checkpointing: save memory by computing the forward a second time.

Chen et al. (2016), "Training deep nets with sublinear memory cost". What a region would save for
backward is dropped; when backward first asks for any of it, the region runs again and all is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle import random
from candle._modes import Switch, enable_grad, state
from candle._tensor import Tensor
from candle._views import detached, storage_of

__all__ = ["checkpoint"]


class _Region:
    """What one checkpointed call saved: nothing at first, everything after it ran again."""

    def __init__(self, again: Callable[[], None]):
        self.again, self.count = again, 0
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
            if count < self.count and _shapes(payload) != self.shapes[count]:
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
    use_reentrant: bool = False,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), whose intermediate values are computed again when backward needs them.

    >>> import candle
    >>> from candle.utils.checkpoint import checkpoint
    >>> x = candle.ones(3, requires_grad=True)
    >>> checkpoint(lambda t: t.exp().sin(), x).sum().backward()
    >>> x.grad
    tensor([-2.4784, -2.4784, -2.4784])
    """
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
            with Switch(autocast=autocast):
                function(*inputs, **kwargs)
        finally:
            if now is not None:
                random.set_rng_state(now)

    with Switch(pack=_Region(again).pack):
        return function(*args, **kwargs)
