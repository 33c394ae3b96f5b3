"""What PyTorch has of `nn.functional` at the top as well, in the order of arguments that it has there."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

import candle

SETUP = """
x = lib.arange(24.0).reshape(2, 4, 3) / 7 - 1.3
image = lib.arange(64.0).reshape(1, 4, 4, 4) / 9 - 3
a, b = x[0] * 1.5, x[1] - 0.7
p, v = (b / 9 + 0.5).clamp(0.1, 0.9), lib.tensor([0.5, 1.5, 2.0, 0.25])
sign, y3 = lib.tensor([1.0, -1.0, 1.0, -1.0]), a * 0.5 - b
"""
CALLS = """
lib.conv1d(x, lib.ones(2, 4, 2), v[:2], 1, 1); lib.conv2d(image, lib.ones(2, 2, 2, 2), stride=2, groups=2); lib.conv3d(image[None], lib.ones(1, 1, 2, 2, 2))
lib.conv_transpose1d(x, lib.ones(4, 2, 2)); lib.conv_transpose2d(image, lib.ones(4, 2, 2, 2), None, 2, 1, 1); lib.conv_transpose3d(image[None], lib.ones(1, 1, 2, 2, 2))
lib.batch_norm(x, v, v + 1, v * 2, v + 0.5, False, 0.1, 1e-5, True); lib.batch_norm(x, weight=v, bias=None, running_mean=None, running_var=None, training=True, momentum=0.1, eps=1e-3, cudnn_enabled=False)
lib.instance_norm(x, v, v + 1, None, None, True, 0.1, 1e-5, True); lib.group_norm(x, 2, v, v + 1, 1e-3, True); lib.group_norm(x, 2)
lib.avg_pool1d(x, 2); lib.max_pool1d(x, 2, 1); lib.max_pool2d(image, 2); lib.max_pool3d(image[None], 2); lib.max_pool1d_with_indices(x, 2)
lib.adaptive_avg_pool1d(x, 2); lib.adaptive_max_pool1d(x, 2); lib.bilinear(a, b, lib.ones(2, 3, 3)); lib.cosine_similarity(a, b); lib.cosine_similarity(a, b, 0)
lib.pairwise_distance(a, b, 1.0); lib.pdist(a); lib.pixel_shuffle(image, 2); lib.pixel_unshuffle(image, 2); lib.channel_shuffle(image, 2); lib.prelu(x, v)
x.prelu(v); x.hardshrink(); x.hardshrink(1.0); lib.hardshrink(x, 0.3); lib.celu(x, 0.5); lib.selu(x); lib.threshold(x, 0.1, 9.0); lib.rrelu(x)
lib.celu_(a.clone()); lib.selu_(a.clone()); lib.threshold_(a.clone(), 0.1, 9.0); lib.rrelu_(a.clone()); lib.alpha_dropout(x, 0.5, False); lib.feature_alpha_dropout(x, p=0.5, train=False)
lib.kl_div(a, p); lib.kl_div(a, p, 2); lib.kl_div(a, p.log(), 0, log_target=True); lib.binary_cross_entropy_with_logits(a, p); lib.binary_cross_entropy_with_logits(a, p, p, None, 2)
lib.binary_cross_entropy_with_logits(a, p, pos_weight=v[:3], reduction=0); lib.hinge_embedding_loss(v, sign); lib.hinge_embedding_loss(v, sign, 2.0, 2); lib.cosine_embedding_loss(a, b, sign, 0.2, 2)
lib.cosine_embedding_loss(a, b, sign); lib.margin_ranking_loss(v, v + 0.1, sign, 0.2, 0); lib.margin_ranking_loss(v, v + 0.1, sign); lib.poisson_nll_loss(a, p, True, True, 1e-8, 2)
lib.triplet_margin_loss(a, b, y3); lib.triplet_margin_loss(a, b, y3, 2.0, 1.0, 1e-5, True, 0)
lib.ctc_loss(x.permute(2, 0, 1).log_softmax(-1), lib.tensor([[1, 2], [3, 1]]), [3, 3], [2, 1], 0, 2, True); lib.ctc_loss(x.permute(2, 0, 1).log_softmax(-1), lib.tensor([[1, 2], [3, 1]]), [3, 3], [2, 1])
""".replace("\n", ";").split(";")


@pytest.mark.parametrize("call", [each.strip() for each in CALLS if each.strip()])
def test_calls(call: str) -> None:
    found = []
    for lib in (torch, candle):
        names = {"lib": lib}
        exec(SETUP, names)
        result = eval(call, names)
        found.append([each.tolist() for each in (result if isinstance(result, tuple) else [result])])
    assert len(found[0]) == len(found[1])
    for theirs, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_without_candle_nn_its_names_say_what_to_install() -> None:
    code = "import sys; sys.modules['candle.nn'] = None; import candle\ntry: candle.conv2d\nexcept AttributeError as e: print(e)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "part of the distribution candle-nn, which is not installed" in found.stdout


def models(lib, copies=3):
    lib.manual_seed(0)
    return [lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.BatchNorm1d(3)) for _ in range(copies)]


def test_stacked_modules_answer_as_each_of_them() -> None:
    ensemble, x = [m.eval() for m in models(candle)], candle.rand(5, 2)
    parameters, buffers = candle.func.stack_module_state(ensemble)
    assert all(p.requires_grad and p.is_leaf for p in parameters.values())

    def call(parameters, buffers, x):
        return candle.func.functional_call(ensemble[0], (parameters, buffers), (x,))

    found = candle.vmap(call, in_dims=(0, 0, None))(parameters, buffers, x)
    candle.testing.assert_close(found, candle.stack([m(x) for m in ensemble]))


def test_stacked_modules_have_pytorch_s_names_and_shapes() -> None:
    found = []
    for lib in (torch, candle):
        states = lib.func.stack_module_state(models(lib))
        found.append([{name: (tuple(t.shape), t.requires_grad) for name, t in state.items()} for state in states])
    assert found[0] == found[1]


@pytest.mark.parametrize("wrong", ["none", "modes", "classes", "grad"])
def test_modules_that_do_not_stack(wrong: str) -> None:
    for lib in (torch, candle):
        some = [] if wrong == "none" else models(lib)
        if wrong == "modes":
            some[1].eval()
        elif wrong == "classes":
            some[1] = lib.nn.Linear(2, 3)
        elif wrong == "grad":
            some[1][0].weight.requires_grad_(False)
        with pytest.raises(RuntimeError):
            lib.func.stack_module_state(some)
