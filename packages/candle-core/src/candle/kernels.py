"""Fast versions of ops that plugins offer, in the order in which the door tries them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Kernel:
    """A fast version of one op for one device.

    `forward(*arrays, **attrs)` returns `(out, residuals)`; `vjp(needs, grad, residuals, out, *inputs,
    **attrs)` the gradients, from what the op's rule reads and the small `residuals` of its own forward.
    Either may return `NotImplemented` for a dtype, layout or size it refuses: the next kernel is tried,
    at last the op's own rule. A kernel without `vjp` leaves the gradient to the rule.

    The kernel of a mutating op has `forward` alone: it writes into its arrays and returns None.
    """

    op: str
    priority = 0  # the highest is tried first

    def forward(self, *arrays: Any, **attrs: Any) -> Any:
        raise NotImplementedError

    vjp: Callable[..., Any] | None = None


class Table(dict[str, tuple[Kernel, ...]]):
    """The kernels of one device by op name, made when an op first asks for its own."""

    def __init__(self, offers: list[tuple[str, Callable[[], Kernel | None]]]):
        self.offers = offers

    def __missing__(self, op: str) -> tuple[Kernel, ...]:
        made = [factory() for name, factory in self.offers if name == op]
        self[op] = tuple(sorted((kernel for kernel in made if kernel), key=lambda kernel: -kernel.priority))
        return self[op]
