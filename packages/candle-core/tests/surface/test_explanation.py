"""`candle.explain(loss)`: what backward did, step by step, and that it did it as ever."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import candle

from ..oracle import to_candle
from .graphs import GRAPHS, chain, leaf


def named_function(name: str) -> type[candle.autograd.Function]:
    """The weighted sum of its inputs, under a name of its own."""

    def forward(ctx: Any, *xs: Any) -> Any:
        ctx.count = len(xs)
        return sum(x * (i + 1) for i, x in enumerate(xs))

    def backward(ctx: Any, grad: Any) -> Any:
        return tuple(grad * (i + 1) for i in range(ctx.count))

    return type(
        name, (candle.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_order_is_a_reverse_topological_one(data: Any) -> None:
    """Of random graphs: no step before all that use its result; each once."""
    values, made_from = [candle.ones(2, requires_grad=True)], {}
    for i in range(data.draw(st.integers(1, 12))):
        sources = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=3))
        values.append(named_function(f"step{i}").apply(*(values[s] for s in sources)))
        made_from[f"step{i}"] = [f"step{s - 1}" for s in sources if s]
    last = f"step{len(values) - 2}"
    told = [step.op for step in candle.explain(values[-1].sum()).steps]
    assert told.pop(0) == "sum"
    reached, stack = set(), [last]
    while stack:
        name = stack.pop()
        if name not in reached:
            reached.add(name)
            stack += made_from[name]
    assert sorted(told) == sorted(reached)
    for name in reached:
        assert all(told.index(source) > told.index(name) for source in made_from[name])


# --- against PyTorch --------------------------------------------------------------

NAMES = {"mm": "matmul", "mv": "matmul", "dot": "matmul", "t": "permute", "unsafe_view": "reshape", "view": "reshape"}


def torch_steps(loss: torch.Tensor) -> list[tuple[str, float, list[float]]]:
    """(operation, norm of what arrived, norms of what was sent), by hooks on every node."""
    found, handles, seen, stack = [], [], set(), [loss.grad_fn]

    def watch(node: Any) -> None:
        name = re.sub(r"Backward\d*$", "", type(node).__name__)
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()

        def hook(sent: Any, arrived: Any) -> None:
            norms = [g.norm().item() for g in sent if g is not None]
            found.append((NAMES.get(name, name), arrived[0].norm().item(), norms))

        handles.append(node.register_hook(hook))

    while stack:
        node = stack.pop()
        if node is None or node in seen or type(node).__name__ == "AccumulateGrad":
            continue
        seen.add(node)
        watch(node)
        stack += [each for each, _ in node.next_functions]
    loss.backward()
    for handle in handles:
        handle.remove()
    return found


def program_mlp(lib: Any, x: Any, w: Any, v: Any) -> Any:
    return ((x @ w).tanh() @ v).exp().sum()


def program_shared(lib: Any, x: Any, w: Any, v: Any) -> Any:
    h = (x @ w).sin()
    return (h * h.cos() + h.exp()).sum()


def program_softmax(lib: Any, x: Any, w: Any, v: Any) -> Any:
    return ((x @ w).log_softmax(1) @ v).mean()


def program_leaves(lib: Any, x: Any, w: Any, v: Any) -> Any:
    return (x * x).sum() + (w.exp() * 2).sum()


PROGRAMS = [program_mlp, program_shared, program_softmax, program_leaves]


def inputs() -> list[torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    shapes = ((4, 3), (3, 5), (5, 2))
    return [torch.randn(s, generator=g, dtype=torch.float64).requires_grad_() for s in shapes]


@pytest.mark.parametrize("program", PROGRAMS)
def test_norms_are_those_of_pytorch(program: Any) -> None:
    theirs = inputs()
    expected = torch_steps(program(torch, *theirs))
    mine = [to_candle(x) for x in theirs]
    told = candle.explain(program(candle, *mine), **dict(zip("xwv", mine, strict=True)))
    found = [(step.op, step.norm_in, step.norms_out) for step in told.steps]
    assert sorted(op for op, _, _ in found) == sorted(op for op, _, _ in expected)
    for (op, norm, sent), (other, expected_norm, expected_sent) in zip(sorted(found), sorted(expected), strict=True):
        assert op == other
        assert norm == pytest.approx(expected_norm, rel=1e-9)
        assert sent == pytest.approx(expected_sent, rel=1e-9)
    norms = {name: norm for name, _, norm in told.leaves}
    for name, x in zip("xwv", theirs, strict=True):
        if x.grad is not None:
            assert norms[name] == pytest.approx(x.grad.norm().item(), rel=1e-9)


@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients_are_those_of_backward(program: Any) -> None:
    told, plain = ([to_candle(x) for x in inputs()] for _ in range(2))
    candle.explain(program(candle, *told))
    program(candle, *plain).backward()
    for a, b in zip(told, plain, strict=True):
        assert (a.grad is None) is (b.grad is None)
        if b.grad is not None:
            np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


@pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
def test_every_graph_is_told(make: Any) -> None:
    t = make()
    if make is GRAPHS["after backward"]:
        with pytest.raises(RuntimeError, match="freed"):
            candle.explain(t)
        return
    told = candle.explain(t, candle.ones_like(t).detach())
    steps = sum(not box.leaf for box in candle.graph(t).boxes)
    assert len(told.steps) == steps
    assert all(step.op and step.formula for step in told.steps)


# --- .grad, hooks, errors ----------------------------------------------------------


def test_an_existing_grad_is_added_to() -> None:
    x = candle.tensor([1.0, 2.0], requires_grad=True)
    (x * 5).sum().backward()
    told = candle.explain((x * x).sum(), x=x)
    assert x.grad.tolist() == [7, 9]
    assert told.leaves == [("x", "(2,)", pytest.approx(20**0.5))]  # of this backward alone


def test_an_existing_grad_stays_the_same_tensor() -> None:
    """As with backward: an optimizer, or a flat buffer of gradients, holds on to it."""
    x, y = (candle.tensor([1.0, 2.0], requires_grad=True) for _ in "xy")
    for t, run in ((x, candle.explain), (y, candle.Tensor.backward)):
        (t * 5).sum().backward()
        before = t.grad
        run((t * t).sum())
        assert t.grad is before


def test_leaves_that_get_nothing_keep_theirs() -> None:
    x, y = (candle.ones(2, requires_grad=True) for _ in "xy")
    (y * 3).sum().backward()
    candle.explain((x * y.detach()).sum())
    assert y.grad.tolist() == [3, 3]


def test_a_failing_backward_changes_nothing() -> None:
    """Hooks are gone and gradients are back, whatever went wrong."""

    class Failing(candle.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            raise ZeroDivisionError("on purpose")

    x = candle.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    before = x.grad
    out = Failing.apply(x).sum()
    with pytest.raises(ZeroDivisionError):
        candle.explain(out)
    assert x.grad is before
    assert x.grad.tolist() == [3, 3]
    assert not any((out.grad_fn.extra or {}).values())


def test_a_wrong_call_changes_nothing() -> None:
    x = candle.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    with pytest.raises(RuntimeError, match="scalar"):
        candle.explain(x * 2)
    assert x.grad.tolist() == [3, 3]
    with pytest.raises(RuntimeError, match="require"):
        candle.explain(candle.ones(2))


def test_hooks_are_gone_afterwards() -> None:
    x = candle.ones(2, requires_grad=True)
    loss = (x * x).sum()
    told = candle.explain(loss, retain_graph=True)
    steps = len(told.steps)
    loss.backward()
    assert len(told.steps) == steps
    assert x.grad.tolist() == [4, 4]


def test_the_user_s_hooks_run_as_ever() -> None:
    """And what they change is what is told."""
    x = candle.ones(2, requires_grad=True)
    seen = []
    y = x * 2
    y.register_hook(lambda g: (seen.append("tensor"), g * 10)[1])
    x.register_hook(lambda g: seen.append("leaf"))
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
    told = candle.explain(y.sum(), x=x)
    assert seen == ["tensor", "leaf", [20.0, 20.0]]
    assert [step.norm_in for step in told.steps] == [1.0, pytest.approx(200**0.5)]


def test_a_post_hook_sees_the_whole_grad() -> None:
    """As after backward: what was there and what came."""
    x = candle.ones(2, requires_grad=True)
    (x * 5).sum().backward()
    seen = []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
    candle.explain((x * 2).sum())
    assert seen == [[7.0, 7.0]]


def test_a_gradient_may_be_given() -> None:
    x = candle.ones(3, requires_grad=True)
    told = candle.explain(x * 2, candle.tensor([1.0, 2.0, 2.0]))
    assert told.steps[0].norm_in == 3
    assert x.grad.tolist() == [2, 4, 4]


def test_retain_graph() -> None:
    x = candle.ones(3, requires_grad=True)
    loss = x.exp().sum()
    candle.explain(loss, retain_graph=True)
    candle.explain(loss)
    with pytest.raises(RuntimeError, match="retain_graph"):
        loss.backward()


def test_retained_gradients_are_kept() -> None:
    x = candle.ones(3, requires_grad=True)
    y = x * 2
    y.retain_grad()
    candle.explain((y * y).sum())
    assert y.grad.tolist() == [4, 4, 4]


def test_a_leaf_alone() -> None:
    x = candle.tensor(2.0, requires_grad=True)
    told = candle.explain(x, x=x)
    assert told.steps == []
    assert told.leaves == [("x", "()", 1.0)]
    assert x.grad.item() == 1


def test_five_thousand_operations() -> None:
    t = chain(5_000)
    told = candle.explain(t.sum())
    assert len(told.steps) == 5_001
    assert len(str(told).split("\n")) == 5_001 + 1 + 1


# --- how it reads -----------------------------------------------------------------


def test_the_table() -> None:
    w = candle.tensor([3.0, 4.0], requires_grad=True)
    lines = str(candle.explain((w * w).sum(), w=w)).split("\n")
    assert [re.split(r"\s{2,}", line.strip())[0] for line in lines] == ["operation", "1", "2", "w"]
    assert "x * y" in lines[2]
    assert "|5|, (2,) |5|" in lines[2]
    assert "|10|" in lines[3]
    assert len({line.index("(2,)") for line in lines[2:]}) == 1, "columns stand under one another"


def test_infinite_and_not_numbers_are_shown() -> None:
    """What one looks for when a loss is nan: where it began."""
    x = candle.tensor([0.0, 1.0], requires_grad=True)
    told = str(candle.explain((x.sqrt() * 0).sum()))
    assert "nan" in told
    x = candle.tensor([0.0, 1.0], requires_grad=True)
    assert "inf" in str(candle.explain(x.sqrt().sum()))


def test_large_gradients_do_not_overflow_in_the_telling() -> None:
    x = candle.tensor([1.0], requires_grad=True)
    told = candle.explain((x * 1e30).sum())
    assert told.leaves[0][2] == pytest.approx(1e30)


def test_the_html_is_a_table() -> None:
    from xml.etree import ElementTree

    x = leaf(3)
    odd = type("A<b>", (candle.autograd.Function,), {})
    odd.forward = staticmethod(lambda ctx, x: x * 2)
    odd.backward = staticmethod(lambda ctx, g: g * 2)
    told = candle.explain((odd.apply(x) * x).sum(), x=x)
    table = ElementTree.fromstring(told._repr_html_())
    rows = table.findall("tr")
    assert len(rows) == 1 + 3 + 1
    assert {len(row) for row in rows} == {5}
    assert "A<b>" in [cell.text for cell in rows[2]] + [cell.text for cell in rows[3]]


def test_unnamed_leaves_can_be_told_apart() -> None:
    a, b = leaf(3), leaf(3)
    told = candle.explain((a * b * a).sum())
    assert len({name for name, _, _ in told.leaves}) == 2
