"""The same in torch and in candle: tensors, calls and gradients, compared to 1e-9."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import candle


def theirs(x: Any) -> Any:
    """A NumPy array as a torch tensor that requires grad if it can; all else as it is."""
    if not isinstance(x, np.ndarray):
        return x
    return torch.tensor(x, requires_grad=x.dtype == np.float64)


def ours(x: Any) -> Any:
    return candle.tensor(x, requires_grad=x.dtype == np.float64) if isinstance(x, np.ndarray) else x


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def agree(expected: Any, actual: Any, what: str = "", rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(actual.detach().numpy(), expected.detach().numpy(), rtol, 1e-9, err_msg=what)


def check(
    expected: Callable[..., Any], actual: Callable[..., Any], *args: Any, rtol: float = 1e-9, **kwargs: Any
) -> None:
    """Values, and gradients by every floating array, weighted one by one."""
    left, right = [theirs(x) for x in args], [ours(x) for x in args]
    options = [{key: make(x) for key, x in kwargs.items()} for make in (theirs, ours)]
    out, got = expected(*left, **options[0]), actual(*right, **options[1])
    assert tuple(got.shape) == tuple(out.shape)
    agree(out, got, "output")
    weights = normal(*out.shape, seed=7)
    if not out.requires_grad:
        return
    (out * torch.tensor(weights)).sum().backward()
    (got * candle.tensor(weights)).sum().backward()
    pairs = [*zip(left, right), *((options[0][key], options[1][key]) for key in kwargs)]
    for i, (a, b) in enumerate(pairs):
        if isinstance(a, torch.Tensor) and a.grad is not None:
            agree(a.grad, b.grad, f"gradient of argument {i}", rtol)


def twin(expected: Any, actual: Any) -> tuple[Any, Any]:
    """Two layers in double precision, candle's with torch's values."""
    expected, actual = expected.double(), actual.double()
    actual.load_state_dict({name: candle.tensor(t.numpy()) for name, t in expected.state_dict().items()})
    return expected, actual
