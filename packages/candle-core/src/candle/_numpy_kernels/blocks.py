"""Steps of optimizers, a block of a parameter at a time: what a rule makes on the way then stays in the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from candle._numpy_kernels.dtypes import FLOATS
from candle.kernels import Kernel
from candle.op import MutatingOp
from candle.plugins import backend_of

BLOCK = 2**15  # elements
SMALL = 2**12  # parameters of so many are joined

Arrays = dict[int, Any]  # by the place of their list among the op's inputs


class Blocks(Kernel):
    """An op's own rule, on one block after the other of large parameters, and on small ones joined into blocks."""

    priority = -1  # behind compiled ones
    at_once = 1  # blocks of a parameter

    def __init__(self, op: str):
        (self.rule,) = (each for each in MutatingOp.__subclasses__() if each.name == op)
        self.op, self.xp = op, backend_of("cpu").xp
        self.targets = [self.rule.inputs.index(name) for name in self.rule.mutates]

    def forward(self, *inputs: Any, **attrs: Any) -> Any:
        lists = {i: x for i, x in enumerate(inputs) if type(x) is list and x}
        rows = list(zip(*lists.values(), strict=True))  # a parameter, its gradient, ...
        written = [x for i in self.targets for x in lists.get(i, ()) if x.size]
        if not all(map(alike, rows)) or not may_be_written(written):
            return NotImplemented
        for group in groups(rows):
            if len(group) > 1:
                self.joined(inputs, dict(zip(lists, zip(*group, strict=True), strict=True)), attrs)
                continue
            for part in parts(group[0], BLOCK * self.at_once):
                self.block(inputs, dict(zip(lists, part, strict=True)), attrs)
        return None

    def joined(self, inputs: Any, lists: dict[int, tuple[Any, ...]], attrs: Any) -> None:
        """Some arrays of each list as one: NumPy's calls take longer than a copy there and back."""
        some = {i: np.concatenate(arrays, axis=None) for i, arrays in lists.items()}
        self.block(inputs, some, attrs)
        for i in self.targets:
            start = 0
            for x in lists.get(i, ()):
                x.reshape(-1)[...] = some[i][start : start + x.size]
                start += x.size

    def block(self, inputs: Any, some: Arrays, attrs: Any) -> None:
        """The rule, on a part of each list."""
        given = ([some[i]] if i in some else x for i, x in enumerate(inputs))
        for i, values in zip(self.targets, self.rule.forward(self.xp, *given, **attrs), strict=True):
            if i in some:
                some[i][...] = values[0]


def alike(row: Any) -> bool:
    """Whether all arrays of a parameter are floats of one dtype and shape."""
    first, *others = row
    dtype, shape = first.dtype, first.shape
    for x in others:
        if x.shape != shape or x.dtype != dtype:
            return False
    return dtype in FLOATS


def parts(row: Any, most: int) -> Iterator[list[Any]]:
    """Its arrays as flat parts of about `most` elements; of one in another order (a gradient) each part is a copy."""
    first = row[0]
    if all(x.flags.c_contiguous for x in row) or first.size <= most:
        flat = [x.reshape(-1) for x in row]
        step = math.ceil(first.size / max(round(first.size / most), 1)) or 1  # parts of one size
        for start in range(0, first.size, step):
            yield [x[start : start + step] for x in flat]
        return
    if len(first) == 1:
        yield from parts([x[0] for x in row], most)
        return
    step = max(most * len(first) // first.size, 1)  # rows
    for start in range(0, len(first), step):
        yield from parts([x[start : start + step] for x in row], most)


def may_be_written(arrays: list[Any]) -> bool:
    """Whether they lie in order, and none is there twice, which would be changed twice."""
    owners = set()
    for x in arrays:
        if not x.flags.carray:
            return False
        owners.add(id(x if x.base is None else x.base))
    return len(owners) == len(arrays) or len({x.__array_interface__["data"][0] for x in arrays}) == len(arrays)


def groups(rows: list[Any]) -> Iterator[list[Any]]:
    """Rows to join: small ones of one dtype, as many as make a block; the others each by itself."""
    waiting: dict[Any, list[Any]] = {}
    sizes: dict[Any, int] = {}
    for row in rows:
        size, dtype = row[0].size, row[0].dtype
        if size > SMALL:
            yield [row]
            continue
        if sizes.get(dtype, 0) + size > BLOCK:
            yield waiting.pop(dtype)
            sizes[dtype] = 0
        waiting.setdefault(dtype, []).append(row)
        sizes[dtype] = sizes.get(dtype, 0) + size
    yield from waiting.values()
