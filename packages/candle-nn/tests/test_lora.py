"""LoRA against the sum that it stands for."""

from __future__ import annotations

import io
from typing import Any

import pytest

import candle
from candle import nn

from .attention_twins import assert_close, values


def made(**options: Any) -> tuple[Any, Any, Any]:
    layer = nn.LoRA(nn.Linear(6, 4).double(), rank=2, alpha=3, **options)
    with candle.no_grad():
        layer.lora_B.copy_(candle.tensor(values(4, 2).numpy()))
    whole = layer.base.weight.detach() + layer.lora_B @ layer.lora_A * 1.5
    return layer, whole, candle.tensor(values(5, 6).numpy())


def test_the_change_is_added() -> None:
    layer, whole, x = made()
    assert_close(layer(x), x @ whole.T + layer.base.bias)


def test_it_begins_as_the_layer_was() -> None:
    base = nn.Linear(6, 4)
    x = candle.randn(3, 6)
    before = base(x)
    assert (nn.LoRA(base)(x) == before).all()


def test_merging_and_back() -> None:
    layer, whole, x = made()
    before, weight = layer(x), layer.base.weight.detach().clone()
    layer.eval()
    layer.merge()
    layer.merge()  # once is enough
    assert_close(layer.base.weight, whole)
    assert_close(layer(x), before)
    layer.train().unmerge()
    layer.unmerge()
    assert_close(layer.base.weight, weight)
    assert_close(layer(x), before)


def test_a_merged_layer_is_saved_as_one() -> None:
    layer, _, x = made()
    before, fresh = layer(x), made()[0].eval()
    layer.merge()
    candle.save(layer.state_dict(), file := io.BytesIO())
    file.seek(0)
    fresh.load_state_dict(candle.load(file))
    assert_close(fresh(x), before)
    fresh.unmerge()
    assert_close(fresh(x), before)
    fresh.merge()
    fresh.load_state_dict(made()[0].state_dict())
    assert not fresh.merged


def test_in_an_attention_that_reads_its_weight() -> None:
    attention, x = nn.MultiheadAttention(6, 2).double(), candle.tensor(values(5, 6).numpy())
    before = attention(x, x, x)[0]
    attention.out_proj = nn.LoRA(attention.out_proj, rank=2)
    assert_close(attention(x, x, x)[0], before)
    candle.nn.init.normal_(attention.out_proj.lora_B)
    out = attention(x, x, x)[0]
    out.sum().backward()
    assert (out != before).all()
    assert (attention.out_proj.lora_A.grad != 0).all()
    attention.eval().out_proj.merge()
    assert_close(attention(x, x, x)[0], out)


def test_only_a_and_b_are_trained() -> None:
    layer, _, x = made()
    assert [name for name, p in layer.named_parameters() if p.requires_grad] == ["lora_A", "lora_B"]
    layer(x).square().sum().backward()
    assert layer.base.weight.grad is None
    assert layer.base.bias.grad is None
    assert (layer.lora_A.grad != 0).all()
    assert (layer.lora_B.grad != 0).all()
    names = ["lora_A", "lora_B", "_extra_state", "base.weight", "base.bias"]
    assert list(layer.state_dict()) == names


def test_in_a_model() -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 4)).requires_grad_(False)
    model[2] = nn.LoRA(model[2], rank=2)
    model(candle.randn(3, 6)).sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is not None] == ["2.lora_A", "2.lora_B"]


def test_dropout_is_of_the_change_only() -> None:
    layer, _, x = made(dropout=0.9)
    assert (layer(x) != layer(x)).any()
    layer.eval()
    assert (layer(x) == layer(x)).all()


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: nn.LoRA(nn.ReLU()), TypeError, "expected a Linear to adapt, got ReLU"),
        (lambda: nn.LoRA(nn.Linear(2, 2), rank=0), ValueError, "rank must be positive"),
        (lambda: nn.LoRA(nn.Linear(2, 2), dropout=1.0), ValueError, "dropout"),
        (lambda: merged()(candle.ones(1, 6).double()), RuntimeError, r"unmerge\(\) to train"),
    ],
)
def test_mistakes(call: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        call()


def merged() -> Any:
    layer = made()[0]
    layer.merge()
    return layer
