"""Random graphs, random outputs, random inputs anywhere in them: `autograd.grad` and `backward` are PyTorch's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import candle

from .oracle import assert_same

SETTINGS = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck), "print_blob": False}
UNARY = [
    "{0}.sin()",
    "{0}.exp()",
    "{0} * 2",
    "{0}.tanh()",
    "{0}.flip(0)",
    "{0}[[2, 0, 0]]",
    "{0}.detach()",
    "{0}.clone()",
]
BINARY = ["{0} * {1}", "{0} + {1}", "{0} - {1} * 0.5", "lib.where({0} > {1}, {0}, {1})", "{0} * {1}.sum()"]
SEVERAL = ["{0}.unbind(0)", "{0}.sort()[:1]", "lib.stack([{0}, {1}]).split(1)"]


class Graph:
    """Lines of a program over vectors of three, run by both libraries."""

    def __init__(self, data: st.DataObject):
        self.data, self.lines = data, list[str]()
        self.spaces: list[dict[str, Any]] = [{"lib": torch}, {"lib": candle}, {"lib": torch}]
        for i in range(data.draw(st.integers(1, 3))):
            wants = i == 0 or data.draw(st.booleans())
            self.run(f"t{i} = lib.tensor([0.{i + 1}, 1.25, -0.5], dtype=lib.float64, requires_grad={wants})")
        for _ in range(data.draw(st.integers(1, 8))):
            self.run(self.line())

    @property
    def names(self) -> list[str]:
        return [name for name in self.spaces[0] if name[0] == "t"]

    def line(self) -> str:
        pick = st.sampled_from(self.names)
        a, b, new = self.data.draw(pick), self.data.draw(pick), len(self.names)
        template = self.data.draw(st.sampled_from(UNARY + BINARY + BINARY + SEVERAL))
        if "unbind" in template:
            return f"t{new}, t{new + 1}, t{new + 2} = (each.expand(3) for each in {template.format(a, b)})"
        if "split" in template:
            return f"t{new}, t{new + 1} = (each[0] for each in {template.format(a, b)})"
        return f"t{new} = {template.format(a, b)}" + ("[0]" if "sort" in template else "")

    def run(self, line: str) -> None:
        self.lines.append(line)
        for space in self.spaces:
            exec(line, space)

    def some(self, least: int = 1) -> list[str]:
        """Some of the tensors that take part in gradients, in any order."""
        able = [name for name in self.names if self.spaces[0][name].requires_grad]
        return self.data.draw(st.lists(st.sampled_from(able), min_size=least, max_size=3))

    def both(self, function: Any) -> None:
        """The same results; where PyTorch raises, candle does."""
        theirs, mine = self.spaces[:2]
        try:
            expected = function(torch, theirs)
        except RuntimeError as error:
            note(f"PyTorch: {error}")
            with pytest.raises(RuntimeError):
                function(candle, mine)
            return
        assert_same(function(candle, mine), expected)


def check_grad(data: st.DataObject) -> None:
    graph = Graph(data)
    outputs, inputs = graph.some(), graph.some()
    options = data.draw(st.sampled_from([{}, {"allow_unused": True}, {"materialize_grads": True}]))
    again = data.draw(st.booleans())
    note("\n".join([*graph.lines, f"grad({outputs}, {inputs}, {options}), again: {again}"]))

    def first(lib: Any, space: dict[str, Any]) -> Any:
        outs, ins = [space[name] for name in outputs], [space[name] for name in inputs]
        weights = [lib.tensor([1.0, -2.0, 3.0], dtype=lib.float64) for _ in outs]
        found = lib.autograd.grad(outs, ins, weights, create_graph=again, **options)
        if not again:
            return found
        total = sum((g * g).sum() for g in found if g is not None and g.grad_fn is not None)
        more = (
            total
            if isinstance(total, int)
            else lib.autograd.grad(total, ins, allow_unused=True, materialize_grads=True)
        )
        return [None if g is None else g.detach() for g in found], more

    graph.both(first)


def check_backward(data: st.DataObject) -> None:
    """Several backwards over one graph, kept or not, with hooks and retained gradients on the way."""
    graph = Graph(data)
    hooked, retained = graph.some(least=0), graph.some(least=0)
    rounds = [(graph.some(), data.draw(st.booleans())) for _ in range(data.draw(st.integers(1, 3)))]
    note("\n".join([*graph.lines, f"hooks on {hooked}, retain_grad on {retained}, backward of {rounds}"]))

    def program(lib: Any, space: dict[str, Any], keep_all: bool = False) -> Any:
        seen: list[Any] = []
        for name in dict.fromkeys(hooked):
            space[name].register_hook(lambda grad, name=name: seen.append((name, grad.clone())))
        for name in retained:
            space[name].retain_grad()
        for outputs, keep in rounds:
            roots = [space[name] for name in outputs]
            lib.autograd.backward(roots, [lib.ones_like(each) for each in roots], retain_graph=keep or keep_all)
        ordered = sorted(seen, key=lambda pair: (pair[0], pair[1].tolist()))
        leaves = [name for name in graph.names if space[name].is_leaf or name in retained]
        return ordered, [space[name].grad for name in leaves]

    theirs, mine, kept = graph.spaces
    expected = program(torch, kept, keep_all=True)
    try:
        result = program(candle, mine)
    except RuntimeError as error:
        if "retain_graph" not in str(error):
            raise
        with pytest.raises(RuntimeError, match="retain_graph"):
            program(torch, theirs)
    else:  # candle saves less than PyTorch, so that it sometimes goes back where PyTorch cannot
        assert_same(result, expected)


@settings(max_examples=400, **SETTINGS)
@given(data=st.data())
def test_grad_of_any_outputs_by_any_inputs(data: st.DataObject) -> None:
    check_grad(data)


@settings(max_examples=400, **SETTINGS)
@given(data=st.data())
def test_backward_with_hooks_and_retained_gradients(data: st.DataObject) -> None:
    check_backward(data)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("check", [check_grad, check_backward])
@settings(max_examples=10_000, **SETTINGS)
@given(data=st.data())
def test_many_graphs(check: Any, data: st.DataObject) -> None:
    check(data)
