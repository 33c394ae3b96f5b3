"""Law 5: `needs` says which gradients are wanted; the others' work is skipped."""

from __future__ import annotations

import numpy as np
import pytest

import candle
from candle.op import OPS
from candle.testing.samples import Sample

from .calls import RULES, arrays, differentiable, weights
from .spying import REAL, closed, spying_namespace

SEVERAL = {key: each for key, each in RULES.items() if len(differentiable(each)) > 1}


def gradients(xp, sample: Sample, needs: tuple[bool, ...], given, outs, marks):
    out = outs[0] if len(outs) == 1 else outs
    with np.errstate(all="ignore"):
        return OPS[sample.name].vjp(xp, needs, marks, out, *given, **sample.attrs)


@pytest.mark.parametrize("sample", SEVERAL.values(), ids=SEVERAL)
def test_one_alone_is_what_it_is_among_all(sample: Sample) -> None:
    given, outs = arrays(sample)
    places = differentiable(sample)
    together = gradients(REAL, sample, tuple(i in places for i in range(len(given))), given, outs, weights(outs))
    for i in places:
        alone = gradients(REAL, sample, tuple(j == i for j in range(len(given))), given, outs, weights(outs))
        np.testing.assert_array_equal(alone[i], together[i])


@pytest.mark.parametrize("sample", SEVERAL.values(), ids=SEVERAL)
def test_without_needs_nothing_is_computed(sample: Sample) -> None:
    """Not asked at all, a rule has nothing to do but what all its gradients share."""
    given, outs = arrays(sample)
    asked, unasked = spying_namespace(), spying_namespace()
    spied = closed(given), closed(outs), closed(weights(outs))
    places = differentiable(sample)
    gradients(asked, sample, tuple(i in places for i in range(len(given))), *spied)
    gradients(unasked, sample, (False,) * len(given), *spied)
    assert unasked.calls["matmul"] <= shared_products(sample)
    assert sum(unasked.calls.values()) <= sum(asked.calls.values())


def shared_products(sample: Sample) -> int:
    return {"scaled_dot_product_attention": 2}.get(sample.name, 0)  # q k^T, and grad v^T


# op: of its samples, calls of xp.<name> when only that input's gradient is wanted
COSTLY = {
    ("matmul", "x"): {"matmul": 1},
    ("matmul", "y"): {"matmul": 1},
    ("scaled_dot_product_attention", "q"): {"matmul": 3},  # q k^T, grad v^T, ds k
    ("scaled_dot_product_attention", "k"): {"matmul": 3},
    ("scaled_dot_product_attention", "v"): {"matmul": 2},  # q k^T, p^T grad
    ("layer_norm", "bias"): {"mean": 0, "sqrt": 0},
    ("rms_norm", "weight"): {"mean": 1},
    ("index_put", "x"): {"index": 0},
    ("index_put", "values"): {"index_put": 0},
    ("index_add", "x"): {"index": 0},
    ("slice_put", "value"): {"slice_put": 0},
    ("where", "x"): {"where": 1},
    ("where", "y"): {"where": 1},
    ("pow", "x"): {"log": 0},
}


@pytest.mark.parametrize(("name", "wanted"), COSTLY, ids=lambda name: name)
def test_costly_work_is_skipped(name: str, wanted: str) -> None:
    op = OPS[name]
    checked = 0
    for sample in (each for each in SEVERAL.values() if each.name == name):
        given, outs = arrays(sample)
        place = op.inputs.index(wanted)
        if place not in differentiable(sample):
            continue
        xp = spying_namespace()
        needs = tuple(i == place for i in range(len(given)))
        gradients(xp, sample, needs, closed(given), closed(outs), closed(weights(outs)))
        for function, most in COSTLY[name, wanted].items():
            assert xp.calls[function] <= most, f"{sample}: {dict(xp.calls)}"
        checked += 1
    assert checked


def test_cat_and_stack_cut_only_what_is_wanted() -> None:
    for name in ("cat", "stack"):
        parts = [np.ones((2, 3))] * 4
        found = OPS[name].vjp(
            REAL, (False, True, False, False), np.ones((8, 3) if name == "cat" else (4, 2, 3)), None, *parts, dim=0
        )
        assert [g is None for g in found] == [True, False, True, True]


def test_backward_asks_only_for_what_leads_to_a_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constant on one side of a product costs no product in backward."""
    seen = []
    rule = OPS["matmul"].vjp

    def watched(xp, needs, *rest):
        seen.append(needs)
        return rule(xp, needs, *rest)

    monkeypatch.setattr(OPS["matmul"], "vjp", staticmethod(watched))
    x, w = candle.ones(2, 3), candle.ones(3, 4, requires_grad=True)
    (x @ w).sum().backward()
    a, b = candle.ones(2, 3, requires_grad=True), candle.ones(3, 4, requires_grad=True)
    candle.autograd.grad((a @ b).sum(), a)
    assert seen == [(False, True), (True, False)]
