"""`candle.graph(t).dot()`: text that Graphviz would take, read here by a small parser."""

from __future__ import annotations

import re
from typing import Any

import pytest

import candle

from .graphs import GRAPHS

every_graph = pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)

TOKEN = re.compile(r'\s*(?:(?P<word>[A-Za-z_]\w*|-?[\d.]+)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<mark>->|[{}\[\];,=]))')


def tokens(text: str) -> list[str]:
    found, place = [], 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        assert match, f"not DOT: {text[place : place + 40]!r}"
        found.append(match[0].strip())
        place = match.end()
    return found


class Parser:
    """The part of the language that pictures need: digraph, node, edge and attribute statements."""

    def __init__(self, text: str):
        self.left = tokens(text)
        self.nodes: dict[str, dict[str, str]] = {}
        self.edges: list[tuple[str, str]] = []
        assert self.take() == "digraph"
        assert re.fullmatch(r"\w+", self.take())
        assert self.take() == "{"
        while self.left[0] != "}":
            self.statement()
        assert self.take() == "}"
        assert self.left == []

    def take(self) -> str:
        return self.left.pop(0)

    def statement(self) -> None:
        name = self.take()
        assert re.fullmatch(r"[A-Za-z_]\w*", name)
        if self.left[0] == "=":
            self.take(), self.take()
        elif self.left[0] == "->":
            self.take()
            self.edges.append((name, self.take()))
            self.attributes()
        else:
            found = self.attributes()
            if name not in ("node", "edge", "graph"):
                assert name not in self.nodes, f"{name} is declared twice"
                self.nodes[name] = found
        assert self.take() == ";"

    def attributes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.left[0] == "[":
            self.take()
            while self.left[0] != "]":
                key = self.take()
                assert self.take() == "="
                found[key] = self.take().strip('"')
                if self.left[0] == ",":
                    self.take()
            self.take()
        return found


@every_graph
def test_it_is_well_formed(make) -> None:
    picture = candle.graph(make())
    parsed = Parser(picture.dot())
    assert len(parsed.nodes) == len(picture.boxes)
    assert {end for edge in parsed.edges for end in edge} <= parsed.nodes.keys()
    assert all(each["label"] for each in parsed.nodes.values())


@every_graph
def test_edges_are_those_of_the_graph(make) -> None:
    """From each input to what it became, once for every time it is used."""
    t = make()
    parsed = Parser(candle.graph(t).dot())
    names: dict[Any, str] = {}
    expected = 0
    stack = [t.gradient_edge[0]]
    while stack:
        target = stack.pop()
        if target not in names:
            names[target] = ""
            sources = [edge[0] for edge in target._edges if edge is not None]
            expected += len(sources)
            stack += sources
    assert len(parsed.edges) == expected


def test_the_result_has_no_arrow_out_and_leaves_none_in() -> None:
    x, w = candle.ones(3, requires_grad=True), candle.ones(3, requires_grad=True)
    parsed = Parser(candle.graph((x * w + x).sum(), x=x, w=w).dot())
    label = {name: each["label"].split("\\n")[0] for name, each in parsed.nodes.items()}
    edges = sorted((label[a], label[b]) for a, b in parsed.edges)
    assert edges == [("add", "sum"), ("mul", "add"), ("w", "mul"), ("x", "add"), ("x", "mul")]


def test_labels_say_name_and_shape() -> None:
    x = candle.ones(2, 3, requires_grad=True)
    parsed = Parser(candle.graph(x.sum(0), x=x).dot())
    assert sorted(each["label"] for each in parsed.nodes.values()) == ["sum\\n(3,)", "x\\n(2, 3) float32"]


def test_names_that_are_words_of_the_language() -> None:
    """A parameter may be called `node` or `graph`; its box is not."""
    x = candle.ones(3, requires_grad=True)
    y = candle.ones(3, requires_grad=True)
    parsed = Parser(candle.graph(x * y, node=x, edge=y).dot())
    assert {each["label"].split("\\n")[0] for each in parsed.nodes.values()} == {"mul", "node", "edge"}


def test_names_given_by_a_dict_may_hold_anything() -> None:
    """`candle.graph(loss, **dict(model.named_parameters()))` has dots; quotes and backslashes do no harm."""
    x, y = (candle.ones(3, requires_grad=True) for _ in "xy")
    parsed = Parser(candle.graph(x * y, **{"layers.0.weight": x, 'a "quoted\\ name': y}).dot())
    labels = " ".join(each["label"] for each in parsed.nodes.values())
    assert "layers.0.weight" in labels
    assert "quoted" in labels


def test_a_function_named_oddly() -> None:
    odd = type('A"b', (candle.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 2)})
    Parser(candle.graph(odd.apply(candle.ones(3, requires_grad=True))).dot())
