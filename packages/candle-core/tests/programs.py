"""Programs of views and writes in place: lines of source, drawn at random, run by three interpreters.

A program is what a user would write, so that a failing one can be pasted and run:

    t0 = candle.tensor([1.0, 2.0], dtype=candle.float64, requires_grad=True)
    t1 = t0.clone()
    t2 = t1[1:]
    t2.mul_(t1[:1])

PyTorch runs each line first (`candle` is then the name of torch), for the shapes decide what may come
next; then candle, then `shadow`, which knows the right gradient even where PyTorch refuses.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import torch
from hypothesis import strategies as st

import candle

from . import drawing
from .shadow import Library, Shadow

# PyTorch does not let one of several views be written; so there it is made alone.
ALONE = [
    (r"\.unbind\((\d)\)\[(\d)\]", r".select(\1, \2)"),
    (r"\.split\(1, (\d)\)\[(\d)\]", r".narrow(\1, \2, 1)"),
    (r"(t\d)\.chunk\(2, (\d)\)\[0\]", r"\1.narrow(\2, 0, (\1.shape[\2] + 1) // 2)"),
]


def for_torch(line: str) -> str:
    for pattern, alone in ALONE:
        line = re.sub(pattern, alone, line)
    return line


class OnDevice:
    """candle, whose tensors are made on a device."""

    def __init__(self, device: str):
        self.tensor = functools.partial(candle.tensor, device=device)

    def __getattr__(self, name: str) -> Any:
        return getattr(candle, name)


class Run:
    """A program so far, and the tensors of the three interpreters by name."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.lines: list[str] = []
        self.torch: dict[str, Any] = {"candle": torch}
        self.candle: dict[str, Any] = {"candle": OnDevice(device)}
        self.shadow: dict[str, Any] = {"candle": Library()}
        self.leaves: list[str] = []
        self.flat_leaves: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}  # the shadow's leaf, and its places

    @property
    def names(self) -> list[str]:
        return [name for name in self.torch if name[0] == "t"]

    def __getitem__(self, name: str) -> torch.Tensor:
        found: torch.Tensor = self.torch[name]
        return found

    def new_name(self) -> str:
        return f"t{len(self.names)}"

    def text(self) -> str:
        return "\n".join(self.lines)

    def start(self, data: Any) -> None:
        """One to three tensors: leaves with or without gradients, and copies of such leaves."""
        for _ in range(data.draw(st.integers(1, 3))):
            shape = data.draw(st.sampled_from(drawing.SHAPES))
            wants = data.draw(st.sampled_from([True, True, False]))
            name = self.new_name()
            text = drawing.literal(data, shape)
            self.define(name, f"candle.tensor({text}, dtype=candle.float64, requires_grad={wants})", leaf=wants)
            if wants and data.draw(st.booleans()):
                self.define(self.new_name(), f"{name}.clone()")

    def define(self, name: str, expression: str, leaf: bool = False) -> None:
        line = f"{name} = {expression}"
        self.lines.append(line)
        exec(line, self.torch)
        exec(line, self.candle)
        if leaf:
            self.shadow[name] = Shadow.new(self[name].detach().clone())
            self.add_leaf(name)
        else:
            exec(line, self.shadow)

    def add_leaf(self, name: str) -> None:
        self.leaves.append(name)
        made = self.shadow[name]
        self.flat_leaves[name] = made.new_leaf(), made.places

    def step(self, data: Any) -> bool:
        """One more line, and whether there may be others; what PyTorch refuses, candle must refuse."""
        line = drawing.line(data, self)
        try:
            exec(for_torch(line), self.torch)
        except RuntimeError as error:
            self.lines.append(f"{line}  # must raise: {str(error).splitlines()[0]}")
            self.candle_must_refuse(line)
            return True
        self.lines.append(line)
        try:
            exec(line, self.candle)
        except RuntimeError as error:
            if self.device == "frozen" and "expanded" in str(error):
                return False  # without strides candle cannot tell that the part written is in one place
            raise
        if line.endswith("requires_grad_()"):
            exec(line.removesuffix(".requires_grad_()"), self.shadow)
            self.add_leaf(line.split()[0])
        else:
            exec(line, self.shadow)
        return True

    def candle_must_refuse(self, line: str) -> None:
        try:
            exec(line, self.candle)
        except RuntimeError:
            return
        raise AssertionError(f"PyTorch refuses the last line, candle does not:\n{self.text()}")
