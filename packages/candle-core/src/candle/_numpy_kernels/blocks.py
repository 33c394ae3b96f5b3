"""Steps of optimizers, a block of a parameter at a time: what a rule makes on the way then stays in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from candle.kernels import Kernel
from candle.op import MutatingOp
from candle.plugins import backend_of

BLOCK = 2**15  # elements
SMALL = 2**12  # parameters of so many go through the rule together: NumPy's calls then cost more than memory

Arrays = dict[int, list[Any]]  # by the place of their list among the op's inputs


class Blocks(Kernel):
    """An op's own rule, on one block after the other of each parameter and of what belongs to it."""

    priority = -1  # behind compiled ones

    def __init__(self, op: str):
        (self.rule,) = (each for each in MutatingOp.__subclasses__() if each.name == op)
        self.op, self.xp = op, backend_of("cpu").xp
        self.targets = [self.rule.inputs.index(name) for name in self.rule.mutates]

    def forward(self, *inputs: Any, **attrs: Any) -> Any:
        lists = {i: x for i, x in enumerate(inputs) if isinstance(x, list) and x}
        rows = list(zip(*lists.values(), strict=True))  # a parameter, its gradient, ...
        written = [x for i in self.targets for x in lists.get(i, ()) if x.size]
        if sum(row[0].size for row in rows) <= BLOCK or not all(map(alike, rows)) or not may_be_written(written):
            return NotImplemented
        for group in groups([row for row in rows if row[0].size <= SMALL]):
            self.together(inputs, dict(zip(lists, map(list, zip(*group, strict=True)), strict=True)), attrs)
        for row in rows:
            if row[0].size > SMALL:
                flat = [x.reshape(-1) for x in row]
                for start in range(0, flat[0].size, BLOCK):
                    parts = ([x[start : start + BLOCK]] for x in flat)
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
    dtype, shape = row[0].dtype, row[0].shape
    return dtype in (np.float32, np.float64) and all(x.dtype == dtype and x.shape == shape for x in row)


def may_be_written(arrays: list[Any]) -> bool:
    """Whether they lie in order, and none is there twice, which would be changed twice."""
    if not all(x.flags.carray for x in arrays):
        return False
    owners = {id(x if x.base is None else x.base) for x in arrays}
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
