"""Convolutions, their transposes, fold and unfold against PyTorch's: values, gradients, second gradients, layers."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle import nn

from .attention_twins import compare, run_database, twins, values

F, T = nn.functional, torch.nn.functional
torch.set_num_threads(1)  # the samples are tiny: threads only cost
SIZES = {1: (9,), 2: (7, 6), 3: (4, 5, 4)}


def agree(name: str, *tensors: torch.Tensor | None, **options: Any) -> None:
    """The function's values, and the gradients of a gradient's square, which are second ones."""
    results = []
    for lib, functions in ((candle, F), (torch, T)):
        given = [
            None if x is None else lib.tensor(x.numpy().copy(), requires_grad=x.is_floating_point()) for x in tensors
        ]
        leaves = [x for x in given if x is not None]
        out = getattr(functions, name)(*given, **options)
        firsts = lib.autograd.grad((out * out * out).sum(), leaves, create_graph=True)
        lib.autograd.backward(sum((g * g).sum() for g in firsts))
        results.append([out, *firsts, *(x.grad for x in leaves)])
    for i, (mine, theirs) in enumerate(zip(*results, strict=True)):
        assert tuple(mine.shape) == tuple(theirs.shape)
        mine, theirs = mine.detach().numpy(), theirs.detach().numpy()
        np.testing.assert_allclose(mine, theirs, 1e-9, 1e-11 * max(1.0, np.abs(theirs).max(initial=0)), err_msg=f"{i}")


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(("stride", "padding", "dilation"), list(product([1, 2, 3], [0, 1, 2], [1, 2])))
def test_options(dims: int, stride: int, padding: int, dilation: int) -> None:
    for groups, kernel, bias in ((1, 2, True), (2, 1, False), (4, 2, True)):
        x = values(2, 4, *SIZES[dims])
        weight = values(8, 4 // groups, *(kernel,) * dims)
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        agree(f"conv{dims}d", x, weight, values(8) if bias else None, **options)
        weight = values(4, 6 // groups, *(kernel,) * dims) if groups < 4 else values(4, 1, *(kernel,) * dims)
        if all((n - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 > 0 for n in SIZES[dims]):
            outs = weight.shape[1] * groups
            agree(f"conv_transpose{dims}d", x, weight, values(outs) if bias else None, **options)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_padding_by_name(dims: int, kernel: int) -> None:
    for padding, dilation in product(("same", "valid"), (1, 2)):
        if padding == "valid" and dilation * (kernel - 1) >= min(SIZES[dims]):
            continue
        given = values(3, 2, *SIZES[dims]), values(3, 2, *(kernel,) * dims), values(3)
        agree(f"conv{dims}d", *given, padding=padding, dilation=dilation)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_without_a_batch(dims: int) -> None:
    agree(f"conv{dims}d", values(3, *SIZES[dims]), values(4, 3, *(2,) * dims), values(4))
    agree(f"conv_transpose{dims}d", values(3, *SIZES[dims]), values(3, 4, *(2,) * dims), values(4))


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(("stride", "dilation", "more"), [(2, 1, 1), (3, 1, 2), (1, 3, 2), (2, 4, 3)])
def test_output_padding(dims: int, stride: int, dilation: int, more: int) -> None:
    given = values(2, 3, *SIZES[dims]), values(3, 2, *(2,) * dims), values(2)
    for padding in (0, 1):
        options = {"stride": stride, "dilation": dilation, "output_padding": more, "padding": padding}
        agree(f"conv_transpose{dims}d", *given, **options)


def test_one_number_for_each_dim() -> None:
    agree("conv2d", values(2, 2, 9, 8), values(3, 2, 3, 2), None, stride=(2, 1), padding=(0, 1), dilation=(1, 3))
    agree("conv_transpose2d", values(2, 2, 4, 5), values(2, 3, 3, 2), None, stride=(3, 1), padding=(2, 0))


def test_more_padding_than_kernel() -> None:
    agree("conv2d", values(1, 2, 3, 3), values(2, 2, 2, 2), values(2), padding=4)
    agree("conv_transpose2d", values(1, 2, 8, 8), values(2, 2, 2, 2), values(2), padding=3)


@pytest.mark.parametrize(("stride", "padding", "dilation"), list(product([1, 2], [0, 2], [1, 2])))
def test_fold_and_unfold(stride: int, padding: int, dilation: int) -> None:
    options = {"kernel_size": (3, 2), "stride": stride, "padding": padding, "dilation": dilation}
    columns = T.unfold(values(2, 3, 8, 7), **options)
    agree("unfold", values(2, 3, 8, 7), **options)
    agree("fold", columns, output_size=(8, 7), **options)
    agree("fold", columns[0], output_size=(8, 7), **options)


def test_integers_and_complex_numbers() -> None:
    x, w = torch.arange(24).reshape(1, 2, 3, 4), torch.arange(8).reshape(1, 2, 2, 2)
    mine = F.conv2d(candle.tensor(x.numpy()), candle.tensor(w.numpy()))
    assert mine.dtype is candle.int64
    np.testing.assert_array_equal(mine.numpy(), T.conv2d(x, w).numpy())


def test_strides_and_groups_of_a_batch_of_none() -> None:
    x, w = candle.ones(0, 4, 5, 5, requires_grad=True), candle.ones(6, 2, 3, 3, requires_grad=True)
    F.conv2d(x, w, groups=2, stride=2).sum().backward()
    assert tuple(x.grad.shape) == (0, 4, 5, 5)
    assert not w.grad.any()


# Layers

LAYERS = [f"{kind}{d}d" for kind in ("Conv", "ConvTranspose") for d in (1, 2, 3)]


@pytest.mark.parametrize("kind", LAYERS)
def test_pytorchs_own_samples(kind: str) -> None:
    assert run_database(kind, training=True) >= 2


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_padding_modes(dims: int, mode: str) -> None:
    for padding in (1, 2, "same", "valid"):
        ours, theirs = twins(f"Conv{dims}d", 2, 3, 3, padding=padding, padding_mode=mode)
        compare(ours, theirs, values(2, 2, *SIZES[dims]))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_output_size(dims: int) -> None:
    ours, theirs = twins(f"ConvTranspose{dims}d", 2, 3, 3, stride=2, padding=1)
    for more in (0, 1):
        size = tuple(2 * n - 1 + more for n in SIZES[dims])
        compare(ours, theirs, values(2, 2, *SIZES[dims]), output_size=size)
    with pytest.raises(ValueError, match="output_size must be"):
        ours(candle.ones(2, 2, *SIZES[dims], dtype=candle.float64), output_size=[99] * dims)


def residual_network(lib: Any) -> Any:
    layers = lib.nn.Sequential(
        lib.nn.Conv2d(3, 8, 3, padding=1, bias=False),
        lib.nn.BatchNorm2d(8),
        lib.nn.ReLU(),
        lib.nn.MaxPool2d(3, 2, 1),
        lib.nn.Conv2d(8, 8, 3, stride=2, groups=4),
        lib.nn.GroupNorm(2, 8),
        lib.nn.ConvTranspose2d(8, 4, 2, stride=2),
        lib.nn.Upsample(scale_factor=2),
        lib.nn.AdaptiveAvgPool2d(2),
        lib.nn.Flatten(),
        lib.nn.Linear(16, 5),
    )
    return layers.to(lib.float64)


@pytest.mark.parametrize("training", [True, False])
def test_a_network(training: bool) -> None:
    ours, theirs = residual_network(candle).train(training), residual_network(torch).train(training)
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({name: candle.tensor(x.numpy()) for name, x in theirs.state_dict().items()})
    compare(ours, theirs, values(4, 3, 12, 12))


@pytest.mark.parametrize("kind", LAYERS)
def test_first_values(kind: str) -> None:
    torch.manual_seed(0)
    candle.manual_seed(0)
    ours, theirs = getattr(nn, kind)(32, 512, 2), getattr(torch.nn, kind)(32, 512, 2)
    for mine, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert tuple(mine.shape) == tuple(expected.shape)
        assert abs(mine.abs().max().item() / expected.abs().max().item() - 1) < 0.02
        assert abs(mine.std().item() / expected.std().item() - 1) < 0.1
        assert abs(mine.mean().item()) < 0.1 * mine.abs().max().item()


# Mistakes


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: F.conv2d(candle.ones(2, 3), candle.ones(1, 3, 2, 2)),
            r"3 dims \(unbatched\) or 4, got shape \(2, 3\)",
        ),
        (lambda: F.conv2d(candle.ones(1, 3, 4, 4), candle.ones(3, 2, 2)), "a weight of 4 dims"),
        (lambda: F.conv2d(candle.ones(1, 3, 4, 4), candle.ones(2, 4, 2, 2)), "takes 4 channels, got an input of shape"),
        (lambda: F.conv2d(candle.ones(1, 4, 4, 4), candle.ones(3, 2, 2, 2), groups=2), "groups must divide the 3 rows"),
        (lambda: F.conv2d(candle.ones(1, 3, 2, 2), candle.ones(2, 3, 3, 3)), "does not fit an input of"),
        (lambda: F.conv2d(candle.ones(1, 3, 4, 4), candle.ones(2, 3, 2, 2), stride=0), "stride must be 1 at least"),
        (
            lambda: F.conv2d(candle.ones(1, 3, 4, 4), candle.ones(2, 3, 2, 2), candle.ones(3)),
            r"bias must have shape \(2,\)",
        ),
        (lambda: F.conv2d(candle.ones(1, 3, 4, 4), candle.ones(2, 3, 2, 2).double()), "one dtype"),
        (lambda: F.conv2d(candle.ones(1, 3, 4, 4), candle.ones(2, 3, 2, 2), stride=2, padding="same"), "for stride 1"),
        (
            lambda: F.conv_transpose1d(candle.ones(1, 2, 3), candle.ones(2, 1, 2), output_padding=1),
            "smaller than stride",
        ),
        (
            lambda: F.conv_transpose1d(candle.ones(1, 1, 1), candle.ones(1, 1, 2), padding=1),
            "padding .* leaves nothing of",
        ),
        (lambda: F.fold(candle.ones(1, 5, 4), (3, 3), 2), "got an input of shape"),
    ],
)
def test_what_is_wrong_is_said(call: Any, says: str) -> None:
    with pytest.raises(RuntimeError, match=says):
        call()


def test_arrays_are_no_tensors() -> None:
    for layer, shape in ((nn.Linear(4, 4), (2, 4)), (nn.Conv1d(4, 4, 2), (2, 4, 3)), (nn.MaxPool1d(2), (2, 4, 3))):
        with pytest.raises(TypeError, match=": input must be a Tensor, got ndarray; use candle.tensor"):
            layer(np.ones(shape, np.float32))


def test_layers_that_cannot_be() -> None:
    for kwargs, says in (
        ({"groups": 3}, "groups must divide"),
        ({"padding_mode": "mirror"}, "padding_mode must be one of"),
        ({"padding": "full"}, "padding must be 'valid', 'same' or numbers"),
        ({"padding": "same", "stride": 2}, "for stride 1"),
    ):
        with pytest.raises(ValueError, match=says):
            nn.Conv2d(4, 4, 3, **kwargs)


def test_autocast_takes_the_smaller_dtype() -> None:
    layer = nn.Conv2d(2, 3, 3)
    with candle.autocast("cpu", dtype=candle.float16):
        out = layer(layer.weight.detach().new_ones(1, 2, 5, 5))
        again = F.conv2d(out, candle.ones(1, 3, 1, 1))  # the input is of the smaller dtype, the weight is not
    assert out.dtype is again.dtype is candle.float16
