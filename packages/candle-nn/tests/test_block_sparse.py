"""Attention by blocks against dense attention with the same mask."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import candle
from candle import nn

from .attention_twins import assert_close, values

F = nn.functional
N, H, L, S, E = 2, 3, 8, 12, 4


def dense(blocks: Any, length: int, size: int, causal: bool) -> Any:
    """The mask of all positions."""
    mask = blocks.repeat_interleave(length // blocks.shape[-2], -2).repeat_interleave(size // blocks.shape[-1], -1)
    return mask & candle.ones(length, size, dtype=candle.bool).tril() if causal else mask


@pytest.mark.parametrize(
    ("per_head", "causal", "density"), list(itertools.product([True, False], [True, False], [0.0, 0.4, 1.0]))
)
def test_against_dense_attention(per_head: bool, causal: bool, density: float) -> None:
    candle.manual_seed(1)
    blocks = candle.rand(*([H] if per_head else []), 4, 3) < density
    q, k, v = (candle.tensor(values(N, H, n, e).numpy() * 3, requires_grad=True) for n, e in ((L, E), (S, E), (S, 5)))
    out = F.block_sparse_attention(q, k, v, blocks, causal)
    expected = F.scaled_dot_product_attention(q, k, v, dense(blocks, L, S, causal))
    assert_close(out, expected)
    mine, theirs = (candle.autograd.grad((x * x.cos()).sum(), (q, k, v)) for x in (out, expected))
    for a, b in zip(mine, theirs):
        assert_close(a, b)


def test_large_scores_and_other_scales() -> None:
    q, k = (candle.tensor(values(n, E).numpy()) * 1000 for n in (L, S))
    blocks = candle.ones(2, 3, dtype=candle.bool).triu()
    out = F.block_sparse_attention(q, k, k, blocks, scale=0.5)
    assert_close(out, F.scaled_dot_product_attention(q, k, k, dense(blocks, L, S, False), scale=0.5))


def test_only_the_blocks_that_are_on_are_computed() -> None:
    """The largest array of scores that is kept: of 16 blocks in place of 256."""
    size, n = 16, 16
    x = candle.randn(n * size, E, requires_grad=True)
    out = F.block_sparse_attention(x, x, x, candle.eye(n, dtype=candle.bool))
    shapes, stack, seen = [], [out.grad_fn], set()
    while stack:
        node = stack.pop()
        if node is not None and hasattr(node, "shapes") and node not in seen:
            seen.add(node)
            shapes += node.shapes
            stack += [edge[0] for edge in node.next_functions]
    largest = max(candle.zeros(shape).numel() for shape in shapes)
    assert largest == n * size * size


def test_derivatives_against_differences() -> None:
    blocks = candle.tensor([[True, False], [True, True]])
    x = candle.tensor(values(4, 2).numpy(), requires_grad=True)

    def run(x: Any) -> Any:
        return F.block_sparse_attention(x, x * 2, x, blocks, is_causal=True)

    assert candle.autograd.gradcheck(run, (x,))
    assert candle.autograd.gradgradcheck(run, (x,))


@pytest.mark.parametrize(("bias", "causal"), list(itertools.product([True, False], [True, False])))
def test_the_layer_is_multi_head_attention_with_a_mask(bias: bool, causal: bool) -> None:
    blocks = candle.tensor([[True, False, True], [True, True, False], [False, True, True]])
    layer = nn.BlockSparseAttention(6, 2, blocks, causal, bias).double()
    full = nn.MultiheadAttention(6, 2, bias=bias, batch_first=True).double()
    assert layer.load_state_dict(full.state_dict()) == ([], [])
    x = candle.tensor(values(N, S, 6).numpy())
    expected = full(x, x, x, attn_mask=~dense(blocks, S, S, causal), need_weights=False)[0]
    assert_close(layer(x), expected)
    assert "blocks=6/9" in repr(layer)


@pytest.mark.parametrize(
    ("shapes", "blocks", "says"),
    [
        ([(8, 4), (8, 3), (8, 4)], candle.ones(2, 2).bool(), "do not fit"),
        ([(8, 4)] * 3, candle.ones(2, 2), "must be bool of 2 or 3 dims, got candle.float32"),
        ([(8, 4)] * 3, candle.ones(3, 2).bool(), r"do not divide into the \(3, 2\) blocks"),
        ([(2, 8, 4)] * 3, candle.ones(3, 2, 2).bool(), "block_mask is for 3 heads"),
    ],
)
def test_mistakes(shapes: Any, blocks: Any, says: str) -> None:
    with pytest.raises(RuntimeError, match=says):
        F.block_sparse_attention(*(candle.zeros(shape) for shape in shapes), blocks)
