"""`summary(model, input)`: what a model is made of, and how much work it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from threading import Lock, get_ident
from typing import Any

import numpy as np

from candle import Tensor
from candle.kernels import Kernel, Table
from candle.nn.functional._windows import counts
from candle.nn.modules.module import Module

__all__ = ["summary"]

SHARED = Lock()  # of kernel tables and training modes, which all threads have in common
EVALUATED: dict[Module, tuple[int, list[tuple[Module, bool]]]] = {}  # how many summaries run; the modes before
HEADINGS = ("layer", "output shape", "parameters", "multiply-adds")


@dataclass
class Row:
    """One call of a layer."""

    name: str
    module: Module
    depth: int
    shape: str = ""
    parameters: int | None = None  # None: counted in an earlier row
    work: int = 0


class Summary:
    """A table of the layers in the order in which they ran; `str()` of it is the table.

    `rows`, `parameters`, `trainable` (of those) and `multiply_adds` are there to compute with.
    """

    def __init__(self, rows: list[Row], model: Module):
        self.rows = rows
        sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
        self.parameters = sum(size for size, _ in sizes)
        self.trainable = sum(size for size, trained in sizes if trained)
        self.multiply_adds = sum(row.work for row in rows)

    def __str__(self) -> str:
        table = [HEADINGS] + [
            (
                "  " * row.depth + (f"{row.name}: " if row.name else "") + type(row.module).__name__,
                row.shape,
                "(above)" if row.parameters is None else f"{row.parameters:,}" if row.parameters else "",
                f"{row.work:,}" if row.work else "",
            )
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(*table)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip() for a, b, c, d in table
        ]
        rule = "─" * max(map(len, lines))
        total = f"parameters: {self.parameters:,} ({self.trainable:,} trainable), multiply-adds: {self.multiply_adds:,}"
        return "\n".join([lines[0], rule, *lines[1:], rule, total])

    __repr__ = __str__


def summary(model: Module, *input: Any, **kwargs: Any) -> Summary:
    """Run the model on an input, in evaluation mode, and tell what every layer gave, holds and computed.

    Each row has what is not in a row below it: a layer's own parameters, and the multiplications of its own matrix
    products, convolutions, attention and recurrent layers; what else it computes is not counted.

    >>> import candle
    >>> from candle import nn
    >>> model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    >>> print(nn.summary(model, candle.zeros(32, 784)))
    layer        output shape  parameters  multiply-adds
    ────────────────────────────────────────────────────
    Sequential   (32, 10)
      0: Linear  (32, 128)        100,480      3,211,264
      1: ReLU    (32, 128)
      2: Linear  (32, 10)           1,290         40,960
    ────────────────────────────────────────────────────
    parameters: 101,770 (101,770 trainable), multiply-adds: 3,252,224
    """
    rows: list[Row] = []
    with _watched(model, (input, kwargs), rows), _evaluating(model):
        model(*input, **kwargs)
    called, seen = {row.module for row in rows}, set[int]()
    for row in rows:
        held = list(_own_parameters(row.module, called))
        new = [p for p in held if id(p) not in seen]
        row.parameters = None if held and not new else sum(p.numel() for p in new)
        seen.update(map(id, new))
    return Summary(rows, model)


def _own_parameters(module: Module, called: set[Module]) -> Iterator[Tensor]:
    """A module's parameters, and those of modules in it that were never called, only read."""
    yield from (p for p in module._parameters.values() if p is not None)
    for child in module.children():
        if child not in called:
            yield from _own_parameters(child, called)


@contextmanager
def _watched(model: Module, inputs: Any, rows: list[Row]) -> Iterator[None]:
    """A row for every call of the model or of a layer in it, with what is computed while it is the innermost one."""
    open_rows: list[Row] = []
    thread = get_ident()  # another may be running the same model
    paths = {module: path for path, module in model.named_modules()}

    def began(module: Module, args: Any) -> None:
        if get_ident() != thread:
            return
        row = Row(paths[module].rpartition(".")[2], module, len(open_rows))
        open_rows.append(row)
        rows.append(row)

    def ended(module: Module, args: Any, output: Any) -> None:
        if (
            get_ident() == thread and open_rows and open_rows[-1].module is module
        ):  # else an earlier hook failed before it began
            open_rows.pop().shape = _shapes(output)

    with ExitStack() as stack:
        for module in model.modules():
            stack.enter_context(module.register_forward_pre_hook(began))
            stack.enter_context(module.register_forward_hook(ended, prepend=True, always_call=True))
        for backend in {t._backend for t in chain(model.parameters(), model.buffers(), _tensors(inputs))}:
            for op, count in COUNTS.items():
                stack.enter_context(_offered(backend.kernels, op, Counter(count, open_rows)))
        yield


@contextmanager
def _offered(kernels: Table, op: str, kernel: Kernel) -> Iterator[None]:
    """The kernel is tried first meanwhile, or after those that other summaries offer later."""
    with SHARED:
        kernels[op] = (kernel, *kernels[op])
    try:
        yield
    finally:
        with SHARED:
            kernels[op] = tuple(each for each in kernels[op] if each is not kernel)


class Counter(Kernel):
    """Counts an operation's multiplications for the layer of its thread that asks, and declines to compute it."""

    def __init__(self, count: Callable[..., int], open_rows: list[Row]):
        self.count, self.open_rows, self.thread = count, open_rows, get_ident()

    def forward(self, *arrays: Any, **attrs: Any) -> Any:
        if self.open_rows and get_ident() == self.thread:
            self.open_rows[-1].work += self.count(*arrays, **attrs)
        return NotImplemented


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode, and every module in its own mode afterwards."""
    with SHARED:
        running, modes = EVALUATED.get(model) or (0, [(module, module.training) for module in model.modules()])
        EVALUATED[model] = running + 1, modes
        model.eval()
    try:
        yield
    finally:
        with SHARED:
            running, modes = EVALUATED.pop(model)
            if running > 1:
                EVALUATED[model] = running - 1, modes
            else:
                for module, training in modes:
                    module.training = training


def _tensors(x: Any) -> list[Tensor]:
    if isinstance(x, Tensor):
        return [x]
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, tuple | list) else ()
    return [t for part in parts for t in _tensors(part)]


def _shapes(output: Any) -> str:
    return ", ".join(str(tuple(t.shape)) for t in _tensors(output))


def _size(x: Any) -> int:
    return math.prod(x.shape)


def _places(x: Any, weight: Any, stride: Any, padding: Any, dilation: Any) -> int:
    """Where a convolution's kernel stands, in all examples."""
    sizes = [n + before + after for n, (before, after) in zip(x.shape[2:], padding, strict=True)]
    return int(x.shape[0]) * math.prod(counts(sizes, weight.shape[2:], stride, dilation))


COUNTS: dict[str, Callable[..., int]] = {
    "matmul": lambda x, y: (
        math.prod(np.broadcast_shapes(x.shape[:-2], y.shape[:-2]))
        * math.prod(x.shape[-2:])
        * (y.shape[-1] if y.ndim > 1 else 1)
    ),
    "linear": lambda x, weight, bias: _size(x) * weight.shape[0],
    "conv": lambda x, weight, bias, *, groups, **how: _places(x, weight, **how) * _size(weight),
    "conv_transpose": lambda x, weight, bias, **how: _size(x) * math.prod(weight.shape[1:]),
    "scaled_dot_product_attention": lambda q, k, v, *masks, **how: (
        math.prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])
    ),
    "rnn": lambda x, h, w, *rest, **how: x.shape[0] * x.shape[1] * _size(w),
    "gru": lambda x, h, w, *rest: x.shape[0] * x.shape[1] * _size(w),
    "lstm": lambda x, h, c, w, b, p, mask: x.shape[0] * x.shape[1] * (_size(w) + (0 if p is None else _size(p))),
}
