"""Interpolation, sampling, shuffles and padding against PyTorch's: values, gradients, layers."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle import nn

from .attention_twins import compare, run_database, twins, values
from .test_convolution import agree

F, T = nn.functional, torch.nn.functional
SIZES = {1: (5,), 2: (4, 5), 3: (3, 4, 5)}
MODES = [
    *product(("nearest", "nearest-exact", "area"), (1, 2, 3), (None,)),
    *(
        (mode, d, a)
        for (mode, d), a in product((("linear", 1), ("bilinear", 2), ("bicubic", 2), ("trilinear", 3)), (True, False))
    ),
]


@pytest.mark.parametrize(("mode", "dims", "align"), MODES)
def test_interpolate(mode: str, dims: int, align: bool | None) -> None:
    x = values(2, 3, *SIZES[dims])
    options = {"mode": mode, "align_corners": align}
    for size in (1, 2, 3, 5, 8, 11):
        agree("interpolate", x, size=size, **options)
    for factor in (0.5, 0.7, 1, 1.0, 1.3, 2, 2.0, 2.3, 2.5, 3):
        if mode == "nearest" and dims != 2 and factor in (1.3, 2.3):
            continue  # where PyTorch's gradient is not that of its values
        agree("interpolate", x, scale_factor=factor, **options)
        agree("interpolate", x, scale_factor=factor, recompute_scale_factor=True, **options)
    agree("interpolate", x, size=tuple(range(3, 3 + dims)), **options)


@pytest.mark.parametrize("mode", ["nearest", "linear", "area"])
def test_the_same_size_has_memory_of_its_own(mode: str) -> None:
    x = candle.ones(1, 1, 3)
    F.interpolate(x, size=3, mode=mode).zero_()
    assert x.all()


def test_interpolation_that_is_refused() -> None:
    x = candle.ones(1, 1, 4, 4)
    with pytest.raises(NotImplementedError, match="antialias=True"):
        F.interpolate(x, 2, mode="bilinear", antialias=True)
    for kwargs, says in (
        ({}, "give either size or scale_factor"),
        ({"size": 2, "scale_factor": 2}, "give either size or scale_factor"),
        ({"size": 2, "align_corners": True}, "align_corners is for modes"),
        ({"size": (2, 2, 2)}, "expected 2 numbers"),
    ):
        with pytest.raises(ValueError, match=says):
            F.interpolate(x, **kwargs)
    with pytest.raises(NotImplementedError, match="mode 'linear' is for 3 dims"):
        F.interpolate(x, 2, mode="linear")


def test_older_names_warn() -> None:
    x = values(1, 2, 4, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("upsample", "upsample_nearest", "upsample_bilinear"):
            agree(name, x, scale_factor=2)
    with pytest.warns(DeprecationWarning, match="use interpolate"):
        F.upsample(candle.ones(1, 1, 2), 4)


PLACES = list(product(("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (True, False)))


@pytest.mark.parametrize(("mode", "padding_mode", "align"), PLACES)
def test_grid_sample(mode: str, padding_mode: str, align: bool) -> None:
    options = {"mode": mode, "padding_mode": padding_mode, "align_corners": align}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x, grid = values(2, 3, 5, 4), values(2, 6, 7, 2) * 1.5
        first_gradients("grid_sample", x, grid, **options)
        if mode != "bicubic":
            first_gradients("grid_sample", values(2, 3, 3, 5, 4), values(2, 2, 3, 4, 3) * 1.5, **options)


def test_grid_sample_of_no_images() -> None:
    out = F.grid_sample(candle.ones(0, 3, 5, 4), candle.ones(0, 2, 6, 2), align_corners=False)
    assert out.shape == T.grid_sample(torch.ones(0, 3, 5, 4), torch.ones(0, 2, 6, 2), align_corners=False).shape


def first_gradients(name: str, *tensors: torch.Tensor, **options: Any) -> None:
    results = []
    for lib, functions in ((candle, F), (torch, T)):
        given = [lib.tensor(x.numpy().copy(), requires_grad=True) for x in tensors]
        out = getattr(functions, name)(*given, **options)
        (out * out.sin()).sum().backward()
        results.append([out.detach(), *(x.grad for x in given)])
    for mine, theirs in zip(*results, strict=True):
        mine = torch.zeros_like(theirs) if mine is None else mine
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), 1e-9, 1e-10)


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_grids_of_whole_pixels_borders_and_nan(padding_mode: str) -> None:
    x = values(1, 2, 3, 3)
    grid = torch.tensor([-1.0, 0.0, 1.0, -2.0, 3.0, 0.5, torch.nan]).double()
    grid = torch.stack(torch.meshgrid(grid, grid, indexing="ij"), -1)[None]
    for mode, align in product(("bilinear", "nearest"), (True, False)):
        options = {"mode": mode, "padding_mode": padding_mode, "align_corners": align}
        mine = F.grid_sample(candle.tensor(x.numpy()), candle.tensor(grid.numpy()), **options)
        theirs = T.grid_sample(x, grid, **options)
        whole = ~torch.isnan(grid).any(-1)[0]
        np.testing.assert_allclose(mine.numpy()[:, :, whole], theirs.numpy()[:, :, whole], 1e-12, 1e-12)


def test_affine_grid() -> None:
    for align in (True, False):
        agree("affine_grid", values(2, 2, 3), size=(2, 3, 4, 5), align_corners=align)
        agree("affine_grid", values(2, 3, 4), size=(2, 3, 4, 1, 6), align_corners=align)


def test_shuffles() -> None:
    agree("pixel_shuffle", values(2, 3, 8, 2, 3), upscale_factor=2)
    agree("pixel_unshuffle", values(2, 3, 4, 6), downscale_factor=2)
    agree("channel_shuffle", values(2, 6, 3, 4), groups=3)
    compare(*twins("PixelShuffle", 2), values(1, 4, 2, 3))
    compare(*twins("PixelUnshuffle", 2), values(1, 4, 2, 4))
    compare(*twins("ChannelShuffle", 2), values(1, 4, 2, 3))
    with pytest.raises(RuntimeError, match="3 channels do not divide"):
        F.pixel_shuffle(candle.ones(3, 2, 2), 2)
    with pytest.raises(RuntimeError, match=r"an image of \(3, 4\) does not divide"):
        F.pixel_unshuffle(candle.ones(1, 3, 4), 2)
    with pytest.raises(RuntimeError, match="groups must divide the 3 channels"):
        F.channel_shuffle(candle.ones(1, 3, 2), 2)


PADS = [f"{kind}Pad{d}d" for kind in ("Constant", "Zero", "Reflection", "Replication", "Circular") for d in (1, 2, 3)]


@pytest.mark.parametrize("kind", PADS)
def test_padding_layers(kind: str) -> None:
    assert run_database(kind, training=True) >= 1
    dims = int(kind[-2])
    value = (1.5,) if kind.startswith("Constant") else ()
    mixed = tuple(range(1, 2 * dims + 1))[::-1] if dims < 3 else (2, 1, 0, 2, 1, 1)
    for padding in (1, mixed, *(each * dims for each in ((1, -1), (3, -2), (-1, 4)))):  # of 5 elements at least
        compare(*twins(kind, padding, *value), values(2, 3, *(n + 2 for n in SIZES[dims])))


def test_other_layers() -> None:
    x = values(2, 3, 4, 6)
    compare(*twins("Upsample", scale_factor=(2, 1.5), mode="bilinear"), x)
    compare(*twins("Upsample", size=(3, 3)), x)
    compare(*twins("UpsamplingNearest2d", scale_factor=2), x)
    compare(*twins("UpsamplingBilinear2d", size=(5, 7)), x)
    compare(*twins("Flatten"), x)
    compare(*twins("Flatten", 0, 2), x)
    compare(*twins("Unflatten", 1, (3, 1)), x)
    compare(*twins("Unfold", (2, 3), padding=1), x)
    compare(*twins("Fold", (4, 6), (2, 3), stride=1), T.unfold(x, (2, 3)))
