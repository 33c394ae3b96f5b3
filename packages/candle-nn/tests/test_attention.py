"""MultiheadAttention and its function against PyTorch's."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import pytest
import torch

import candle
from candle import nn
from candle.nn.attention import SDPBackend, sdpa_kernel

from .attention_twins import assert_close, compare, run_database, to_candle, twins, values

N, L, S, E, H = 3, 4, 5, 6, 2


@pytest.mark.parametrize("training", [True, False])
def test_pytorchs_own_samples(training: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert run_database("MultiheadAttention", training) >= 64


def inputs(batch_first: bool, batched: bool, features: tuple[int, int, int]) -> list[torch.Tensor]:
    shapes = [(length, N, e) if batched else (length, e) for length, e in zip((L, S, S), features)]
    given = [values(*shape) for shape in shapes]
    return [x.transpose(0, 1) for x in given] if batch_first and batched else given


@pytest.mark.parametrize(
    ("bias", "extra", "zero", "other_dims", "batch_first", "batched"), list(itertools.product([True, False], repeat=6))
)
def test_options(bias: bool, extra: bool, zero: bool, other_dims: bool, batch_first: bool, batched: bool) -> None:
    dims = {"kdim": 3, "vdim": 4} if other_dims else {}
    ours, theirs = twins(
        *("MultiheadAttention", E, H), bias=bias, add_bias_kv=extra, add_zero_attn=zero, batch_first=batch_first, **dims
    )
    given = inputs(batch_first, batched, (E, dims.get("kdim", E), dims.get("vdim", E)))
    compare(ours, theirs, *given)
    compare(ours, theirs, *given, need_weights=False)
    compare(ours, theirs, *given, average_attn_weights=False)


def masks(batched: bool, kind: str) -> list[dict[str, Any]]:
    padding = torch.zeros(N, S, dtype=torch.bool) if batched else torch.zeros(S, dtype=torch.bool)
    padding[..., -1] = True
    padding.view(-1)[1] = True
    flat = torch.ones(L, S).triu(2).bool()
    full = values(N * H if batched else H, L, S) > 1.2
    if kind == "float":
        flat, full = values(L, S), values(N * H if batched else H, L, S)
        padding = torch.zeros(padding.shape).masked_fill(padding, -math.inf).double()
    return [
        {"key_padding_mask": padding},
        {"attn_mask": flat},
        {"attn_mask": full},
        {"key_padding_mask": padding, "attn_mask": flat},
        {"key_padding_mask": padding, "attn_mask": full},
    ]


@pytest.mark.parametrize(
    ("batched", "kind", "weights", "extra"),
    list(itertools.product([True, False], ["bool", "float"], [True, False], [True, False])),
)
def test_masks(batched: bool, kind: str, weights: bool, extra: bool) -> None:
    ours, theirs = twins("MultiheadAttention", E, H, batch_first=True, add_bias_kv=extra, add_zero_attn=extra)
    for given in masks(batched, kind):
        compare(ours, theirs, *inputs(True, batched, (E, E, E)), need_weights=weights, **given)


@pytest.mark.parametrize("batch_first", [True, False])
def test_the_causal_hint(batch_first: bool) -> None:
    ours, theirs = twins("MultiheadAttention", E, H, batch_first=batch_first)
    x = values(N, L, E)
    mask = torch.ones(L, L).triu(1).bool() if batch_first else torch.full((N, N), -math.inf).double().triu(1)
    for weights in (True, False):
        compare(ours, theirs, x, x, x, attn_mask=mask, is_causal=True, need_weights=weights)
    y = values(N, L, E) * 2
    compare(ours, theirs, x, y, y, need_weights=False)


@pytest.mark.parametrize("option", ["add_bias_kv", "add_zero_attn"])
def test_the_causal_hint_does_not_hide_what_is_added(option: str) -> None:
    """In PyTorch it does, if no weights are asked for: the hint changes the result."""
    layer = nn.MultiheadAttention(E, H, **{option: True}).double()
    x = candle.tensor(values(L, N, E).numpy())
    mask = nn.Transformer.generate_square_subsequent_mask(L)
    told, untold = (layer(x, x, x, attn_mask=mask, is_causal=hint, need_weights=False)[0] for hint in (True, False))
    assert_close(told, untold)


def test_a_learned_mask_gets_a_gradient() -> None:
    ours, theirs = twins("MultiheadAttention", E, H)
    grads = []
    for lib, layer in ((candle, ours), (torch, theirs)):
        x = lib.tensor(values(L, N, E).numpy())
        mask = lib.tensor(values(L, L).numpy(), requires_grad=True)
        layer(x, x, x, attn_mask=mask, need_weights=False)[0].square().sum().backward()
        grads.append(mask.grad)
    assert_close(*grads)


def test_a_query_with_nothing_to_look_at_gets_zeros_and_no_nan() -> None:
    layer = nn.MultiheadAttention(E, H, bias=False, batch_first=True).double()
    x = candle.tensor(values(N, L, E).numpy(), requires_grad=True)
    padding = candle.zeros(N, L, dtype=candle.bool)
    padding[1] = True
    for need_weights in (True, False):
        x.grad = None
        out, weights = layer(x, x, x, key_padding_mask=padding, need_weights=need_weights)
        out.sum().backward()
        assert (out[1] == 0).all()
        assert (out[0] != 0).all()
        assert x.grad.isfinite().all()
        assert weights is None or (weights[1] == 0).all()


def test_dropout_in_training_only() -> None:
    candle.manual_seed(0)
    layer = nn.MultiheadAttention(E, H, dropout=0.5)
    x = candle.randn(40, 2, E)
    for need_weights in (True, False):
        assert (layer.train()(x, x, x, need_weights=need_weights)[0] != layer(x, x, x)[0]).any()
        assert_close(layer.eval()(x, x, x, need_weights=need_weights)[0].double() * 0, layer(x, x, x)[0].double() * 0)
    weights = layer.train()(x, x, x, average_attn_weights=False)[1]
    assert 0.4 < (weights == 0).double().mean().item() < 0.6
    assert 0.9 < weights.sum(-1).mean().item() < 1.1


def test_static_keys_and_values() -> None:
    fixed = values(N * H, S, E // H), values(N * H, S, E // H) * 2
    weight, bias, out_weight = values(3 * E, E), values(3 * E), values(E, E)
    query, key = values(L, N, E), values(S, N, E)
    results = []
    for F, convert in ((nn.functional, to_candle), (torch.nn.functional, lambda x: x)):
        given = (query, key, key, E, H, weight, bias, None, None, False, 0.0, out_weight, None)
        results.append(
            F.multi_head_attention_forward(*map(convert, given), static_k=convert(fixed[0]), static_v=convert(fixed[1]))
        )
    for mine, theirs in zip(*results):
        assert_close(mine, theirs)


def test_first_values_are_drawn_as_in_pytorch() -> None:
    layer = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    theirs = torch.nn.MultiheadAttention(64, 4, add_bias_kv=True)
    for (name, mine), (_, other) in zip(layer.named_parameters(), theirs.named_parameters(), strict=True):
        assert mine.abs().max().item() == pytest.approx(other.abs().max().item(), rel=0.5), name
        assert mine.std().item() == pytest.approx(other.std().item(), rel=0.3, abs=1e-9), name


def test_second_derivatives_and_vmap() -> None:
    layer = nn.MultiheadAttention(4, 2, batch_first=True).double()
    x = candle.tensor(values(2, 3, 4).numpy(), requires_grad=True)
    for need_weights in (True, False):

        def run(x: Any, need_weights: bool = need_weights) -> Any:
            return layer(x, x, x, need_weights=need_weights)[0]

        assert candle.autograd.gradcheck(run, (x,))
        assert candle.autograd.gradgradcheck(run, (x,))
        assert_close(candle.func.vmap(run)(x), run(x))


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: nn.MultiheadAttention(6, 4), ValueError, "embed_dim=6 and num_heads=4"),
        (lambda: nn.MultiheadAttention(0, 1), ValueError, "must be positive"),
        (lambda: attend(e=5), RuntimeError, r"expected query, key and value of \(6, 6, 6\) features, got \(5, 5, 5\)"),
        (lambda: attend(key_padding_mask=candle.zeros(S, N).bool()), RuntimeError, r"shape \(5, 3\) must be \(3, 5\)"),
        (lambda: attend(attn_mask=candle.zeros(S, L)), RuntimeError, r"must be \(4, 5\) or \(6, 4, 5\)"),
        (lambda: attend(attn_mask=candle.zeros(L, S, dtype=candle.int64)), RuntimeError, "bool .* or floating-point"),
        (lambda: attend(is_causal=True), RuntimeError, "is_causal only tells what attn_mask is"),
        (lambda: attend(values=S + 1), RuntimeError, "as many keys as values"),
        (lambda: attend(n=2), RuntimeError, r"the batches \(dim 1, batch_first=False\) differ"),
    ],
)
def test_mistakes(call: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        call()


def attend(e: int = E, values: int = S, n: int = N, **kwargs: Any) -> Any:
    key = candle.zeros(S, n, e)
    value = candle.zeros(values, n, e)
    return nn.MultiheadAttention(E, H)(candle.zeros(L, N, e), key, value, **kwargs)


def test_masks_of_two_kinds_warn() -> None:
    with pytest.warns(UserWarning, match="make them alike"):
        attend(key_padding_mask=candle.zeros(N, S).bool(), attn_mask=candle.zeros(L, S))


def test_the_choice_of_an_implementation_changes_nothing() -> None:
    assert [(b.name, b.value) for b in SDPBackend] == [
        (name, int(b)) for name, b in torch.nn.attention.SDPBackend.__members__.items()
    ]
    q = to_candle(values(1, 2, 3, 4))
    plain = nn.functional.scaled_dot_product_attention(q, q, q)
    for given in (SDPBackend.MATH, [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):
        with sdpa_kernel(given, set_priority=True):
            assert candle.equal(nn.functional.scaled_dot_product_attention(q, q, q), plain)
    with pytest.raises(TypeError, match="'math'"), sdpa_kernel("math"):
        pass
