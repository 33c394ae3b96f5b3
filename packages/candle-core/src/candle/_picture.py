"""`candle.graph(t)`: a picture of how a tensor was made, as text, as DOT and, in a notebook, as SVG."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from typing import Any

from candle._graph import Node
from candle._tensor import Tensor


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
        self.names = {id(x): name for name, x in names.items()}
        self.boxes: list[Box] = []
        self._number: dict[Any, int] = {}
        stack = [t.gradient_edge[0]]
        self._add(stack[0])
        while stack:
            target = stack.pop()
            box = self.boxes[self._number[target]]
            for edge in target._edges:
                if edge is not None:
                    if edge[0] not in self._number:
                        self._add(edge[0])
                        stack.append(edge[0])
                    box.inputs.append(self._number[edge[0]])

    def _add(self, target: Any) -> None:
        self._number[target] = len(self.boxes)
        if isinstance(target, Node):
            self.boxes.append(Box(node_title(target), node_shapes(target), node_formula(target), leaf=False))
        else:
            name = self.names.get(id(target), "leaf")
            self.boxes.append(Box(name, f"{tuple(target.shape)} {target.dtype.name}", "", leaf=True))

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

    def _layers(self) -> list[list[int]]:
        """Boxes by their longest way from the result, so that every arrow points down the page."""
        depth = [0] * len(self.boxes)
        waiting = [0] * len(self.boxes)
        for box in self.boxes:
            for i in box.inputs:
                waiting[i] += 1
        ready = [0]
        while ready:
            i = ready.pop()
            for j in self.boxes[i].inputs:
                depth[j] = max(depth[j], depth[i] + 1)
                waiting[j] -= 1
                if not waiting[j]:
                    ready.append(j)
        layers: list[list[int]] = [[] for _ in range(max(depth) + 1)]
        for i, d in enumerate(depth):
            layers[d].append(i)
        return layers

    def svg(self) -> str:
        """A drawing: the result on top, the leaves below, an arrow from each input to what it became."""
        width, height, gap_x, gap_y = 170, 40, 24, 36
        layers = self._layers()
        widest = max(map(len, layers))
        place: dict[int, tuple[float, float]] = {}
        for row, layer in enumerate(layers):
            # inputs stand near what they are inputs of, so that arrows cross less
            order = sorted(layer, key=lambda i: _mean([place[u][0] for u in self._users(i) if u in place]))
            left = (widest - len(layer)) * (width + gap_x) / 2
            for column, i in enumerate(order):
                place[i] = (left + column * (width + gap_x) + 12, row * (height + gap_y) + 12)
        total = widest * (width + gap_x), len(layers) * (height + gap_y)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{total[0] + 24}" height="{total[1] + 8}" '
            'font-family="monospace" font-size="12">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0,0 L8,4 L0,8 z" fill="#888"/></marker></defs>',
        ]
        for i, box in enumerate(self.boxes):
            for j in box.inputs:
                (x1, y1), (x2, y2) = place[j], place[i]
                parts.append(
                    f'<line x1="{x1 + width / 2}" y1="{y1}" x2="{x2 + width / 2}" y2="{y2 + height}" '
                    'stroke="#888" marker-end="url(#tip)"/>'
                )
        for i, box in enumerate(self.boxes):
            x, y = place[i]
            fill = "#fde9c8" if box.leaf else "#e8eef7"
            middle = f'x="{x + width / 2}" text-anchor="middle"'
            parts += [
                f"<g><title>{escape(box.formula or 'a leaf: gradients end here')}</title>",
                f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="#666"/>',
                f'<text {middle} y="{y + 16}" font-weight="bold">{escape(box.title)}</text>',
                f'<text {middle} y="{y + 32}" fill="#444">{escape(box.detail)}</text></g>',
            ]
        return "".join([*parts, "</svg>"])

    _repr_svg_ = svg

    def _users(self, i: int) -> list[int]:
        return [u for u, box in enumerate(self.boxes) if i in box.inputs]


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def node_title(node: Node) -> str:
    return (getattr(node, "function", None) and node.function.__name__) or node.op.name  # type: ignore[attr-defined]


def node_formula(node: Node) -> str:
    return node.op.formula


def node_shapes(node: Node) -> str:
    """The shape of the result, while the graph still holds it."""
    if node.payload is None:
        return ""
    try:
        return " ".join(str(tuple(out.shape)) for out in node.payload[1])
    except (AttributeError, IndexError, TypeError):
        return ""


def graph(t: Tensor, **names: Tensor) -> Graph:
    """How `t` was made: print it, look at it in a notebook, or take `.dot()` or `.svg()`.

    Keyword arguments name leaves: `candle.graph(loss, w=w, b=b)`.
    """
    if not t.requires_grad:
        raise RuntimeError("graph: this tensor does not require grad, so nothing was recorded")
    return Graph(t, names)
