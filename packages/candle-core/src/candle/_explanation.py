"""`candle.explain(loss)`: backward, told step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Any

from candle._graph import Node, RemovableHandle
from candle._picture import behind, names_of, title_of
from candle._tensor import Tensor


@dataclass
class Step:
    """One operation that the gradient went through."""

    op: str
    formula: str
    arrived: str  # shape of the gradient that came in
    norm_in: float
    sent: list[str]  # shapes of the gradients passed on
    norms_out: list[float]


@dataclass
class Explanation:
    """The steps in the order in which backward took them, and the gradients of the leaves."""

    steps: list[Step]
    leaves: list[tuple[str, str, float]]

    def rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [
            (
                str(i),
                step.op,
                step.formula,
                f"{step.arrived} |{step.norm_in:.3g}|",
                ", ".join(f"{s} |{n:.3g}|" for s, n in zip(step.sent, step.norms_out, strict=True)) or "nothing",
            )
            for i, step in enumerate(self.steps, 1)
        ]
        return rows + [
            ("", name, "a leaf: added to its .grad", f"{shape} |{norm:.3g}|", "") for name, shape, norm in self.leaves
        ]

    def __str__(self) -> str:
        table = [("", "operation", "rule", "gradient |norm|", "passed on"), *self.rows()]
        widths = [max(len(row[i]) for row in table) for i in range(5)]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "<tr><th></th><th>operation</th><th>rule</th><th>gradient |norm|</th><th>passed on</th></tr>"
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows())
        return f"<table>{head}{body}</table>"


def explain(
    loss: Tensor, gradient: Tensor | None = None, *, retain_graph: bool = False, **names: Tensor
) -> Explanation:
    """Run `loss.backward()` and report each operation, the rule it used, shapes and gradient norms.

    >>> import candle
    >>> w = candle.tensor([3.0, 4.0], requires_grad=True)
    >>> print(candle.explain((w * w).sum(), w=w))
       operation  rule                                       gradient |norm|  passed on
    1  sum        sum of x over dim;  dx = grad, repeated    () |1|           (2,) |1.41|
    2  mul        x * y;  dx = grad * y, dy = grad * x       (2,) |1.41|      (2,) |5|, (2,) |5|
       w          a leaf: added to its .grad                 (2,) |10|
    """
    told = Explanation([], [])
    found = behind(loss)
    handles = [_listen(target, told) for target in found if isinstance(target, Node)]
    handles += [_listen_leaf(leaf, name, told) for leaf, name in names_of(found, names).items()]
    try:
        loss.backward(gradient, retain_graph)
    finally:
        for handle in handles:
            handle.remove()
    return told


def _listen(node: Node, told: Explanation) -> RemovableHandle:
    return node.register_hook(lambda sent, arrived: told.steps.append(_step(node, arrived, sent)))


def _listen_leaf(leaf: Tensor, name: str, told: Explanation) -> RemovableHandle:
    """After the user's own hooks, whose result is what is added to `.grad`."""
    return RemovableHandle(
        leaf._hooks("hooks"), lambda grad: told.leaves.append((name, str(tuple(leaf.shape)), _norm(grad)))
    )


def _step(node: Node, arrived: Any, sent: Any) -> Step:
    grads, passed = [g for g in arrived if g is not None], [g for g in sent if g is not None]
    shape = ", ".join(str(tuple(g.shape)) for g in grads)
    norm = sum(_norm(g) ** 2 for g in grads) ** 0.5
    return Step(
        title_of(node),
        node.op.formula,
        shape,
        norm,
        [str(tuple(g.shape)) for g in passed],
        list(map(_norm, passed)),
    )


def _norm(t: Tensor) -> float:
    return math.sqrt(t.detach().abs().double().square().sum().item())
