"""The transformer's layers against PyTorch's, with the same weights."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import pytest
import torch

import candle
from candle import nn

from .attention_twins import assert_close, compare, run_database, twins, values

N, S, L, E = 3, 5, 4, 6
KINDS = ["TransformerEncoderLayer", "TransformerEncoder", "TransformerDecoderLayer", "Transformer"]


@pytest.mark.parametrize(("kind", "training"), list(itertools.product(KINDS, [True, False])))
def test_pytorchs_own_samples(kind: str, training: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert run_database(kind, training) >= 35


@pytest.mark.parametrize(
    ("norm_first", "batch_first", "activation", "training"),
    list(itertools.product([True, False], [True, False], ["relu", "gelu", torch.tanh], [True, False])),
)
def test_the_whole_model(norm_first: bool, batch_first: bool, activation: Any, training: bool) -> None:
    options = {"norm_first": norm_first, "batch_first": batch_first, "activation": activation, "layer_norm_eps": 1e-3}
    ours, theirs = twins("Transformer", E, 2, 2, 2, 8, 0.0, training=training, **options)
    src, tgt = values(S, N, E), values(L, N, E)
    if batch_first:
        src, tgt = src.transpose(0, 1), tgt.transpose(0, 1)
    compare(ours, theirs, src, tgt)
    causal = torch.nn.Transformer.generate_square_subsequent_mask(L, dtype=torch.float64)
    padding = torch.zeros(N, S).bool()
    padding[0, 3:] = True
    padding = torch.zeros(N, S).double().masked_fill(padding, -math.inf)
    memory_mask = values(L, S)
    compare(ours, theirs, src, tgt, tgt_mask=causal, src_key_padding_mask=padding, memory_key_padding_mask=padding)
    compare(ours, theirs, src, tgt, tgt_mask=causal, memory_mask=memory_mask, tgt_is_causal=True)
    compare(ours, theirs, src, tgt, src_mask=values(S, S).abs(), tgt_mask=causal == -math.inf)


@pytest.mark.parametrize("norm", [True, False])
def test_decoder(norm: bool) -> None:
    layers = torch.nn.TransformerDecoderLayer(E, 2, 8, 0.0), nn.TransformerDecoderLayer(E, 2, 8, 0.0)
    theirs = torch.nn.TransformerDecoder(layers[0], 2, torch.nn.LayerNorm(E) if norm else None).double()
    ours = nn.TransformerDecoder(layers[1], 2, nn.LayerNorm(E) if norm else None).double()
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({name: candle.tensor(x.numpy()) for name, x in theirs.state_dict().items()})
    causal = torch.ones(L, L).triu(1).bool()
    compare(ours, theirs, values(L, N, E), values(S, N, E), tgt_mask=causal)


def test_the_mask_of_the_past() -> None:
    mine, theirs = (lib.nn.Transformer.generate_square_subsequent_mask(4) for lib in (candle, torch))
    assert_close(mine, theirs)
    assert nn.Transformer.generate_square_subsequent_mask(2, dtype=candle.float64).dtype is candle.float64


def test_the_future_does_not_reach_the_past() -> None:
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(E, 2, 8, 0.0, batch_first=True), 2).double()
    x = candle.tensor(values(1, L, E).numpy(), requires_grad=True)
    model(x, mask=nn.Transformer.generate_square_subsequent_mask(L))[0, 1, 0].backward()
    assert (x.grad[0, :2] != 0).all()
    assert (x.grad[0, 2:] == 0).all()


def test_activations_that_are_layers_are_shown() -> None:
    ours, theirs = (lib.nn.TransformerEncoderLayer(E, 2, 8, activation=lib.nn.GELU()) for lib in (candle, torch))
    assert repr(ours) == repr(theirs)


def test_dropout_is_off_in_eval() -> None:
    model = nn.Transformer(E, 2, 1, 1, 8, dropout=0.5)
    src, tgt = candle.randn(S, N, E), candle.randn(L, N, E)
    assert (model(src, tgt) != model(src, tgt)).any()
    assert (model.eval()(src, tgt) == model(src, tgt)).all()


def test_copies_of_a_layer_are_their_own() -> None:
    layer = nn.TransformerEncoderLayer(E, 2, 8)
    model = nn.TransformerEncoder(layer, 2)
    candle.nn.init.zeros_(layer.linear1.weight)
    assert all((each.linear1.weight != 0).any() for each in model.layers)
    assert len(list(model.parameters())) == 2 * len(list(layer.parameters()))


def test_other_encoders() -> None:
    class Same(nn.Module):
        def forward(self, src: Any, **masks: Any) -> Any:
            return src

    model = nn.Transformer(E, 2, 1, 1, 8, custom_encoder=Same())
    assert [name for name, _ in model.encoder.named_parameters()] == []
    assert tuple(model(candle.zeros(S, N, E), candle.zeros(L, N, E)).shape) == (L, N, E)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: nn.TransformerEncoderLayer(4, 2, activation="tanh"), "'relu', 'gelu' or a function, got 'tanh'"),
        (lambda: model()(candle.zeros(S, 2, E), candle.zeros(L, N, E)), r"src \(5, 2, 6\), tgt \(4, 3, 6\): the batch"),
        (lambda: model()(candle.zeros(S, N, 5), candle.zeros(L, N, 5)), "expected 6 features, d_model"),
    ],
)
def test_mistakes(call: Any, says: str) -> None:
    with pytest.raises(RuntimeError, match=says):
        call()


def model() -> Any:
    return nn.Transformer(E, 2, 1, 1, 8)
