"""Dropout: what is dropped, how the rest grows, and that evaluation is the identity."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import candle
from candle import nn
from candle.nn import functional as F

LAYERS = "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout".split()
SHAPES = {"Dropout1d": (50, 20, 3), "Dropout2d": (50, 20, 3, 2), "Dropout3d": (50, 20, 3, 2, 2)}


def ones(layer: str) -> candle.Tensor:
    return candle.ones(*SHAPES.get(layer, (50, 20, 6)), dtype=candle.float64)


@pytest.mark.parametrize("name", LAYERS)
def test_evaluation_is_the_identity(name: str) -> None:
    x = ones(name)
    layer = getattr(nn, name)(0.4)
    assert not (layer(x) == x).all()
    assert layer.eval()(x) is x
    assert getattr(nn, name)(0.0)(x) is x
    assert repr(layer) == repr(getattr(torch.nn, name)(0.4))


@pytest.mark.parametrize("name", ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d"])
def test_what_is_kept_grows(name: str) -> None:
    candle.manual_seed(0)
    out = getattr(nn, name)(0.4)(ones(name))
    assert sorted(out.unique().tolist()) == pytest.approx([0, 1 / 0.6])
    assert float((out == 0).double().mean()) == pytest.approx(0.4, abs=0.06)


@pytest.mark.parametrize("name", ["Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"])
def test_channels_are_dropped_whole_and_each_by_itself(name: str) -> None:
    out = getattr(nn, name)(0.5)(ones(name)).flatten(2)
    assert (out == out[:, :, :1]).all()
    assert 0 < float((out[:, :, 0] == out[0, 0, 0]).double().mean()) < 1


@pytest.mark.parametrize(("name", "shape"), [("dropout1d", (40, 3)), ("dropout3d", (40, 3, 2, 2))])
def test_without_a_batch_the_first_dim_is_the_channels(name: str, shape: tuple[int, ...]) -> None:
    out = getattr(F, name)(candle.ones(*shape)).flatten(1)
    assert (out == out[:, :1]).all()
    assert len(out[:, 0].unique()) == 2


@pytest.mark.parametrize("name", ["AlphaDropout", "FeatureAlphaDropout"])
def test_alpha_dropout_keeps_mean_and_variance(name: str) -> None:
    candle.manual_seed(0)
    x = candle.randn(400, 300, 2, dtype=candle.float64)
    out = getattr(nn, name)(0.3)(x)
    assert float(out.mean()) == pytest.approx(0, abs=0.02)
    assert float(out.var()) == pytest.approx(1, abs=0.02)
    assert getattr(nn, name)(1.0)(x).abs().sum() == 0


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_is_that_of_what_was_kept(name: str) -> None:
    x = candle.rand(*ones(name).shape, dtype=candle.float64) + 1
    x.requires_grad_()
    out = getattr(nn, name)(0.5)(x)
    out.sum().backward()
    slopes = sorted(x.grad.unique().tolist())
    assert len(slopes) == 2
    assert slopes[0] == 0
    kept = x.grad != 0
    shift = 0 if "Alpha" not in name else float((out - slopes[1] * x)[kept].mean())
    np.testing.assert_allclose(
        out.detach().numpy()[kept.numpy()], (slopes[1] * x + shift).detach().numpy()[kept.numpy()]
    )


@pytest.mark.parametrize("name", LAYERS)
def test_in_place(name: str) -> None:
    x = ones(name)
    assert getattr(nn, name)(0.5, inplace=True)(x) is x
    assert len(x.unique()) == 2


@pytest.mark.parametrize("name", LAYERS)
def test_a_probability_lies_between_0_and_1(name: str) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        getattr(nn, name)(1.5)
    function = "feature_alpha_dropout" if name.startswith("Feature") else name.lower().replace("alpha", "alpha_")
    with pytest.raises(ValueError, match="between 0 and 1"):
        getattr(F, function)(ones(name), -0.1)


def test_everything_can_be_dropped() -> None:
    x = candle.ones(3, 4, 2, requires_grad=True)
    F.dropout1d(x, 1.0).sum().backward()
    assert x.grad.abs().sum() == 0
