"""Writing in place and through views means the same on every device, aliasing or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import candle
from candle.testing.backend_suite.base import Suite, assert_same, tensor_on, values
from candle.testing.backend_suite.programs import PROGRAMS, random_program
from candle.testing.samples import floats


def outcome(device: str, function: Callable[[Any], Any]) -> list[np.ndarray | None]:
    """Values of what the program returns, and the leaf's gradient."""
    leaf = tensor_on(device, floats(3, 4), requires_grad=True)
    out = function(leaf.clone())
    outs = list(out) if isinstance(out, tuple) else [out]
    weighted = [(o * (i + 1.5)).sum() for i, o in enumerate(outs) if o.requires_grad]
    if weighted:
        sum(weighted[1:], weighted[0]).backward()
    return [*map(values, outs), None if leaf.grad is None else values(leaf.grad)]


class WritingTests(Suite):
    """In place."""

    @pytest.mark.parametrize("function", PROGRAMS.values(), ids=PROGRAMS.keys())
    def test_program(self, backend: str, function: Callable[[Any], Any]) -> None:
        assert_same(outcome(backend, function), outcome("cpu", function))

    @pytest.mark.parametrize("seed", range(60))
    def test_random_program(self, backend: str, seed: int) -> None:
        function = random_program(seed)
        try:
            expected = outcome("cpu", function)
        except RuntimeError as error:
            with pytest.raises(type(error)):
                outcome(backend, function)
        else:
            assert_same(outcome(backend, function), expected)

    def test_expanded_tensors_cannot_be_written(self, backend: str) -> None:
        x = candle.ones(3, 1, device=backend).expand(3, 4)
        with pytest.raises(RuntimeError, match="expanded"):
            x.add_(1)
        with pytest.raises(RuntimeError, match="expanded"):
            x[0].mul_(2)

    def test_a_value_saved_for_backward_must_not_change(self, backend: str, target: Any) -> None:
        """Either backward refuses, or (where arrays are never written) it still has the old value."""
        x = candle.ones(3, device=backend, requires_grad=True)
        y = x * 2
        z = y * y
        y[0].add_(1)
        if target.aliases:
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                z.sum().backward()
        else:
            z.sum().backward()
            assert x.grad.tolist() == [8, 8, 8]

    def test_leaves_are_protected(self, backend: str) -> None:
        x = candle.ones(3, device=backend, requires_grad=True)
        with pytest.raises(RuntimeError, match="leaf"):
            x.add_(1)
        with pytest.raises(RuntimeError, match="leaf"):
            x[1:].add_(1)
        with pytest.raises(RuntimeError, match="leaf"):
            x[0] = 2.0
        with candle.no_grad():
            x[1:].add_(1)
        assert x.tolist() == [1, 2, 2]

    def test_gradients_can_be_written(self, backend: str) -> None:
        """A leaf's `.grad` is its own, and stays it when more is added."""
        x, y = (candle.ones(3, device=backend, requires_grad=True) for _ in range(2))
        (x + y).sum().backward()
        x.grad.mul_(2)
        assert y.grad.tolist() == [1, 1, 1]
        kept = x.grad
        x.sum().backward()
        assert kept is x.grad
        assert x.grad.tolist() == [3, 3, 3]
        x.grad.zero_()
        assert kept.tolist() == [0, 0, 0]
