"""The drawing of a graph: boxes in rows, the result on top, and arrows that go round them.

Sugiyama, Tagawa and Toda (1981): each box gets a row, an arrow that is longer than one row gets a lane through
every row between; the places of a row are put in an order with few crossings, and at last where they are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from candle._picture import Box

FONT = 12
HEIGHT, BETWEEN, ROW, MARGIN = 40, 24, 84, 12  # of a box, from box to box, from row to row, round the page
SWEEPS = 6

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
    f'font-family="monospace" font-size="{FONT}">'
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0,0 L8,4 L0,8 z" fill="#888"/></marker></defs>'
)
ARROW = '<path d="{}" fill="none" stroke="#888" marker-end="url(#tip)"/>'
BOX = (
    "<g><title>{told}</title>"
    f'<rect x="{{left:.1f}}" y="{{y}}" width="{{width:.1f}}" height="{HEIGHT}" rx="6" fill="{{fill}}" stroke="#666"/>'
    '<text x="{x:.1f}" y="{first}" text-anchor="middle" font-weight="bold">{title}</text>'
    '<text x="{x:.1f}" y="{second}" text-anchor="middle" fill="#444">{detail}</text></g>'
)


@dataclass(eq=False)
class Place:
    """What takes room in a row: a box, or a lane for the arrows that pass from one box below."""

    row: int
    width: float
    weight: float  # how much it wants to be where it wants to be: lanes are to be straight
    x: float = 0.0  # of its middle
    above: list[Place] = field(default_factory=list)
    below: list[Place] = field(default_factory=list)

    @property
    def y(self) -> int:
        return MARGIN + self.row * ROW


def svg(boxes: Sequence[Box]) -> str:
    """The boxes, the first of which is the result, as an SVG."""
    places, routes = _placed(boxes)
    rows: list[list[Place]] = [[] for _ in range(1 + max(place.row for place in places))]
    for place in dict.fromkeys([*places, *(place for route in routes for place in route)]):
        rows[place.row].append(place)
    _order(rows)
    _move(rows)
    left = min(row[0].x - row[0].width / 2 for row in rows) - MARGIN
    for row in rows:
        for place in row:
            place.x -= left
    width = max(row[-1].x + row[-1].width / 2 for row in rows) + MARGIN
    drawn = [ARROW.format(_path(route, end)) for route, end in zip(routes, _ends(routes), strict=True)]
    drawn += [_box(box, place) for box, place in zip(boxes, places, strict=True)]
    return "".join([HEAD.format(width=width, height=rows[-1][0].y + HEIGHT + MARGIN), *drawn, "</svg>"])


def _placed(boxes: Sequence[Box]) -> tuple[list[Place], list[list[Place]]]:
    """A place for each box, and the route of each arrow: from an input, through lanes, up to what it became."""
    rows = _rows(boxes)
    places = [Place(row, _width(box), 0.25 if box.leaf else 1) for row, box in zip(rows, boxes, strict=True)]
    lanes: dict[tuple[int, int], Place] = {}  # by the box below and the row
    routes = []
    for box, user in zip(boxes, places, strict=True):
        for i in box.inputs:
            route = [places[i]]
            for row in range(places[i].row - 1, user.row, -1):
                if (i, row) not in lanes:
                    lanes[i, row] = Place(row, 0, 4)
                    _join(route[-1], lanes[i, row])
                route.append(lanes[i, row])
            _join(route[-1], user)
            routes.append([*route, user])
    return places, routes


def _width(box: Box) -> float:
    """With room for the text, whose letters are 0.6 of its size wide, and for the tips of the arrows."""
    return max(FONT * 0.61 * max(len(box.title), len(box.detail), 6) + 16, 10 * (len(box.inputs) + 1))


def _join(lower: Place, upper: Place) -> None:
    lower.above.append(upper)
    upper.below.append(lower)


def _rows(boxes: Sequence[Box]) -> list[int]:
    """The longest way from the result to each box, so that every arrow points up the page."""
    rows, waiting = [0] * len(boxes), [0] * len(boxes)
    for box in boxes:
        for i in box.inputs:
            waiting[i] += 1
    ready = [0]
    while ready:
        user = ready.pop()
        for i in boxes[user].inputs:
            rows[i] = max(rows[i], rows[user] + 1)
            waiting[i] -= 1
            if not waiting[i]:
                ready.append(i)
    return rows


def _sweep(rows: list[list[Place]], visit: Callable[[list[Place], list[float]], None]) -> None:
    """Down and up the page, a few times; each row hears where its neighbours in the row before would have it."""
    for _ in range(SWEEPS):
        for row in rows:
            visit(row, [_mean(place.above, place) for place in row])
        for row in reversed(rows):
            visit(row, [_mean(place.below, place) for place in row])


def _mean(neighbours: list[Place], place: Place) -> float:
    return sum(each.x for each in neighbours) / len(neighbours) if neighbours else place.x


def _order(rows: list[list[Place]]) -> None:
    """Neighbours near one another, so that few arrows cross; `x` counts the places for now."""

    def sort(row: list[Place], wanted: list[float]) -> None:
        before = dict(zip(row, wanted, strict=True))
        row.sort(key=before.__getitem__)
        for i, place in enumerate(row):
            place.x = i - len(row) / 2

    _sweep(rows, sort)


def _move(rows: list[list[Place]]) -> None:
    """Each place as near as can be to where it is wanted, in that order, without touching: isotonic regression."""

    def settle(row: list[Place], wanted: list[float]) -> None:
        steps = [0.0, *((a.width + b.width) / 2 + BETWEEN for a, b in pairwise(row))]
        offset, groups = 0.0, list[tuple[float, float, int]]()  # (where, weight, how many) that stand side by side
        for place, step, x in zip(row, steps, wanted, strict=True):
            offset += step
            group = (x - offset, place.weight, 1)
            while groups and groups[-1][0] >= group[0]:
                group = _together(groups.pop(), group)
            groups.append(group)
        offset = 0.0
        for place, step, x in zip(row, steps, [g[0] for g in groups for _ in range(g[2])], strict=True):
            offset += step
            place.x = x + offset

    _sweep(rows, settle)


def _together(a: tuple[float, float, int], b: tuple[float, float, int]) -> tuple[float, float, int]:
    weight = a[1] + b[1]
    return (a[0] * a[1] + b[0] * b[1]) / weight, weight, a[2] + b[2]


def _ends(routes: list[list[Place]]) -> list[float]:
    """Where each arrow meets its box: side by side, in the order in which they come."""
    arriving: dict[Place, list[int]] = {}
    for i, route in enumerate(routes):
        arriving.setdefault(route[-1], []).append(i)
    ends = [0.0] * len(routes)
    for user, arrows in arriving.items():
        for k, i in enumerate(sorted(arrows, key=lambda i: routes[i][-2].x), 1):
            ends[i] = user.x + user.width * (k / (len(arrows) + 1) - 0.5)
    return ends


def _path(route: list[Place], end: float) -> str:
    """Straight through the rows, bent only between them."""
    start, *lanes, user = route
    points = [(start.x, start.y)]
    for lane in lanes:
        points += [(lane.x, lane.y + HEIGHT), (lane.x, lane.y)]
    points.append((end, user.y + HEIGHT))
    path = f"M{start.x:.1f},{start.y}"
    for (x1, y1), (x2, y2) in pairwise(points):
        middle = (y1 + y2) / 2
        straight = abs(x1 - x2) < 0.1
        path += f" L{x2:.1f},{y2}" if straight else f" C{x1:.1f},{middle} {x2:.1f},{middle} {x2:.1f},{y2}"
    return path


def _box(box: Box, place: Place) -> str:
    return BOX.format(
        told=escape(box.formula or "a leaf: gradients end here"),
        title=escape(box.title),
        detail=escape(box.detail),
        fill="#fde9c8" if box.leaf else "#e8eef7",
        left=place.x - place.width / 2,
        width=place.width,
        x=place.x,
        y=place.y,
        first=place.y + 16,
        second=place.y + 32,
    )
