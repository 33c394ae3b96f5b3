"""Under autocast: which dtype layers and losses give, beside torch's on a CPU."""

from __future__ import annotations

import warnings

import pytest
import torch

import candle
from candle.nn import functional as F

LAYERS = {
    "nn.Linear(4, 4)": (2, 4),
    "nn.PReLU()": (2, 4),
    "nn.RReLU()": (2, 4),
    "nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))": (3, 4),
    "nn.Sequential(nn.Conv1d(4, 4, 1), nn.BatchNorm1d(4))": (2, 4, 6),
    "nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2))": (2, 4, 6, 6),
    "nn.Sequential(nn.Conv2d(4, 4, 1), nn.AdaptiveAvgPool2d(2), nn.PReLU())": (2, 4, 6, 6),
    "nn.RNN(4, 3)": (5, 2, 4),
    "nn.RNNCell(4, 3)": (2, 4),
    "nn.LSTM(4, 3)": (5, 2, 4),
    "nn.LSTM(4, 3, 2, bidirectional=True, proj_size=2)": (5, 2, 4),
    "nn.LSTMCell(4, 3)": (2, 4),
    "nn.GRU(4, 3)": (5, 2, 4),
    "nn.GRU(4, 3, 2, bidirectional=True)": (5, 2, 4),
    "nn.GRUCell(4, 3)": (2, 4),
    "nn.LayerNorm(4)": (2, 4),
    "nn.RMSNorm(4)": (2, 4),
    "nn.GroupNorm(2, 4)": (2, 4, 6),
    "nn.InstanceNorm1d(4, affine=True)": (2, 4, 6),
    "nn.Softmax(-1)": (2, 4),
    "nn.LogSoftmax(-1)": (2, 4),
    "nn.TransformerEncoderLayer(4, 2, 8)": (5, 2, 4),
}


@pytest.mark.filterwarnings("ignore:RNN:UserWarning", "ignore:LSTM:UserWarning")
@pytest.mark.parametrize("given_in", ["float32", "bfloat16"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("made", LAYERS)
def test_layers(made: str, training: bool, given_in: str) -> None:
    given = []
    for lib in (torch, candle):
        layer = eval(made, {"nn": lib.nn}).train(training)
        with lib.autocast("cpu", dtype=lib.bfloat16):
            out = layer(lib.ones(*LAYERS[made], dtype=getattr(lib, given_in)))
        out = out[0] if isinstance(out, tuple) else out
        given.append(str(out.dtype).split(".")[1])
        if out.requires_grad:
            out.float().sum().backward()
        assert all(p.grad.dtype is p.dtype for p in layer.parameters())
    assert given[0] == given[1]


def test_the_state_of_an_lstm_cell_is_not_rounded() -> None:
    for lib in (torch, candle):
        cell, x = lib.nn.LSTMCell(3, 4), lib.arange(6.0).reshape(2, 3)
        with lib.autocast("cpu", dtype=lib.bfloat16):
            _, c = cell(x, cell(x))
        assert (c != c.bfloat16().float()).any()


LOSSES = """
    l1_loss mse_loss smooth_l1_loss huber_loss kl_div poisson_nll_loss gaussian_nll_loss soft_margin_loss
    hinge_embedding_loss margin_ranking_loss multilabel_soft_margin_loss triplet_margin_loss cosine_embedding_loss
    multi_margin_loss multilabel_margin_loss nll_loss cross_entropy binary_cross_entropy_with_logits
    binary_cross_entropy
""".split()


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str) -> None:
    dtypes = []
    for lib, functions in ((torch, torch.nn.functional), (candle, F)):
        x = lib.full((3, 3), 0.5, dtype=lib.bfloat16)
        classes, labels = lib.tensor([0, 1, 2]), lib.tensor([[0, 1, -1]] * 3)
        more = {
            "gaussian_nll_loss": (x, x),
            "margin_ranking_loss": (x, x),
            "triplet_margin_loss": (x, x),
            "cosine_embedding_loss": (x, x[0]),
            "multilabel_margin_loss": (labels,),
            **dict.fromkeys(("multi_margin_loss", "nll_loss", "cross_entropy"), (classes,)),
        }
        with lib.autocast("cpu", dtype=lib.bfloat16), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # kl_div's, of its mean
            dtypes += [str(getattr(functions, name)(x, *more.get(name, (x,)), reduction=way).dtype) for way in WAYS]
    assert [each.removeprefix("torch.") for each in dtypes[:2]] == [each.removeprefix("candle.") for each in dtypes[2:]]


WAYS = ("mean", "none")
