"""`summary(model, input)`: what a model is made of, and how much work it is."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import candle
from candle import Tensor
from candle._graph import Node, _sequence
from candle.nn.modules.module import Module

__all__ = ["summary"]

HEADINGS = ("layer", "output shape", "parameters", "multiply-adds")


@dataclass
class Row:
    """One call of a layer."""

    name: str
    module: Module
    depth: int
    began: int  # the number of the first operation that may be its own
    ended: int = 0
    shape: str = ""
    parameters: int | None = None  # None: counted in an earlier row
    work: int = 0
    children: list[Row] = field(default_factory=list)


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
    with _watched(model, rows), _evaluating(model), candle.enable_grad():
        output = model(*map(_tracked, input), **{name: _tracked(x) for name, x in kwargs.items()})
        found = sorted((node.sequence, _multiplications(node)) for node in _nodes(output))
    work = [(0, 0), *zip((when for when, _ in found), accumulate(n for _, n in found))]
    called, seen = {row.module for row in rows}, set[int]()
    for row in rows:
        held = list(_own_parameters(row.module, called))
        new = [p for p in held if id(p) not in seen]
        row.parameters = None if held and not new else sum(p.numel() for p in new)
        seen.update(map(id, new))
        row.work = _between(work, row) - sum(_between(work, child) for child in row.children)
    return Summary(rows, model)


def _own_parameters(module: Module, called: set[Module]) -> Iterator[Tensor]:
    """A module's parameters, and those of modules in it that were never called, only read."""
    yield from (p for p in module._parameters.values() if p is not None)
    for child in module.children():
        if child not in called:
            yield from _own_parameters(child, called)


def _between(work: list[tuple[int, int]], row: Row) -> int:
    """The work of the operations that ran during a call; `work` is sorted, and adds up from the first."""
    first, last = (bisect(work, (when, 0)) for when in (row.began, row.ended))
    return work[last - 1][1] - work[first - 1][1]


def _tracked(x: Any) -> Any:
    """A tensor whose operations are recorded, since the record is what is read."""
    return x.detach().requires_grad_() if isinstance(x, Tensor) and x.is_floating_point() else x


@contextmanager
def _watched(model: Module, rows: list[Row]) -> Iterator[None]:
    """A row for every call of the model or of a layer in it."""
    open_rows: list[Row] = []
    paths = {module: path for path, module in model.named_modules()}

    def began(module: Module, args: Any) -> None:
        row = Row(paths[module].rpartition(".")[2], module, len(open_rows), next(_sequence))
        if open_rows:
            open_rows[-1].children.append(row)
        open_rows.append(row)
        rows.append(row)

    def ended(module: Module, args: Any, output: Any) -> None:
        row = open_rows.pop()
        row.ended, row.shape = next(_sequence), _shapes(output)

    with ExitStack() as stack:
        for module in model.modules():
            stack.enter_context(module.register_forward_pre_hook(began))
            stack.enter_context(module.register_forward_hook(ended, prepend=True))
        yield


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode, and all parameters recorded; everything as it was afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    frozen = [p for p in model.parameters() if not p.requires_grad and p.is_floating_point()]
    model.eval()
    try:
        for parameter in frozen:
            parameter.requires_grad_(True)
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)
        for module, training in modes:
            module.training = training


def _tensors(x: Any) -> list[Tensor]:
    if isinstance(x, Tensor):
        return [x]
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, tuple | list) else ()
    return [t for part in parts for t in _tensors(part)]


def _shapes(output: Any) -> str:
    return ", ".join(str(tuple(t.shape)) for t in _tensors(output))


def _nodes(output: Any) -> list[Node]:
    """All operations behind the output."""
    found: set[Any] = set()
    stack = [t.gradient_edge[0] for t in _tensors(output) if t.requires_grad]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node not in found:
            found.add(node)
            stack += [edge[0] for edge in node._edges if edge is not None]
    return list(found)


Count = Callable[..., int]


def _size(x: Any) -> int:
    return math.prod(x.shape)


COUNTS: dict[str, Count] = {
    "matmul": lambda out, x, y: _size(out) * x.shape[-1],
    "linear": lambda out, x, weight, bias: _size(out) * x.shape[-1],
    "conv": lambda out, x, weight, bias: _size(out) * math.prod(weight.shape[1:]),
    "conv_transpose": lambda out, x, weight, bias: _size(x) * math.prod(weight.shape[1:]),
    "scaled_dot_product_attention": lambda out, q, k, v, *masks: (
        math.prod(out.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])
    ),
    "rnn": lambda out, x, h, w, *rest: x.shape[0] * x.shape[1] * _size(w),
    "gru": lambda out, x, h, w, *rest: x.shape[0] * x.shape[1] * _size(w),
    "lstm": lambda out, x, h, c, w, b, p, mask: x.shape[0] * x.shape[1] * (_size(w) + (0 if p is None else _size(p))),
}


def _multiplications(node: Node) -> int:
    count = COUNTS.get(node.op.name)
    if count is None or not isinstance(node.payload, tuple):
        return 0
    inputs, outs, _ = node.payload
    return count(outs[0], *inputs)
