"""Steps of optimizers, a block of a parameter at a time: what a rule makes on the way then stays in the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from candle.kernels import Kernel
from candle.op import MutatingOp
from candle.plugins import backend_of

BLOCK = 2**15  # elements
SMALL = 2**12  # parameters of so many go through the rule together: NumPy's calls then cost more than memory
FLOATS = frozenset([np.dtype("float32"), np.dtype("float64")])

Arrays = dict[int, list[Any]]  # by the place of their list among the op's inputs


class Blocks(Kernel):
    """An op's own rule, on one block after the other of each parameter and of what belongs to it."""

    priority = -1  # behind compiled ones

    def __init__(self, op: str):
        (self.rule,) = (each for each in MutatingOp.__subclasses__() if each.name == op)
        self.op, self.xp = op, backend_of("cpu").xp
        self.targets = [self.rule.inputs.index(name) for name in self.rule.mutates]

    def forward(self, *inputs: Any, **attrs: Any) -> Any:
        lists = {i: x for i, x in enumerate(inputs) if type(x) is list and x}
        rows = list(zip(*lists.values(), strict=True))  # a parameter, its gradient, ...
        sizes = [row[0].size for row in rows]
        written = [x for i in self.targets for x in lists.get(i, ()) if x.size]
        if sum(sizes) <= BLOCK or not all(map(alike, rows)) or not may_be_written(written):
            return NotImplemented
        small = [row for row, size in zip(rows, sizes, strict=True) if size <= SMALL]
        for group in groups(small):
            self.together(inputs, dict(zip(lists, map(list, zip(*group, strict=True)), strict=True)), attrs)
        for row, size in zip(rows, sizes, strict=True):
            if size > SMALL:
                flat = [x.reshape(-1) for x in row]
                step = math.ceil(size / max(round(size / BLOCK), 1))  # parts of one size
                for start in range(0, size, step):
                    parts = [[x[start : start + step]] for x in flat]
                    self.block(inputs, dict(zip(lists, parts, strict=True)), attrs)
        return None

    def together(self, inputs: Any, some: Arrays, attrs: Any) -> None:
        """The rule, on some arrays of each list instead of all."""
        news = self.rule.forward(self.xp, *(some.get(i, x) for i, x in enumerate(inputs)), **attrs)
        for target, values in zip(self.targets, news, strict=True):
            for x, value in zip(some.get(target, ()), values, strict=True):
                x[...] = value

    block = together  # a subclass may know how to do without copies


def alike(row: Any) -> bool:
    """Whether all arrays of a parameter are floats of one dtype and shape."""
    first, *others = row
    dtype, shape = first.dtype, first.shape
    for x in others:
        if x.shape != shape or x.dtype != dtype:
            return False
    return dtype in FLOATS


def may_be_written(arrays: list[Any]) -> bool:
    """Whether they lie in order, and none is there twice, which would be changed twice."""
    owners = set()
    for x in arrays:
        if not x.flags.carray:
            return False
        owners.add(id(x if x.base is None else x.base))
    return len(owners) == len(arrays) or len({x.__array_interface__["data"][0] for x in arrays}) == len(arrays)


def groups(rows: list[Any]) -> Iterator[list[Any]]:
    """The rows in turn, as many together as make a block."""
    group: list[Any] = []
    size = 0
    for row in rows:
        if size + row[0].size > BLOCK:
            yield group
            group, size = [], 0
        group.append(row)
        size += row[0].size
    if group:
        yield group
