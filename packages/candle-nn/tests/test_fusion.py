"""Layers with a batch norm in them: what they give, beside the two and beside torch's."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import candle
from candle.nn import utils

from .twins import agree, normal, twin

PAIRS = {
    "conv": ("Conv2d", (3, 4, 3), "BatchNorm2d", (2, 3, 6, 6)),
    "conv of groups, no bias": ("Conv1d", (4, 4, 3, 1, 0, 1, 2, False), "BatchNorm1d", (2, 4, 6)),
    "transposed": ("ConvTranspose2d", (3, 4, 3), "BatchNorm2d", (2, 3, 6, 6)),
    "linear": ("Linear", (3, 4), "BatchNorm1d", (5, 3)),
    "linear, no bias": ("Linear", (3, 4, False), "BatchNorm1d", (5, 3)),
}


def statistics(norm: Any) -> None:
    for i, tensor in enumerate((norm.running_mean, norm.running_var, norm.weight, norm.bias)):
        if tensor is not None:
            tensor.data = torch.tensor(normal(4, seed=i)).abs() + 0.1


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("name", PAIRS)
def test_fused(name: str, affine: bool) -> None:
    kind, options, norm_kind, shape = PAIRS[name]
    layers = [getattr(lib.nn, kind)(*options).eval() for lib in (torch, candle)]
    norms = [getattr(lib.nn, norm_kind)(4, affine=affine).eval() for lib in (torch, candle)]
    statistics(norms[0])
    layers, norms, x = twin(*layers), twin(*norms), normal(*shape)
    fused = []
    for module, layer, norm in zip((torch.nn.utils.fusion, utils), layers, norms):
        if kind != "Linear":
            fused.append(module.fuse_conv_bn_eval(layer, norm, kind.startswith("ConvT")))
        elif affine or module is utils:  # PyTorch needs a weight here
            fused.append(module.fuse_linear_bn_eval(layer, norm))
    agree(norms[0](layers[0](torch.tensor(x))), fused[-1](candle.tensor(x)))
    for name, parameter in fused[0].named_parameters():
        mine = fused[-1].get_parameter(name)
        agree(parameter, mine, name)
        assert mine.requires_grad is parameter.requires_grad
    assert layers[1].weight is not fused[-1].weight


def test_mistakes() -> None:
    conv, norm = candle.nn.Conv1d(1, 2, 1), candle.nn.BatchNorm1d(2)
    with pytest.raises(RuntimeError, match=r"call .eval\(\) on both layers first"):
        utils.fuse_conv_bn_eval(conv.eval(), norm)
    with pytest.raises(RuntimeError, match="has no running statistics"):
        utils.fuse_conv_bn_eval(conv, candle.nn.BatchNorm1d(2, track_running_stats=False).eval())
    with pytest.raises(ValueError, match="3 out_features do not fit a batch norm of 2"):
        utils.fuse_linear_bn_eval(candle.nn.Linear(1, 3).eval(), norm.eval())
