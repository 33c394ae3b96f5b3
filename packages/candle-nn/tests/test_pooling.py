"""Pooling against PyTorch's: values, indices, gradients, layers."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle import nn

from .attention_twins import compare, run_database, twins, values
from .test_convolution import agree
from .twins import check, normal

F, T = nn.functional, torch.nn.functional
SIZES = {1: (9,), 2: (7, 6), 3: (4, 5, 6)}


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "ceil_mode"), list(product([2, 3], [None, 1, 2, 3], [0, 1], [True, False]))
)
def test_windows(dims: int, kernel: int, stride: Any, padding: int, ceil_mode: bool) -> None:
    x = values(2, 3, *SIZES[dims])
    options = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    for include in (True, False):
        agree(f"avg_pool{dims}d", x, **options, count_include_pad=include)
    agree(f"avg_pool{dims}d", x[0], **options)
    if dims > 1:
        agree(f"avg_pool{dims}d", x, **options, divisor_override=5)
    for dilation in (1, 2) if kernel == 2 else (1,):
        agree(f"max_pool{dims}d", x, **options, dilation=dilation)
        same_indices(f"max_pool{dims}d", x, **options, dilation=dilation)
    del options["padding"]
    agree(f"lp_pool{dims}d", x.abs() + 0.1, norm_type=3.0, **options)
    for extreme in (torch.inf, -torch.inf):
        agree(f"lp_pool{dims}d", x, norm_type=extreme, **options)


@pytest.mark.parametrize("kernel", range(4, 12))
def test_means_of_large_windows(kernel: int) -> None:
    for stride, padding in product([1, 2], [0, kernel // 2]):
        agree("avg_pool1d", values(2, 3, 11), kernel_size=kernel, stride=stride, padding=padding)
    x = values(1, 2, 11, 12)
    agree("avg_pool2d", x, kernel_size=(kernel, 7), stride=(1, 2), padding=(2, 3), count_include_pad=False)


@pytest.mark.parametrize(("kernel", "sizes"), [(17, (41,)), (5, (11, 12)), (3, (6, 7, 8))])
def test_the_largest_of_large_windows(kernel: int, sizes: tuple[int, ...]) -> None:
    name, x = f"max_pool{len(sizes)}d", values(2, 3, *sizes)
    for several in (x, (3 * x).round()):  # the first of equals
        for options in (
            {"kernel_size": kernel},
            {"kernel_size": kernel, "ceil_mode": True},
            {"kernel_size": sizes},
            {"kernel_size": sizes, "stride": 1},
        ):
            agree(name, several, **options)
            same_indices(name, several, **options)


def test_means_of_all() -> None:
    for dims, sizes in SIZES.items():
        x, wide = values(2, 3, *sizes), [n + 2 for n in sizes]
        agree(f"avg_pool{dims}d", x, kernel_size=sizes)
        for include in (True, False) if dims < 3 else ():  # PyTorch refuses wider kernels in three
            agree(f"avg_pool{dims}d", x, kernel_size=wide, padding=1, count_include_pad=include)


def same_indices(name: str, x: torch.Tensor, **options: Any) -> None:
    for given in (x, x[0]):
        mine = getattr(F, name)(candle.tensor(given.numpy()), **options, return_indices=True)
        theirs = getattr(T, name)(given, **options, return_indices=True)
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 11])
def test_adaptive(dims: int, size: int) -> None:
    x = values(2, 3, *SIZES[dims])
    for name in (f"adaptive_avg_pool{dims}d", f"adaptive_max_pool{dims}d"):
        agree(name, x, output_size=size)
        agree(name, x[0], output_size=size)
    same_indices(f"adaptive_max_pool{dims}d", x, output_size=size)


def test_adaptive_sizes_of_their_own() -> None:
    agree("adaptive_avg_pool2d", values(2, 3, 7, 6), output_size=(None, 4))
    agree("adaptive_max_pool3d", values(2, 3, 4, 5, 6), output_size=(3, None, 2))


def test_adaptive_sizes_of_nothing() -> None:
    x = values(2, 3, 7, 6)
    same_indices("adaptive_max_pool2d", x, output_size=0)
    same_indices("adaptive_max_pool2d", x, output_size=(0, 4))
    for size in (0, (0, 4), (3, 0)):
        mine = F.adaptive_avg_pool2d(candle.tensor(x.numpy()), size)
        assert mine.shape == T.adaptive_avg_pool2d(x, size).shape


def test_the_first_of_equals_gets_the_gradient() -> None:
    x = torch.tensor([[[[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]]]], dtype=torch.float64)
    for name, options in (
        ("max_pool2d", {"kernel_size": 2, "stride": 1}),
        ("max_pool2d", {"kernel_size": 2, "padding": 1}),
        ("adaptive_max_pool2d", {"output_size": (1, 3)}),
        ("adaptive_max_pool2d", {"output_size": (1, 2)}),
    ):
        agree(name, x, **options)
        same_indices(name, x, **options)


def test_nothing_but_infinities_and_a_nan() -> None:
    x = torch.full((1, 1, 4, 4), -torch.inf, dtype=torch.float64)
    x[0, 0, 3, 2] = torch.nan
    same_indices("max_pool2d", x, kernel_size=3, stride=2, padding=1)
    a, b = candle.tensor(x.numpy(), requires_grad=True), x.clone().requires_grad_()
    F.max_pool2d(a, 3, 2, 1).backward(candle.ones(1, 1, 2, 2, dtype=candle.float64))
    T.max_pool2d(b, 3, 2, 1).backward(torch.ones(1, 1, 2, 2))
    np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


@pytest.mark.parametrize("pool", ["max_pool2d", "adaptive_max_pool2d", "avg_pool2d", "adaptive_avg_pool2d"])
def test_the_result_may_be_written_into(pool: str) -> None:
    check(*(lambda x, f=f: f.relu(getattr(f, pool)(x * 1, 2), inplace=True) for f in (T, F)), normal(1, 2, 4, 6))


def test_integers() -> None:
    x = torch.arange(-8, 8).reshape(1, 1, 4, 4)
    for name, options in (("max_pool2d", {"padding": 1}), ("avg_pool2d", {}), ("avg_pool2d", {"padding": 1})):
        mine = getattr(F, name)(candle.tensor(x.numpy()), 3, 1, **options)
        np.testing.assert_array_equal(mine.numpy(), getattr(T, name)(x, 3, 1, **options).numpy())


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, None, 0), (3, 2, 1), (2, 1, 0)])
def test_unpooling(dims: int, kernel: int, stride: Any, padding: int) -> None:
    options = {"kernel_size": kernel, "stride": stride, "padding": padding}
    x = torch.arange(float(np.prod(SIZES[dims])), dtype=torch.float64).reshape(1, 1, *SIZES[dims]).sin()
    pooled, where = getattr(T, f"max_pool{dims}d")(x, **options, return_indices=True)
    if stride == 1:  # then two windows may have one largest, and which is put last is anyone's guess
        pooled = pooled * 0 + 1
    for size in (None, SIZES[dims], (1, 1, *SIZES[dims])):
        if (
            size is None
            and (where >= np.prod(getattr(T, f"max_unpool{dims}d")(pooled, where * 0, **options).shape)).any()
        ):
            continue
        mine = getattr(F, f"max_unpool{dims}d")(
            candle.tensor(pooled.numpy()), candle.tensor(where.numpy()), **options, output_size=size
        )
        theirs = getattr(T, f"max_unpool{dims}d")(pooled, where, **options, output_size=size)
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


# Layers

DATABASE = [
    f"{kind}{d}d" for kind in ("AdaptiveAvgPool", "AdaptiveMaxPool", "AvgPool", "LPPool", "MaxPool") for d in (1, 2, 3)
]


@pytest.mark.parametrize("kind", DATABASE)
def test_pytorchs_own_samples(kind: str) -> None:
    assert run_database(kind, training=False) >= 1


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_layers(dims: int) -> None:
    x = values(2, 3, *SIZES[dims])
    compare(*twins(f"MaxPool{dims}d", 3, stride=2, padding=1, ceil_mode=True), x)
    compare(*twins(f"MaxPool{dims}d", 2, dilation=2), x)
    compare(*twins(f"AvgPool{dims}d", 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), x)
    compare(*twins(f"AdaptiveAvgPool{dims}d", 2), x)
    compare(*twins(f"LPPool{dims}d", 2, 3, stride=1), x)
    ours, theirs = twins(f"MaxPool{dims}d", 2, return_indices=True)
    back, expected = twins(f"MaxUnpool{dims}d", 2)
    mine = back(*ours(candle.tensor(x.numpy())), output_size=x.shape)
    np.testing.assert_array_equal(mine.numpy(), expected(*theirs(x), output_size=x.shape).numpy())


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: F.max_pool2d(x, 5), "do not fit an input of"),
        (lambda x: F.max_pool2d(x, 2, padding=2), "padding must be half the kernel"),
        (lambda x: F.max_pool2d(x, (2, 2, 2)), "kernel_size must be one integer or 2"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=0), "divisor_override must not be zero"),
        (lambda x: F.avg_pool3d(x[0], 2), "expected an input of 4 dims"),
        (lambda x: F.adaptive_avg_pool2d(x, (1, 2, 3)), "output_size must be 2 sizes"),
        (lambda x: F.max_unpool2d(x, x, 2), "indices must be int64"),
        (lambda x: F.max_unpool2d(x, x.long() + 99, 2), "indices must lie in an output of"),
    ],
)
def test_what_is_wrong_is_said(call: Any, says: str) -> None:
    with pytest.raises(RuntimeError, match=says):
        call(candle.ones(1, 2, 4, 4))


@pytest.mark.parametrize("options", [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}])
def test_of_equal_ones_the_first_gets_the_gradient(options: dict[str, int]) -> None:
    grads = []
    for lib in (candle, torch):
        x = lib.ones(1, 2, 6, 6, requires_grad=True)
        lib.nn.functional.max_pool2d(x, **options).sum().backward()
        grads.append(x.grad.numpy())
    np.testing.assert_array_equal(*grads)
