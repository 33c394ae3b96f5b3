"""`candle.graph(t)` as text: an indented tree that a newcomer can read."""

from __future__ import annotations

import re
import time

import pytest

import candle

from .graphs import GRAPHS, Cubed, chain, shared

every_graph = pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)


def operations(t: candle.Tensor) -> int:
    """Nodes and leaves behind a tensor, counted by walking the edges."""
    seen, stack = set(), [t.gradient_edge[0]]
    while stack:
        target = stack.pop()
        if target not in seen:
            seen.add(target)
            stack += [edge[0] for edge in target._edges if edge is not None]
    return len(seen)


def drawn(text: str) -> list[str]:
    return [line for line in text.split("\n") if "(see [" not in line]


@every_graph
def test_every_operation_is_drawn_once(make) -> None:
    t = make()
    picture = candle.graph(t)
    assert len(picture.boxes) == operations(t)
    not_leaves = [line for line in drawn(str(picture)) if not re.match(r"[│├└─ ]*leaf ", line)]
    assert len(not_leaves) == sum(not box.leaf for box in picture.boxes)


@every_graph
def test_lines_hang_together(make) -> None:
    """Every branch mark stands under its parent's line."""
    lines = str(candle.graph(make())).split("\n")
    assert not re.match(r"[│├└ ]", lines[0])
    depth = 0
    for line in lines[1:]:
        lead = re.match(r"((?:│  |   )*)([├└])─ \S", line)
        assert lead, line
        assert len(lead[1]) // 3 <= depth
        depth = len(lead[1]) // 3 + 1


@every_graph
def test_references_refer(make) -> None:
    text = str(candle.graph(make()))
    named = set(re.findall(r"  \[(\d+)\]$", text, re.MULTILINE))
    referred = set(re.findall(r"\(see \[(\d+)\]\)$", text, re.MULTILINE))
    assert referred == named


def test_what_it_looks_like() -> None:
    x, w, b = candle.ones(2, 3), candle.ones(3, requires_grad=True), candle.zeros(2, requires_grad=True)
    hidden = (x @ w + b).tanh()
    loss = (hidden * hidden).mean()
    lines = str(candle.graph(loss, w=w, b=b)).split("\n")
    assert [re.sub(r": .*?(  \[\d+\])?$", r"\1", line) for line in lines] == [
        "mean ()",
        "└─ mul (2,)",
        "   ├─ tanh (2,)  [2]",
        "   │  └─ add (2,)",
        "   │     ├─ matmul (2,)",
        "   │     │  └─ w (3,) float32",
        "   │     └─ b (2,) float32",
        "   └─ tanh (2,)  (see [2])",
    ]


def test_formulas_are_shown() -> None:
    x = candle.ones(3, requires_grad=True)
    assert "x * y;  dx = grad * y, dy = grad * x" in str(candle.graph(x * 2))


def test_names_are_those_given() -> None:
    w = candle.ones(3, requires_grad=True)
    other = candle.ones(3, requires_grad=True)
    text = str(candle.graph(w * other, weight=w))
    assert "weight (3,) float32" in text
    assert "leaf (3,) float32" in text


def test_unnamed_leaves_can_be_told_apart() -> None:
    """Two parameters of one shape: a reader must see which appears twice."""
    a, b = candle.ones(3, requires_grad=True), candle.ones(3, requires_grad=True)
    leaves = re.findall(r"─ (leaf.*)", str(candle.graph((a * b) * a)))
    assert len(leaves) == 3
    assert len(set(leaves)) == 2


def test_functions_go_by_their_own_name_and_shape() -> None:
    x = candle.ones(3, requires_grad=True)
    assert str(candle.graph(Cubed.apply(x))).startswith("Cubed (3,)")


def test_a_checkpointed_region_is_not_run_again() -> None:
    calls = []

    def region(x):
        calls.append(1)
        return x.exp().sin()

    from candle.utils.checkpoint import checkpoint

    out = checkpoint(region, candle.ones(3, requires_grad=True))
    text = str(candle.graph(out))
    assert len(calls) == 1
    assert [line.split("─ ")[-1].split(" ")[0].strip(":") for line in text.split("\n")] == ["sin", "exp", "leaf"]


def test_the_shape_is_still_known_where_the_values_are_not() -> None:
    """After backward, in a checkpoint, saved elsewhere: shapes are what a picture is looked at for."""
    for name in ("after backward", "a checkpointed region", "saved elsewhere", "a Function of two outputs"):
        for line in drawn(str(candle.graph(GRAPHS[name]()))):
            assert re.search(r"\([\d, ]*\)", line.split(":")[0]), f"{name}: {line}"


def test_drawing_changes_nothing() -> None:
    x = candle.ones(3, requires_grad=True)
    loss = (x * x).sum()
    for _ in range(2):
        picture = candle.graph(loss)
        str(picture), picture.dot(), picture.svg()
    loss.backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_drawing_keeps_nothing_alive() -> None:
    import gc
    import weakref

    gc.disable()
    try:
        x = candle.ones(3, requires_grad=True)
        loss = x.exp().sum()
        node = weakref.ref(loss.grad_fn)
        picture = candle.graph(loss)
        del loss
        str(picture)
        assert node() is None
    finally:
        gc.enable()


def test_a_tensor_without_history_is_refused() -> None:
    for t in (candle.ones(3), candle.ones(3, requires_grad=True).detach()):
        with pytest.raises(RuntimeError, match="graph: .*does not require grad"):
            candle.graph(t)


@pytest.mark.parametrize("draw", [str, lambda g: g.dot(), lambda g: g.svg()], ids=["text", "dot", "svg"])
@pytest.mark.parametrize("make", [chain, shared], ids=["a chain", "a ladder"])
def test_five_thousand_operations(draw, make) -> None:
    """No recursion, and no work that grows with the square."""
    picture = candle.graph(make(5_000 if make is chain else 2_500))
    start = time.process_time()
    assert len(draw(picture)) > 5_000
    assert time.process_time() - start < 5
