"""PyTorch as the oracle: tensors carried over, answers compared, one program run by both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import candle

DTYPES = (
    *("bool", "uint8", "int8", "int16", "int32", "int64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
)
TOLERANCE = {"float16": 1e-3, "bfloat16": 1e-2, "float32": 1e-5, "complex64": 1e-5}


def name_of(dtype: Any) -> str:
    """`float32` for torch.float32 and candle.float32 alike."""
    return str(dtype).rpartition(".")[2]


def to_candle(t: torch.Tensor, requires_grad: bool | None = None) -> candle.Tensor:
    """The same values, and by default the same wish for gradients, with memory of its own."""
    values = t.detach()
    dtype = getattr(candle, name_of(t.dtype))
    array = values.float().numpy() if t.dtype == torch.bfloat16 else values.numpy()
    mine = candle.tensor(np.array(array)).to(dtype)
    return mine.requires_grad_(t.requires_grad if requires_grad is None else requires_grad)


def values_of(t: Any) -> np.ndarray:
    """The values of either library's tensor, for NumPy to compare."""
    if isinstance(t, torch.Tensor):
        t = t.detach().resolve_conj()
        return (t.float() if t.dtype == torch.bfloat16 else t).numpy()
    t = t.detach().cpu()
    return (t.float() if t.dtype is candle.bfloat16 else t).numpy()


def assert_same(mine: Any, expected: Any, what: str = "") -> None:
    """Structure, shape, dtype and values agree; None, numbers and sequences of tensors too."""
    if isinstance(expected, tuple | list):
        assert isinstance(mine, tuple | list), what
        assert len(mine) == len(expected), what
        for i, (m, e) in enumerate(zip(mine, expected, strict=True)):
            assert_same(m, e, f"{what}[{i}]")
    elif not isinstance(expected, torch.Tensor):
        assert not isinstance(mine, candle.Tensor), f"{what}: {mine} for {expected}"
        np.testing.assert_equal(mine, expected, err_msg=what)
    else:
        assert isinstance(mine, candle.Tensor), f"{what}: {mine!r} for {expected}"
        assert tuple(mine.shape) == tuple(expected.shape), what
        assert name_of(mine.dtype) == name_of(expected.dtype), what
        tolerance = TOLERANCE.get(name_of(expected.dtype), 1e-10)
        ours, theirs = values_of(mine), values_of(expected)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=what)


def arange(
    *shape: int, dtype: str = "float64", start: float = 0.0, step: float = 1.0
) -> tuple[candle.Tensor, torch.Tensor]:
    """One tensor of counted values, in both libraries."""
    values = torch.arange(int(np.prod(shape)), dtype=torch.float64) * step + start
    theirs = values.to(getattr(torch, dtype)).reshape(shape)
    return to_candle(theirs), theirs


def run_both(program: Callable[..., Any], *inputs: Any) -> tuple[Any, Any]:
    """`program(library, *inputs)` with candle, and with torch; the inputs are torch's and copied for each."""

    def copies(convert: Callable[[torch.Tensor], Any]) -> Iterator[Any]:
        for each in inputs:
            yield convert(each) if isinstance(each, torch.Tensor) else each

    theirs = program(torch, *copies(lambda t: t.detach().clone().requires_grad_(t.requires_grad)))
    return program(candle, *copies(to_candle)), theirs


def check_both(program: Callable[..., Any], *inputs: Any) -> None:
    """Both libraries give the same answer to `program(library, *inputs)`."""
    mine, theirs = run_both(program, *inputs)
    assert_same(mine, theirs)


def check_gradients(program: Callable[..., Any], *inputs: Any) -> None:
    """The same answer, and the same gradients of a weighted sum of it by every input that wants one."""

    def with_gradients(lib: Any, *given: Any) -> Any:
        result = program(lib, *given)
        weights = lib.arange(1, result.numel() + 1, dtype=result.dtype).reshape(tuple(result.shape)) / 7
        (result * weights).sum().backward()
        return [result, *(x.grad for x in given if isinstance(x, candle.Tensor | torch.Tensor) and x.requires_grad)]

    check_both(with_gradients, *inputs)
