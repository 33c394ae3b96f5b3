"""PyTorch's optimizers as the oracle: the same problem, the same options, the same steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_optimizers import OptimizerInfo, optim_db

import candle
from candle import optim

SHAPES: tuple[tuple[int, ...], ...] = ((3, 4), (5,), (), (2, 3, 2))
INFOS = {info.optim_cls.__name__: info for info in optim_db}
NAMES = sorted(name for name in INFOS if hasattr(optim, name))
COMPLEX = [name for name in NAMES if INFOS[name].supports_complex and name != "Muon"]  # PyTorch's entry forgot


def shapes_for(name: str) -> tuple[tuple[int, ...], ...]:
    return ((3, 4), (5, 2), (2, 2)) if name == "Muon" else SHAPES


def configurations(info: OptimizerInfo) -> dict[str, dict[str, Any]]:
    """By description: the options of PyTorch's own tests."""
    return {each.desc: each.kwargs for each in info.optim_inputs_func(device="cpu", dtype=torch.float64)}


CASES = [(name, kind) for name in NAMES for kind in configurations(INFOS[name])]


def to_candle(x: Any) -> Any:
    """PyTorch's tensors as candle's, anywhere in a dict, list or tuple; other things stay."""
    if isinstance(x, torch.Tensor):
        return candle.tensor(np.array(x.detach().numpy()))
    return rebuilt(x, to_candle)


def to_torch(x: Any) -> Any:
    """The other way."""
    if isinstance(x, candle.Tensor):
        return torch.tensor(np.array(x.detach().cpu().numpy()))
    return rebuilt(x, to_torch)


def rebuilt(x: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(x, dict):
        return {key: convert(value) for key, value in x.items()}
    return type(x)(map(convert, x)) if isinstance(x, list | tuple) else x


class Problem:
    """A loss with its least value somewhere, in either library: sum of |p - goal|^2 + |p - goal|^4 / 10."""

    def __init__(self, library: Any, shapes: Sequence[tuple[int, ...]], complex_: bool = False, device: str = "cpu"):
        draw = np.random.default_rng(0)

        def values(shape: tuple[int, ...]) -> Any:
            x = draw.normal(size=shape) + (1j * draw.normal(size=shape) if complex_ else 0)
            return library.tensor(x).to(device)

        self.params = [values(shape).requires_grad_() for shape in shapes]
        self.goals = [values(shape) for shape in shapes]

    def loss(self) -> Any:
        total: Any = 0
        for p, goal in zip(self.params, self.goals, strict=True):
            gap = p - goal
            square = (gap * gap.conj()).real if gap.is_complex() else gap * gap
            total = total + (square + square * square / 10).sum()
        return total

    def train(self, optimizer: Any, steps: int = 10) -> list[float]:
        """Steps with a closure; the losses before each."""

        def closure() -> Any:
            optimizer.zero_grad()
            loss = self.loss()
            loss.backward()
            return loss

        return [optimizer.step(closure).item() for _ in range(steps)]

    def values(self) -> list[np.ndarray]:
        return [p.detach().cpu().numpy() for p in self.params]


def assert_equal(mine: Sequence[np.ndarray], theirs: Sequence[np.ndarray], tolerance: float = 1e-12) -> None:
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
