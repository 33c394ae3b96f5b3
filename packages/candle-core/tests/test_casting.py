"""From one dtype to another: every pair, what does not fit, and `to` in all its forms."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
import torch

import candle

from .oracle import DTYPES, assert_same, check_both, check_gradients, to_candle

VALUES = {
    "bool": [True, False, True],
    "uint8": [0, 1, 255],
    "int8": [0, -1, 127],
    "int16": [0, -300, 32767],
    "int32": [-70_000, 0, 2**31 - 1],
    "int64": [-(2**40), 5, 2**53 + 1],
    "float16": [0.5, -1.75, 100.0],
    "bfloat16": [0.5, -1.75, 100.0],
    "float32": [0.5, -1.75, 100.25],
    "float64": [0.5, -1.75, 100.25],
    "complex64": [1 + 2j, -3.5j, 0],
    "complex128": [1 + 2j, -3.5j, 0],
}


def sample(dtype: str) -> torch.Tensor:
    return torch.tensor(VALUES[dtype], dtype=getattr(torch, dtype))


@pytest.mark.parametrize(("source", "target"), list(itertools.product(DTYPES, DTYPES)))
def test_every_dtype_becomes_every_other(source: str, target: str) -> None:
    if source.startswith(("float", "bfloat", "complex")) and target == "uint8":
        x = sample(source).abs()  # what a negative float becomes, C leaves undefined
    else:
        x = sample(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both may remark that an imaginary part is lost
        assert_same(to_candle(x).to(getattr(candle, target)), x.to(getattr(torch, target)))


@pytest.mark.parametrize("target", ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("source", ["float16", "bfloat16", "float32", "float64"])
def test_gradients_are_cast_back(source: str, target: str) -> None:
    def program(lib, x):
        y = x.to(getattr(lib, target))
        (y * y.conj()).real.sum().backward()
        return y.detach(), x.grad

    check_both(program, sample(source).requires_grad_())


def test_casting_to_an_integer_ends_the_history() -> None:
    def program(lib, x):
        y = x.to(lib.int64)
        return y, y.requires_grad, (x > 0).requires_grad, x.long().double().requires_grad

    check_both(program, sample("float64").requires_grad_())


def test_the_forms_of_to() -> None:
    def program(lib, x):
        other = lib.zeros(1, dtype=lib.float16)
        results = [
            x.to(lib.float32),
            x.to("cpu"),
            x.to("cpu", lib.float32),
            x.to(other),
            x.to(dtype=lib.int32),
            x.to(device="cpu"),
        ]
        results += [
            x.to(lib.device("cpu")),
            x.to(lib.float32, copy=True),
            x.to(other, non_blocking=True),
            x.to("cpu", lib.half, False),
        ]
        return [*results, x.type_as(other)]

    check_both(program, sample("float64"))


def test_shortcuts() -> None:
    names = "float double half bfloat16 long int short char byte bool cfloat cdouble".split()
    check_both(lambda lib, x: [getattr(x, name)() for name in names], sample("float64").abs())


def test_integers_wrap_around() -> None:
    def program(lib):
        a = lib.tensor([100, 127, -128], dtype=lib.int8)
        b = lib.tensor([200, 255, 1], dtype=lib.uint8)
        c = lib.tensor([2**62, -(2**63)])
        return [
            a + a,
            a * 3,
            -a,
            a - 1,
            a**2,
            b + b,
            b * 2,
            b - 2,
            -b,
            c * 4,
            c + c,
            c - 1,
            lib.tensor([1, -1, -1, 2]) ** lib.tensor([-(2**63), -(2**63), -3, -2]),
            lib.addbmm(a[:1], a.reshape(3, 1, 1), a.reshape(3, 1, 1), beta=2),
            lib.tensordot(b, b[:1], 1),
            lib.inner(b[:1], b[1:2]),
            a.abs(),
            a << 1 if hasattr(a, "__lshift__") else a * 2,
        ]

    assert_same(program(candle), program(torch))


def test_sums_of_integers_do_not_wrap() -> None:
    def program(lib):
        x = lib.full((1000,), 100, dtype=lib.int8)
        return [x.sum(), x.cumsum(0)[-1], x[:5].prod(), (x > 0).sum(), x.sum(dtype=lib.int8)]

    assert_same(program(candle), program(torch))


def test_large_integers_keep_every_digit() -> None:
    def program(lib):
        x = lib.tensor([2**24 + 1, 2**53 + 1])
        return [
            x + 0,
            x * 1,
            x.sum(),
            x.max(),
            x[[1, 0]],
            x.clone(),
            x.double(),
            x.float(),
            x.reshape(2, 1),
            x // 1,
            x == 2**53,
        ]

    assert_same(program(candle), program(torch))


def test_division_of_integers() -> None:
    def program(lib):
        a, b = lib.tensor([7, -7, 7, -7]), lib.tensor([2, 2, -2, -2])
        results = [
            a / b,
            a // b,
            a % b,
            lib.fmod(a, b),
            lib.remainder(a, b),
            lib.div(a, b, rounding_mode="trunc"),
            7 // b,
            7 % b,
            7 / b,
        ]
        return [*results, lib.div(a, b, rounding_mode="floor"), a.double() // b, a.double() % b, a / 2, a // 2.0]

    assert_same(program(candle), program(torch))


def test_quotients_towards_zero_are_cut_after_they_are_rounded() -> None:
    """6 / 0.2 is 30, though 6 - 0.2 * 30 is a little below zero."""

    def program(lib):
        x = lib.tensor([1.0, 6.0, -7.0, float("inf"), 0.0], dtype=lib.float64)
        y = lib.tensor([0.1, 0.2, 2.0, 10.0, 0.0], dtype=lib.float64)
        quotients = [lib.div(x, y, rounding_mode="trunc"), x.clone().div_(y, rounding_mode="trunc")]
        return [*quotients, lib.div(lib.tensor([7, -7]), 0.3, rounding_mode="trunc")]

    assert_same(program(candle), program(torch))


def test_float_specials() -> None:
    def program(lib):
        x = lib.tensor([float("inf"), float("-inf"), float("nan"), -0.0, 0.0])
        results = [
            x + 1,
            x * 0,
            x / 0,
            1 / x,
            x == x,
            x.isnan(),
            x.isinf(),
            x.isfinite(),
            x > 0,
            x.abs(),
            x.sign(),
            x.sum(),
            x.max(),
            x.min(),
        ]
        return [
            *results,
            x.exp(),
            x.sqrt(),
            x.clamp(-1, 1),
            x.maximum(lib.tensor(0.0)),
            x.argmax(),
            x.argmin(),
            x.sort()[0],
            x // 2,
            x % 2,
        ]

    assert_same(program(candle), program(torch))


def test_to_returns_the_tensor_itself_where_nothing_changes() -> None:
    x = candle.zeros(2)
    assert x.to("cpu") is x
    assert x.to(candle.float32) is x
    assert x.float() is x
    assert x.to(x) is x
    assert x.to(candle.float32, copy=True) is not x


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda x: x.to("tpu"), RuntimeError, "tpu"),
        (lambda x: x.to(3.5), TypeError, r"to.*float"),
        (lambda x: x.to(np.float32), TypeError, "to"),
    ],
)
def test_wrong_calls(call, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        call(candle.zeros(2))


def test_properties_of_dtypes() -> None:
    for name in DTYPES:
        mine, theirs = getattr(candle, name), getattr(torch, name)
        for attribute in ("is_floating_point", "is_complex", "is_signed", "itemsize"):
            assert getattr(mine, attribute) == getattr(theirs, attribute), (name, attribute)
        x = candle.zeros(3, dtype=mine)
        assert (x.element_size(), x.itemsize, x.nbytes) == (theirs.itemsize, theirs.itemsize, 3 * theirs.itemsize)
        assert (x.is_floating_point(), x.is_complex()) == (theirs.is_floating_point, theirs.is_complex)
    aliases = "half float double short int long cfloat cdouble".split()
    assert [str(getattr(candle, name)) for name in aliases] == [
        str(getattr(torch, name)).replace("torch", "candle") for name in aliases
    ]


def test_clone_and_casts_of_a_view_keep_gradients() -> None:
    check_gradients(
        lambda lib, x: x.T[1:].clone().to(lib.float32).to(lib.float64) * 3,
        torch.ones(2, 3, dtype=torch.float64).requires_grad_(),
    )
