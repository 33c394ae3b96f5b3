"""Which dtype comes out: every pair of dtypes, of tensors with dims, tensors without, and Python numbers."""

from __future__ import annotations

import contextlib
import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import candle

from .oracle import DTYPES, assert_same, name_of, to_candle

UNSIGNED = ("uint16", "uint32", "uint64")  # PyTorch has few ops for them
KINDS = ("dims", "no dims")
NUMBERS: dict[str, Any] = {"bool": True, "int": 2, "float": 2.5, "complex": 1 + 2j}

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    **{name: getattr(operator, name) for name in "add sub mul truediv floordiv mod pow".split()},
    **{name: getattr(operator, name) for name in "lt le gt ge eq ne".split()},
    **{name: getattr(operator, name) for name in "and_ or_ xor".split()},
}
FUNCTIONS = {
    "where": lambda lib, x, y: lib.where(lib.tensor([True, False]), x, y),
    "cat": lambda lib, x, y: lib.cat([x.reshape(-1), y.reshape(-1)]),
    "stack": lambda lib, x, y: lib.stack([x, y]),
    "maximum": lambda lib, x, y: lib.maximum(x, y),
    "minimum": lambda lib, x, y: lib.minimum(x, y),
    "clamp": lambda lib, x, y: lib.clamp(x, y, y),
    "masked_fill": lambda lib, x, y: x.masked_fill(lib.tensor([True, False]), y),
    "result_type": lambda lib, x, y: lib.empty(0, dtype=lib.result_type(x, y)),
}


def operand(dtype: str, kind: str) -> torch.Tensor:
    values = torch.tensor([1, 3]) if kind == "dims" else torch.tensor(3)
    return values.to(getattr(torch, dtype))


def agree(function: Callable[[Any, Any, Any], Any], x: Any, y: Any) -> None:
    """The same result, and where PyTorch refuses the dtypes, a refusal or at least no other kind of error."""
    mine = [to_candle(each) if isinstance(each, torch.Tensor) else each for each in (x, y)]
    try:
        expected = function(torch, x, y)
    except (RuntimeError, TypeError):
        with contextlib.suppress(RuntimeError, TypeError, NotImplementedError):
            function(candle, *mine)
        return
    result = function(candle, *mine)
    halves = {torch.float16, torch.bfloat16} & {getattr(each, "dtype", None) for each in (x, y)}
    if expected.dtype == torch.complex32 or (expected.dtype == torch.complex64 and halves):
        # Candle has no complex32, and PyTorch divides in the small dtype
        assert result.dtype is candle.complex64
        np.testing.assert_allclose(result.numpy(), expected.to(torch.complex64).numpy(), rtol=1e-2)
        return
    assert_same(result, expected, f"{describe(x)} and {describe(y)}")


def describe(x: Any) -> str:
    return f"{name_of(x.dtype)} {tuple(x.shape)}" if isinstance(x, torch.Tensor) else repr(x)


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, KINDS)), ids="-".join)
@pytest.mark.parametrize("name", BINARY)
def test_operators_on_two_tensors(name: str, kinds: tuple[str, str]) -> None:
    for a, b in itertools.product(DTYPES, DTYPES):
        agree(lambda lib, x, y: BINARY[name](x, y), operand(a, kinds[0]), operand(b, kinds[1]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BINARY)
def test_operators_on_a_tensor_and_a_number(name: str, kind: str) -> None:
    for dtype, number in itertools.product(DTYPES, NUMBERS.values()):
        agree(lambda lib, x, y: BINARY[name](x, y), operand(dtype, kind), number)
        agree(lambda lib, x, y: BINARY[name](y, x), operand(dtype, kind), number)


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, KINDS)), ids="-".join)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_two_tensors(name: str, kinds: tuple[str, str]) -> None:
    for a, b in itertools.product(DTYPES, DTYPES):
        agree(FUNCTIONS[name], operand(a, kinds[0]), operand(b, kinds[1]))


@pytest.mark.parametrize("name", ["where", "masked_fill", "clamp", "result_type"])
def test_functions_of_a_tensor_and_a_number(name: str) -> None:
    for dtype, kind, number in itertools.product(DTYPES, KINDS, NUMBERS.values()):
        if name == "masked_fill" and (dtype, number) == ("bool", 1 + 2j):
            continue  # PyTorch refuses complex numbers for every other real dtype; candle for this one, too
        agree(FUNCTIONS[name], operand(dtype, kind), number)


def test_where_of_two_numbers() -> None:
    for a, b in itertools.product(NUMBERS.values(), NUMBERS.values()):
        agree(FUNCTIONS["where"], a, b)


UNARY = """
exp sqrt sin log reciprocal sigmoid abs neg sign square floor round sum prod mean cumsum amax any all argmax softmax
logical_not bitwise_not isnan relu tanh nonzero
""".split()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_tensor(name: str, kind: str) -> None:
    arguments = (0,) if name in ("cumsum", "softmax") else ()
    for dtype in DTYPES:
        agree(lambda lib, x, y: getattr(x, name)(*arguments), operand(dtype, kind), None)


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "cumsum", "cumprod", "softmax", "log_softmax"])
def test_reductions_take_a_dtype(name: str) -> None:
    for dtype, wanted in itertools.product(DTYPES, DTYPES):
        agree(lambda lib, x, y, to=wanted: getattr(x, name)(0, dtype=getattr(lib, to)), operand(dtype, "dims"), None)


def test_the_factor_of_a_sum_has_no_say() -> None:
    for a, b, alpha in itertools.product(DTYPES, DTYPES, (-2, 0, 0.5)):
        for kinds in (("dims", "dims"), ("dims", "no dims")):
            if a == b == "bool" and isinstance(alpha, float):
                continue  # PyTorch takes it for True
            agree(lambda lib, x, y, alpha=alpha: lib.add(x, y, alpha=alpha), operand(a, kinds[0]), operand(b, kinds[1]))
            agree(lambda lib, x, y, alpha=alpha: lib.sub(x, y, alpha=alpha), operand(a, kinds[0]), operand(b, kinds[1]))


def test_empty_vectors_join_anything_and_count() -> None:
    for a, b in itertools.product(DTYPES, DTYPES):
        x, y = operand(a, "dims"), torch.zeros(0, dtype=getattr(torch, b))
        agree(lambda lib, x, y: lib.cat([x, y]), x, y)
        agree(lambda lib, x, y: lib.cat([y, x[None]], -1), x, y)
        agree(lambda lib, x, y: lib.cat([y, y, x[:0]]), x, y)


def test_promote_types() -> None:
    for a, b in itertools.product((*DTYPES, *UNSIGNED), repeat=2):
        try:
            expected = torch.promote_types(getattr(torch, a), getattr(torch, b))
        except RuntimeError:
            continue
        assert name_of(candle.promote_types(getattr(candle, a), getattr(candle, b))) == name_of(expected), (a, b)


@pytest.mark.parametrize("default", ["float64", "float16", "float32"])
def test_the_default_dtype_decides_what_numbers_become(default: str) -> None:
    def program(lib: Any) -> Any:
        ints = lib.tensor([1, 2])
        results = [lib.tensor(1.5), lib.ones(2), lib.rand(2) * 0, ints / 2, ints.exp(), ints * 0.5, lib.tensor([])]
        results += [ints.double() * 0.5, lib.zeros(1), lib.linspace(0, 1, 2), lib.arange(2.0), lib.empty(0), lib.eye(2)]
        return results if default == "float16" else [*results, lib.tensor(1j), ints * 1j]

    try:
        for lib in (torch, candle):
            lib.set_default_dtype(getattr(lib, default))
        assert name_of(candle.get_default_dtype()) == default
        assert_same(program(candle), program(torch))
    finally:
        for lib in (torch, candle):
            lib.set_default_dtype(lib.float32)


def test_set_default_dtype_refuses_integers() -> None:
    with pytest.raises(TypeError, match=r"set_default_dtype.*int64"):
        candle.set_default_dtype(candle.int64)


@pytest.mark.parametrize(
    "pair", [("float64", "float32"), ("float32", "float16"), ("complex64", "float64"), ("float32", "int64")]
)
def test_gradients_come_back_in_the_dtypes_of_the_inputs(pair: tuple[str, str]) -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        z = x * y + y / 2 - x
        (z * z.conj()).real.sum().backward()
        return x.grad, y.grad

    x, y = (torch.tensor([1, 3]).to(getattr(torch, name)) for name in pair)
    for each in (x, y):
        if each.is_floating_point() or each.is_complex():
            each.requires_grad_()
    mine = program(candle, to_candle(x), to_candle(y))
    assert_same(mine, program(torch, x, y))


def test_a_number_does_not_widen_a_gradient() -> None:
    x = candle.ones(2, dtype=candle.float16, requires_grad=True)
    y = (x * 2.5 + 1) / 3.0
    y.sum().backward()
    assert y.dtype is candle.float16
    assert x.grad.dtype is candle.float16
