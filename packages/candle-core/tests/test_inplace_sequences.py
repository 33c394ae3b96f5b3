"""Random programs of views and writes in place: candle's values, flags and gradients are PyTorch's.

Where PyTorch refuses to go backward, candle may refuse too, or has to have the right gradient.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

import candle
import candle.testing.strict

from .oracle import values_of
from .programs import Run

STEPS = 8
SETTINGS = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": False,
    "report_multiple_bugs": False,
}


# `strict` and `frozen` stand for other devices; on `frozen` nothing shares memory, and views are the engine's work.
DEVICES = ["cpu", "strict", "frozen"]


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=200, derandomize=True, **SETTINGS)
@given(data=st.data())
def test_programs_agree_with_torch(device: str, data: st.DataObject) -> None:
    check_program(device, data)


@pytest.mark.full
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=10_000, derandomize=True, **SETTINGS)
@given(data=st.data())
def test_many_programs_agree_with_torch(device: str, data: st.DataObject) -> None:
    check_program(device, data)


def check_program(device: str, data: st.DataObject) -> None:
    run = Run(device)
    run.start(data)
    try:
        for _ in range(data.draw(st.integers(1, STEPS))):
            if not run.step(data):
                return
            assume(all(run[name].abs().max() < 1e4 for name in run.names))
            for name in run.names:
                check_state(run, name)
        for name in run.names:
            check_gradient(run, name)
    except BaseException:
        note(run.text())
        raise


def check_state(run: Run, name: str) -> None:
    mine, theirs = run.candle[name], run[name]
    assert mine.is_leaf == theirs.is_leaf, f"is_leaf of {name}"
    assert mine.requires_grad == theirs.requires_grad, f"requires_grad of {name}"
    np.testing.assert_allclose(values_of(mine), values_of(theirs), rtol=1e-10, atol=1e-12, err_msg=f"values of {name}")
    np.testing.assert_allclose(
        values_of(run.shadow[name].read()), values_of(theirs), rtol=1e-10, atol=1e-12, err_msg=f"oracle's {name}"
    )


def check_gradient(run: Run, name: str) -> None:
    """The gradients of a weighted sum of one tensor by every leaf."""
    theirs, leaves = run[name], run.leaves
    if not theirs.requires_grad:
        return
    weights = np.arange(1.0, theirs.numel() + 1).reshape(tuple(theirs.shape))
    shadow = run.shadow[name].read()
    right = shadow_gradients(run, shadow, torch.tensor(weights))
    try:
        expected = gradients(torch, theirs, torch.tensor(weights), [run[leaf] for leaf in leaves])
    except RuntimeError as error:
        note(f"PyTorch refuses to go back from {name}: {error}")
        expected = None
    if expected is not None:
        np.testing.assert_allclose(
            right, expected, rtol=1e-8, atol=1e-10, err_msg=f"the two oracles disagree on {name}"
        )
    try:
        mine = gradients(
            candle, run.candle[name], candle.tensor(weights, device=run.device), [run.candle[leaf] for leaf in leaves]
        )
    except RuntimeError:
        if expected is not None:
            raise
        return
    np.testing.assert_allclose(mine, right, rtol=1e-8, atol=1e-10, err_msg=f"gradient of {name}")


def shadow_gradients(run: Run, output: torch.Tensor, weights: torch.Tensor) -> np.ndarray:
    flat, places = zip(*(run.flat_leaves[leaf] for leaf in run.leaves), strict=True)
    if not output.requires_grad:
        return np.concatenate([np.zeros(each.numel()) for each in places])
    found = torch.autograd.grad(output, flat, weights, retain_graph=True, materialize_grads=True)
    return np.concatenate([g[where].reshape(-1).numpy() for g, where in zip(found, places, strict=True)])


def gradients(lib: object, output: object, weights: object, leaves: list[object]) -> np.ndarray:
    if not output.requires_grad:
        return np.concatenate([np.zeros(leaf.numel()) for leaf in leaves])
    found = lib.autograd.grad(output, leaves, weights, retain_graph=True, allow_unused=True)
    parts = [lib.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, found, strict=True)]
    return np.concatenate([values_of(part).reshape(-1) for part in parts])
