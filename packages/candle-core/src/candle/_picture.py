"""`candle.graph(t)`: a picture of how a tensor was made, as text, as DOT and, in a notebook, as SVG."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from candle import _drawing
from candle._graph import Node
from candle._tensor import Tensor
from candle.ops._common import expect_tensor


class Box:
    """One operation or one leaf of the picture."""

    def __init__(self, title: str, detail: str, formula: str, leaf: bool):
        self.title, self.detail, self.formula, self.leaf = title, detail, formula, leaf
        self.inputs: list[int] = []


class Graph:
    """The recorded operations behind a tensor; the first box is the tensor itself.

    >>> import candle
    >>> w = candle.ones(3, requires_grad=True)
    >>> print(candle.graph((w * 2).sum(), w=w))
    sum (): sum of x over dim;  dx = grad, repeated
    └─ mul (3,): x * y;  dx = grad * y, dy = grad * x
       └─ w (3,) float32
    """

    def __init__(self, t: Tensor, names: dict[str, Tensor]):
        found = behind(t)
        named = names_of(found, names)
        number = {target: i for i, target in enumerate(found)}
        self.boxes = [_box(target, named) for target in found]
        for target, box in zip(found, self.boxes, strict=True):
            box.inputs = [number[edge[0]] for edge in target._edges if edge is not None]

    def __str__(self) -> str:
        """An indented tree; what is used twice is drawn once and then named by its number."""
        uses: dict[int, int] = defaultdict(int)
        for box in self.boxes:
            for i in box.inputs:
                uses[i] += 1
        lines, drawn = [], set()
        stack = [(0, "", "")]
        while stack:
            i, lead, rest = stack.pop()
            box = self.boxes[i]
            mark = f"  [{i}]" if uses[i] > 1 and not box.leaf else ""
            if i in drawn and not box.leaf:
                lines.append(f"{lead}{box.title} {box.detail}  (see [{i}])")
                continue
            drawn.add(i)
            lines.append(f"{lead}{box.title} {box.detail}{': ' + box.formula if box.formula else ''}{mark}")
            last = len(box.inputs) - 1
            for place, child in reversed(list(enumerate(box.inputs))):
                stack.append(
                    (child, rest + ("└─ " if place == last else "├─ "), rest + ("   " if place == last else "│  "))
                )
        return "\n".join(lines)

    __repr__ = __str__

    def dot(self) -> str:
        """The picture in Graphviz' language: the result on top, the leaves below."""
        lines = ["digraph candle {", "  rankdir=BT; node [shape=box, fontname=monospace];"]
        for i, box in enumerate(self.boxes):
            label = "\\n".join(part.replace('"', "'") for part in (box.title, box.detail) if part)
            style = ', style="rounded,filled", fillcolor="#fde9c8"' if box.leaf else ""
            lines.append(f'  n{i} [label="{label}"{style}];')
        lines += [f"  n{j} -> n{i};" for i, box in enumerate(self.boxes) for j in box.inputs]
        return "\n".join([*lines, "}"])

    def svg(self) -> str:
        """A drawing: the result on top, the leaves below, an arrow from each input to what it became."""
        return _drawing.svg(self.boxes)

    _repr_svg_ = svg


def behind(t: Tensor) -> list[Any]:
    """The nodes and leaves that a tensor was made from, its own first, in the order in which a reader meets them."""
    found: dict[Any, None] = {}
    stack = [t.gradient_edge[0]]
    while stack:
        target = stack.pop()
        if target not in found:
            found[target] = None
            stack += [edge[0] for edge in reversed(target._edges) if edge is not None]
    return list(found)


def names_of(found: list[Any], names: dict[str, Tensor]) -> dict[Any, str]:
    """What to call the leaves: by the names given, the others by number if there are several."""
    given = {id(x): name for name, x in names.items()}
    leaves = [target for target in found if not isinstance(target, Node)]
    others = [leaf for leaf in leaves if id(leaf) not in given]
    numbered = {leaf: f"leaf {i}" if len(others) > 1 else "leaf" for i, leaf in enumerate(others, 1)}
    return {leaf: given.get(id(leaf)) or numbered[leaf] for leaf in leaves}


def title_of(node: Node) -> str:
    function = getattr(node, "function", None)  # of a user's own operation
    return function.__name__ if function else node.op.name


def _box(target: Any, named: dict[Any, str]) -> Box:
    if isinstance(target, Node):
        shapes = " ".join(map(str, target.shapes))
        return Box(title_of(target), shapes, target.op.formula, leaf=False)
    return Box(named[target], f"{tuple(target.shape)} {target.dtype.name}", "", leaf=True)


def graph(t: Tensor, **names: Tensor) -> Graph:
    """How `t` was made: print it, look at it in a notebook, or take `.dot()` or `.svg()`.

    Keyword arguments name leaves: `candle.graph(loss, w=w, b=b)`.
    """
    expect_tensor("graph", t, "t")
    if not t.requires_grad:
        raise RuntimeError("graph: this tensor does not require grad, so nothing was recorded")
    return Graph(t, names)
