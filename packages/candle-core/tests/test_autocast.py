"""Autocast: products in the smaller dtype, what needs precision in float32; the policy is PyTorch's."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import check_both, name_of, to_candle

X = (torch.arange(6, dtype=torch.float32).reshape(2, 3) / 8 - 0.25).requires_grad_()
LOWER = ["float16", "bfloat16"]

OPS = {
    "matmul": lambda lib, x: x @ x.T,
    "mm": lambda lib, x: lib.mm(x, x.T),
    "bmm": lambda lib, x: lib.bmm(x[None], x.T[None]),
    "mv": lambda lib, x: x @ x[0],
    "addmm": lambda lib, x: lib.addmm(x[:, :2], x, x.T),
    "add": lambda lib, x: x + 1,
    "mul": lambda lib, x: x * x,
    "exp": lambda lib, x: x.exp(),
    "relu": lambda lib, x: x.relu(),
    "sum": lambda lib, x: x.sum(),
    "reshape": lambda lib, x: x.reshape(-1),
    "product then sum": lambda lib, x: (x @ x.T).sum(),
    "product then add": lambda lib, x: x @ x.T + x[:, :2],
    "product of integers": lambda lib, x: x.detach().long() @ x.detach().long().T,
    "product of float64": lambda lib, x: x.double() @ x.double().T,
    "cat of two dtypes": lambda lib, x: lib.cat([x @ x.T, x[:, :2]]),
}


@pytest.mark.parametrize("lower", LOWER)
@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_result_dtypes_are_those_of_torch(op, lower: str) -> None:
    def dtype(lib, x) -> str:
        with lib.autocast("cpu", dtype=getattr(lib, lower)):
            return name_of(op(lib, x).dtype)

    assert dtype(candle, to_candle(X)) == dtype(torch, X)


@pytest.mark.parametrize("lower", LOWER)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "cumsum", "prod", "mean", "var", "log", "pow"])
def test_what_loses_precision_is_not_run_in_less_than_float32(name: str, lower: str) -> None:
    """On a result of the smaller dtype: at least as wide as PyTorch's answer."""

    def dtype(lib, x):
        with lib.autocast("cpu", dtype=getattr(lib, lower)):
            product = x @ x.T
            argument = {"softmax": (0,), "log_softmax": (0,), "logsumexp": (0,), "cumsum": (0,), "pow": (2,)}.get(
                name, ()
            )
            return getattr(product, name)(*argument).dtype

    assert dtype(candle, to_candle(X)).itemsize >= dtype(torch, X).itemsize


@pytest.mark.parametrize("lower", LOWER)
def test_gradients_come_back_in_float32(lower: str) -> None:
    def program(lib, x):
        with lib.autocast("cpu", dtype=getattr(lib, lower)):
            loss = (x @ x.T).float().pow(2).sum()
        loss.backward()
        return x.grad.dtype == lib.float32

    check_both(program, X)
    x, y = to_candle(X), X.detach().clone().requires_grad_()
    for lib, t in ((candle, x), (torch, y)):
        with lib.autocast("cpu", dtype=getattr(lib, lower)):
            loss = (t @ t.T).float().pow(2).sum()
        loss.backward()
    assert x.grad.tolist() == [pytest.approx(row, rel=0.05, abs=0.05) for row in y.grad.tolist()]


def test_autocast_nests_and_can_be_turned_off() -> None:
    def program(lib, x):
        seen = []
        with lib.autocast("cpu", dtype=lib.float16):
            seen.append((x @ x.T).dtype == lib.float16)
            with lib.autocast("cpu", enabled=False):
                seen.append((x @ x.T).dtype == lib.float32)
            seen.append((x @ x.T).dtype == lib.float16)
        seen.append((x @ x.T).dtype == lib.float32)
        return seen

    check_both(program, X)


def test_autocast_as_a_decorator() -> None:
    def program(lib, x):
        @lib.autocast("cpu", dtype=lib.float16)
        def function(t):
            return t @ t.T

        return function(x).dtype == lib.float16, (x @ x.T).dtype == lib.float32

    check_both(program, X)


def test_the_default_on_the_cpu_is_bfloat16() -> None:
    def program(lib, x):
        with lib.autocast("cpu"):
            return (x @ x.T).dtype == lib.bfloat16

    check_both(program, X)


def test_autocast_of_another_device_leaves_the_cpu_alone() -> None:
    with candle.autocast("cuda", dtype=candle.float16):
        assert (to_candle(X) @ to_candle(X).T).dtype is candle.float32


def test_autocast_outside_backward_is_enough() -> None:
    """Backward runs in the dtypes of forward, inside or outside of the context."""
    results = []
    for inside in (True, False):
        x = to_candle(X)
        with candle.autocast("cpu", dtype=candle.float16):
            loss = (x @ x.T).float().sum()
            if inside:
                loss.backward()
        if not inside:
            loss.backward()
        results.append(x.grad.tolist())
    assert results[0] == results[1]


def test_writing_in_place_keeps_the_dtype_of_the_target() -> None:
    def program(lib, x):
        y = lib.zeros(2, 2)
        with lib.autocast("cpu", dtype=lib.float16):
            y += x @ x.T
        return y.dtype == lib.float32, y.requires_grad

    check_both(program, X)


def test_dtypes_nest() -> None:
    """PyTorch trips over the casts it keeps (Half != BFloat16)."""
    x = to_candle(X)
    with candle.autocast("cpu", dtype=candle.float16):
        with candle.autocast("cpu", dtype=candle.bfloat16):
            assert (x @ x.T).dtype is candle.bfloat16
        assert (x @ x.T).dtype is candle.float16


def test_integer_dtypes_are_refused() -> None:
    with pytest.raises((RuntimeError, TypeError), match="int32"), candle.autocast("cpu", dtype=candle.int32):
        to_candle(X) @ to_candle(X).T
