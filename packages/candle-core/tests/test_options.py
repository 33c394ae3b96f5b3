"""`out=`, and the options of layout and memory, at the functions that PyTorch has them at."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

import candle

from .oracle import assert_same, name_of, to_candle

X = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [3.0, 0.1, 0.2]])
# A call, and the dtypes of `out`
CALLS = {
    "lib.exp(x, out=out)": ["float32"],
    "lib.add(x, 2, alpha=3, out=out)": ["float32"],
    "lib.mul(x, x, out=out)": ["float32", "complex64"],
    "lib.matmul(x, x, out=out)": ["float32"],
    "lib.mm(x, x, out=out)": ["float32"],
    "lib.addmm(x, x, x, out=out)": ["float32"],
    "lib.cat([x, x], 1, out=out)": ["float32", "float64"],
    "lib.stack([x, x], out=out)": ["float32"],
    "lib.sum(x, 0, out=out)": ["float32"],
    "lib.eq(x, 2, out=out)": ["bool", "float32", "int64"],
    "lib.where(x > 0, x, -x, out=out)": ["float32"],
    "lib.clamp(x, 0, 1, out=out)": ["float32"],
    "lib.sort(x, 1, out=outs)": ["float32"],
    "lib.max(x, 1, out=outs)": ["float32"],
    "lib.topk(x, 2, out=outs)": ["float32"],
    "lib.zeros(2, 3, out=out)": ["float32", "int64"],
    "lib.ones(3, 3, out=out)": ["bool"],
    "lib.full((2,), 3, out=out)": ["float32", "int8"],
    "lib.arange(4, out=out)": ["float32", "int64"],
    "lib.linspace(0, 1, 5, out=out)": ["float32", "float64"],
    "lib.eye(3, out=out)": ["float32", "int64"],
}


def called(lib: Any, call: str, dtype: str, shape: Any) -> Any:
    out = lib.ones(shape, dtype=getattr(lib, dtype))
    outs = (out, lib.ones(shape, dtype=lib.int64))
    x = X if lib is torch else to_candle(X)
    result = eval(call, {"lib": lib, "x": x, "out": out, "outs": outs})
    if "outs" in call:
        assert result[0] is out
        assert result[1] is outs[1]
    else:
        assert result is out
    return result


@pytest.mark.parametrize("shape", [(0,), (3, 3)], ids=str)
@pytest.mark.parametrize(("call", "dtype"), [(c, d) for c, dtypes in CALLS.items() for d in dtypes])
def test_the_result_is_written_into_out(call: str, dtype: str, shape: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of another shape: see below
        expected = called(torch, call, dtype, shape)
        assert_same(called(candle, call, dtype, shape), expected)


def test_views_of_out_see_it() -> None:
    buffer = candle.zeros(2, 3)
    candle.add(candle.ones(3), 1, out=buffer[1])
    assert buffer.tolist() == [[0, 0, 0], [2, 2, 2]]


def test_resizing_what_is_not_empty_is_told() -> None:
    for lib in (torch, candle):
        with pytest.warns(UserWarning, match="resize"):
            lib.exp(lib.ones(3), out=lib.zeros(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("lib.exp(x, out=lib.ones(3, 3, dtype=lib.int64))", "exp: the result is of candle.float32, .* candle.int64"),
        ("lib.exp(x, out=lib.ones(3, 3, requires_grad=True))", "exp: what is written into out= has no gradient"),
        ("lib.exp(x.requires_grad_(), out=lib.ones(3, 3))", "exp: what is written into out= has no gradient"),
        ("lib.exp(x, out=5)", "exp: out must be a Tensor, got int"),
        ("lib.exp(x, out=lib.ones(1, 3).expand(3, 3))", "writing in place into an expanded or overlapping view"),
        ("lib.sort(x, 1, out=lib.ones(3, 3))", "sort: out must be a tuple of 2 tensors, got Tensor"),
        ("lib.zeros(2, dtype=lib.float32, out=lib.ones(2, dtype=lib.int64))", "zeros: candle.float32 was asked for"),
        ("lib.rand(2, out=5)", "rand: out must be a Tensor"),
    ],
)
def test_what_cannot_be_written(call: str, message: str) -> None:
    with pytest.raises((RuntimeError, TypeError)) as theirs:
        eval(call, {"lib": torch, "x": X.clone()})
    with pytest.raises(theirs.type, match=message):
        eval(call, {"lib": candle, "x": to_candle(X)})


def test_without_gradients_a_parameter_may_be_written() -> None:
    for lib in (torch, candle):
        x = lib.ones(2, requires_grad=True)
        with lib.no_grad():
            assert lib.mul(x, 3, out=x) is x
        assert x.tolist() == [3, 3]
        assert x.requires_grad
        assert x.is_leaf


ACCEPTED = """
lib.zeros(2, layout=lib.strided); lib.ones(2, pin_memory=False); lib.empty(0, memory_format=lib.contiguous_format)
lib.full((2,), 1, layout=lib.strided, pin_memory=False); lib.arange(3, layout=lib.strided); lib.eye(2, pin_memory=False)
lib.zeros_like(x, memory_format=lib.preserve_format); lib.ones_like(x, layout=lib.strided, pin_memory=False)
lib.linspace(0, 1, 3, layout=lib.strided); lib.tensor([1.0], pin_memory=False); x.new_zeros(2, pin_memory=False)
x.new_ones(2, layout=lib.strided); lib.rand(0, pin_memory=False, layout=lib.strided); lib.randn(0, layout=lib.strided)
lib.randperm(0, pin_memory=False); lib.randint(3, (0,), layout=lib.strided)
""".replace("\n", ";").split(";")


@pytest.mark.parametrize("call", [each.strip() for each in ACCEPTED if each.strip()])
def test_what_is_so_anyway(call: str) -> None:
    assert_same(eval(call, {"lib": candle, "x": to_candle(X)}), eval(call, {"lib": torch, "x": X}))


@pytest.mark.parametrize(
    ("call", "option"),
    [
        ("zeros(2, layout='sparse_coo')", "zeros: the option layout='sparse_coo'"),
        ("ones(2, pin_memory=True)", "ones: the option pin_memory=True"),
        ("rand(2, names=('N',))", r"rand: the option names=\('N',\)"),
        ("zeros_like(x, memory_format='channels_last')", "zeros_like: the option memory_format='channels_last'"),
        ("tensor([1.0], pin_memory=True)", "tensor: the option pin_memory=True"),
        ("ones(2).new_zeros(2, pin_memory=True)", "new_zeros: the option pin_memory=True"),
    ],
)
def test_the_rest_is_refused_by_name(call: str, option: str) -> None:
    with pytest.raises(NotImplementedError, match=option):
        eval(f"candle.{call}", {"candle": candle, "x": to_candle(X)})


def test_random_numbers_go_into_out() -> None:
    candle.manual_seed(0)
    expected = candle.rand(4, dtype=candle.float64)
    candle.manual_seed(0)
    out = candle.empty(0, dtype=candle.float64)
    candle.rand(4, out=out)
    assert out.tolist() == expected.tolist()
    assert name_of(candle.randperm(3, out=candle.empty(0)).dtype) == "float32"
