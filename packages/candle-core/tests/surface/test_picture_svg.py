"""`candle.graph(t).svg()`: a drawing, read here as the boxes and arrows that it is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

import candle

from .graphs import GRAPHS

every_graph = pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
NAMESPACE = {"s": "http://www.w3.org/2000/svg"}


@dataclass
class Box:
    x: float
    y: float
    width: float
    height: float
    texts: list[str]
    title: str

    def holds(self, x: float, y: float, margin: float = 0.5) -> bool:
        inside_x = self.x - margin <= x <= self.x + self.width + margin
        return inside_x and self.y - margin <= y <= self.y + self.height + margin

    def overlaps(self, other: Box) -> bool:
        apart_x = self.x + self.width <= other.x or other.x + other.width <= self.x
        return not (apart_x or self.y + self.height <= other.y or other.y + other.height <= self.y)


class Drawing:
    """What is in the SVG, whether its arrows are lines or paths."""

    def __init__(self, text: str):
        self.root = ElementTree.fromstring(text)
        self.width, self.height = float(self.root.get("width")), float(self.root.get("height"))
        self.boxes = []
        for group in self.root.findall("s:g", NAMESPACE):
            rect = group.find("s:rect", NAMESPACE)
            sizes = [float(rect.get(name)) for name in ("x", "y", "width", "height")]
            texts = [each.text or "" for each in group.findall("s:text", NAMESPACE)]
            self.boxes.append(Box(*sizes, texts, group.find("s:title", NAMESPACE).text))
        self.arrows = [ends(each) for each in self.root.iter() if each.get("marker-end")]


def route(element: ElementTree.Element) -> list[tuple[float, float]]:
    """Points along an arrow: a line, or a path of lines (L) and cubic curves (C)."""
    if element.tag.endswith("line"):
        x1, y1, x2, y2 = (float(element.get(name)) for name in ("x1", "y1", "x2", "y2"))
        return along([(x1, y1), (x2, y2)])
    points: list[tuple[float, float]] = []
    for command, numbers in re.findall(r"([MLC])([^MLC]*)", element.get("d")):
        flat = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", numbers)]
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        if command == "M":
            points += pairs
        elif command == "L":
            for pair in pairs:
                points += along([points[-1], pair])
        else:
            for i in range(0, len(pairs), 3):
                points += along([points[-1], *pairs[i : i + 3]])
    return points


def along(control: list[tuple[float, float]], steps: int = 40) -> list[tuple[float, float]]:
    """A Bezier curve of any degree, by de Casteljau."""
    found = []
    for k in range(steps + 1):
        t, level = k / steps, control
        while len(level) > 1:
            pairs = zip(level, level[1:], strict=False)
            level = [tuple(a + (b - a) * t for a, b in zip(p, q, strict=True)) for p, q in pairs]
        found.append(level[0])
    return found


def ends(element: ElementTree.Element) -> tuple[tuple[float, float], tuple[float, float]]:
    points = route(element)
    return points[0], points[-1]


def drawing(make) -> tuple[Drawing, candle._picture.Graph]:
    picture = candle.graph(make())
    return Drawing(picture.svg()), picture


@every_graph
def test_every_box_is_drawn_once_within_the_page(make) -> None:
    found, picture = drawing(make)
    assert len(found.boxes) == len(picture.boxes)
    for box in found.boxes:
        assert 0 <= box.x <= box.x + box.width <= found.width
        assert 0 <= box.y <= box.y + box.height <= found.height


@every_graph
def test_no_boxes_overlap(make) -> None:
    boxes = drawing(make)[0].boxes
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


@every_graph
def test_arrows_start_and_end_at_boxes(make) -> None:
    """Each at the edge of exactly one box, from an input up to what it became."""
    found, picture = drawing(make)
    assert len(found.arrows) == len(set(found.arrows)), "two arrows on top of one another look like one"
    for start, end in found.arrows:
        assert sum(box.holds(*start) for box in found.boxes) == 1
        assert sum(box.holds(*end) for box in found.boxes) == 1
        assert start[1] > end[1], "the result is on top, so arrows go up"


@every_graph
def test_arrows_are_those_of_the_graph(make) -> None:
    found, picture = drawing(make)

    def at(point) -> int:
        return next(i for i, box in enumerate(found.boxes) if box.holds(*point))

    drawn = {(at(start), at(end)) for start, end in found.arrows}
    assert drawn == {(j, i) for i, box in enumerate(picture.boxes) for j in box.inputs}


@every_graph
def test_arrows_cross_no_box(make) -> None:
    """An arrow that runs behind a box looks as if it came from there, or is not seen at all."""
    found, _ = drawing(make)
    for arrow in (route(each) for each in found.root.iter() if each.get("marker-end")):
        for box in found.boxes:
            if not box.holds(*arrow[0]) and not box.holds(*arrow[-1]):
                assert not any(box.holds(*point, margin=-1) for point in arrow), f"an arrow runs behind {box.texts}"


@every_graph
def test_texts_fit_into_their_boxes(make) -> None:
    """A monospace letter is 0.6 of its size wide."""
    found, _ = drawing(make)
    size = float(found.root.get("font-size"))
    for box in found.boxes:
        for text in box.texts:
            assert len(text) * size * 0.602 <= box.width, text


def test_long_names_and_shapes_fit_too() -> None:
    x = candle.ones(2, 1, 2, 1, 2, 1, 2, 1, requires_grad=True)
    picture = candle.graph(x.exp(), **{"transformer.layers.11.attention.projection.weight": x})
    for box in Drawing(picture.svg()).boxes:
        for text in box.texts:
            assert len(text) * 12 * 0.602 <= box.width, text


@every_graph
def test_boxes_tell_the_formula_to_the_mouse(make) -> None:
    found, picture = drawing(make)
    assert all(box.title for box in found.boxes)
    assert [box.texts[0] for box in found.boxes] == [box.title for box in picture.boxes]


def test_what_xml_does_not_allow_is_escaped() -> None:
    x = candle.ones(3, requires_grad=True)
    odd = type("A<b>&c", (candle.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 2)})
    found = Drawing(candle.graph(odd.apply(x), **{"<w> & 'co'": x}).svg())
    assert {box.texts[0] for box in found.boxes} == {"A<b>&c", "<w> & 'co'"}


def test_notebooks_show_it() -> None:
    picture = candle.graph(candle.ones(3, requires_grad=True).exp())
    assert picture._repr_svg_() == picture.svg()


def test_it_stands_alone() -> None:
    """Nothing is fetched: no script, no style sheet, no link."""
    text = candle.graph(GRAPHS["a network"]()).svg()
    assert not re.search(r"<script|href|<style|@import", text)
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
