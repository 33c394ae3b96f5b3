"""Law 4: a Node keeps the arrays that its rule declares in `reads`, stand-ins for all others."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import candle
from candle.autograd import grad
from candle.kernels import Table
from candle.op import OPS, StandIn
from candle.plugins import backend_of
from candle.testing.samples import Sample

from .calls import RULES, arrays, differentiable, outputs, tensors, weights
from .spying import REAL


@pytest.fixture(autouse=True)
def rules_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plugin's kernels, whose residuals are their own business."""
    monkeypatch.setattr(backend_of("cpu"), "kernels", Table([]))


def declared(sample: Sample, wanted: tuple[int, ...]) -> tuple[set[int], bool]:
    """Which inputs, and whether the outputs, the derivatives by the `wanted` inputs say that they read."""
    op = OPS[sample.name]
    names = {name for i in wanted for name in op.reads.get(op.input_name(i), "").split()}
    return {i for i in range(len(sample.inputs)) if op.input_name(i) in names}, "out" in names


def subsets(places: list[int]) -> list[tuple[int, ...]]:
    """Every choice of inputs to differentiate by: one, two, ... (of many, alone and all together)."""
    if len(places) > 4:
        return [*((i,) for i in places), tuple(places)]
    return [c for n in range(1, len(places) + 1) for c in itertools.combinations(places, n)]


def node_of(sample: Sample, wanted: tuple[int, ...]) -> tuple[Any, list[Any], list[Any]]:
    inputs = tensors(sample, lambda i: i in wanted)
    outs = outputs(sample, inputs)
    carrying = [o for o in outs if o.requires_grad]
    return (carrying[0].grad_fn if carrying else None), inputs, carrying


@pytest.mark.parametrize("sample", RULES.values(), ids=RULES)
def test_only_what_is_declared_is_kept(sample: Sample) -> None:
    for wanted in subsets(differentiable(sample)):
        node, _, _ = node_of(sample, wanted)
        if node is None:
            continue  # a choice of inputs that the outputs do not depend on
        saved, outs, residuals = node.payload
        reads, out_too = declared(sample, wanted)
        kept = {i for i, x in enumerate(saved) if isinstance(x, np.ndarray)}
        arrays_at = {i for i, x in enumerate(sample.inputs) if isinstance(x, np.ndarray)}
        assert kept == reads & arrays_at, wanted
        assert all(isinstance(o, np.ndarray) is out_too for o in outs), wanted
        assert all(isinstance(saved[i], StandIn) for i in arrays_at - reads)
        assert residuals is None
        assert node.saves is bool(node.versions) is (bool(kept) or out_too)


@pytest.mark.parametrize("sample", RULES.values(), ids=RULES)
def test_nothing_else_is_touched(sample: Sample) -> None:
    """Backward runs on what was kept; gradients are those with everything at hand."""
    op = OPS[sample.name]
    for wanted in subsets(differentiable(sample)):
        node, inputs, carrying = node_of(sample, wanted)
        if node is None:
            continue
        needs = tuple(i in wanted for i in range(len(inputs)))
        given, outs = arrays(sample)
        marks = weights(outs)
        with np.errstate(all="ignore"):
            full = op.vjp(REAL, needs, marks, outs[0] if len(outs) == 1 else outs, *given, **sample.attrs)
        per_output = [g for g in (marks if isinstance(marks, tuple) else (marks,)) if g is not None]
        found = grad(carrying, [inputs[i] for i in wanted], [candle.tensor(g) for g in per_output])
        for i, g in zip(wanted, found, strict=True):
            expected = summed(full[i], sample.inputs[i])
            np.testing.assert_allclose(g.numpy(), expected, rtol=1e-12, atol=1e-12, err_msg=f"{wanted}: input {i}")


def summed(g: Any, like: np.ndarray) -> np.ndarray:
    """As the door does: broadcast axes away, the imaginary part where the input is real."""
    g = np.asarray(g)
    extra = g.ndim - like.ndim
    g = g.sum(axis=tuple(range(extra)))
    ones = tuple(i for i, size in enumerate(like.shape) if size == 1 and g.shape[i] != 1)
    g = g.sum(axis=ones, keepdims=True)
    return g.real if np.iscomplexobj(g) and not np.iscomplexobj(like) else g


def hidden(x: Any) -> Any:
    return StandIn(x.shape, x.dtype) if isinstance(x, np.ndarray) else x


def read_by(sample: Sample, wanted: int) -> set[str]:
    """What the derivative by one input cannot do without, found by hiding one array after the other."""
    op = OPS[sample.name]
    given, outs = arrays(sample)
    needs = tuple(i == wanted for i in range(len(given)))
    needed = set()
    for name in {*(op.input_name(i) for i in range(len(given))), "out"}:
        less = [hidden(x) if op.input_name(i) == name else x for i, x in enumerate(given)]
        seen = tuple(map(hidden, outs)) if name == "out" else outs
        try:
            with np.errstate(all="ignore"):
                op.vjp(REAL, needs, weights(outs), seen[0] if len(seen) == 1 else seen, *less, **sample.attrs)
        except (TypeError, AttributeError):
            needed.add(name)
    return needed


@pytest.mark.parametrize("name", sorted({each.name for each in RULES.values()}))
def test_nothing_is_declared_in_vain(name: str) -> None:
    """An array that is kept and never read is memory lost: some sample needs each name."""
    op = OPS[name]
    found: dict[str, set[str]] = {}
    for sample in (each for each in RULES.values() if each.name == name):
        for i in differentiable(sample):
            found.setdefault(op.input_name(i), set()).update(read_by(sample, i))
    for input_name, read in op.reads.items():
        if input_name in found:
            assert set(read.split()) == found[input_name], f"by {input_name}"


def test_add_keeps_nothing() -> None:
    x, y = candle.ones(1000, requires_grad=True), candle.ones(1000, requires_grad=True)
    for out in (x + y, x - y, -x, x * 2, x.reshape(10, 100), x[2:], x.sum(), x.expand(3, 1000)):
        saved, outs, _ = out.grad_fn.payload
        assert not any(isinstance(each, np.ndarray) and each.ndim for each in (*saved, *outs)), out.grad_fn


def test_mul_keeps_the_other() -> None:
    x, c = candle.ones(3, requires_grad=True), candle.ones(3)
    saved, _, _ = (x * c).grad_fn.payload
    assert [type(each).__name__ for each in saved] == ["StandIn", "ndarray"]
    saved, _, _ = (x * x.detach().requires_grad_()).grad_fn.payload
    assert [type(each).__name__ for each in saved] == ["ndarray", "ndarray"]


def test_a_stand_in_tells_its_shape_and_nothing_else() -> None:
    it = StandIn((2, 3), np.dtype("float32"))
    assert (it.shape, it.ndim, it.dtype) == ((2, 3), 2, np.dtype("float32"))
    uses = [
        lambda: it + 1,
        lambda: 1 * it,
        lambda: -it,
        lambda: it[0],
        lambda: np.sin(it),
        lambda: np.asarray(it),
        lambda: REAL.sum(it),
        lambda: np.ones(3) * it,
        lambda: bool(it.any()),
        lambda: it.T,
        lambda: it.sum(),
    ]
    for use in uses:
        with pytest.raises((TypeError, AttributeError)):
            use()


def test_a_rule_that_reads_undeclared_values_fails_at_its_first_backward() -> None:
    from candle._apply import apply
    from candle.op import Op

    try:

        class Forgetful(Op):
            """x * y;  dx = grad * y"""

            name, promotes = "surface_test_forgetful", "x y"

            def forward(xp, x, y):
                return xp.multiply(x, y)

            def vjp(xp, needs, grad, out, x, y):
                return grad * y, None

        out = apply(Forgetful, candle.ones(3, requires_grad=True), candle.ones(3))
        with pytest.raises((TypeError, AttributeError), match="declare in `reads`|unsupported operand"):
            out.sum().backward()
    finally:
        OPS.pop("surface_test_forgetful", None)
