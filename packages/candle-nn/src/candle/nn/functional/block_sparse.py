"""Attention that looks only at some blocks of the keys."""

from __future__ import annotations

import math

import candle
from candle import Tensor

__all__ = ["block_sparse_attention"]


def block_sparse_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    block_mask: Tensor,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(q k^T scale + mask) v, where the mask leaves out whole blocks, which are not computed.

    Shapes: query (..., L, E), key (..., S, E), value (..., S, Ev) -> (..., L, Ev). `block_mask` (l, s) says which of
    the s blocks of keys each of the l blocks of queries looks at (True takes part); (H, l, s) says so for each head of
    inputs (..., H, L, E). With `is_causal`, nothing in a block looks ahead, either. Work and memory grow with the
    number of blocks that are on. Child et al. (2019), "Generating long sequences with sparse transformers".

    >>> import candle
    >>> x = candle.randn(1, 8, 4)
    >>> near = candle.eye(2, dtype=candle.bool)  # two halves that do not see each other
    >>> halves = [candle.nn.functional.scaled_dot_product_attention(h, h, h) for h in x.chunk(2, 1)]
    >>> candle.allclose(block_sparse_attention(x, x, x, near), candle.cat(halves, 1), atol=1e-6)
    True
    """
    _check(query, key, value, block_mask)
    heads = block_mask.shape[0] if block_mask.ndim == 3 else 1
    rows, columns = block_mask.shape[-2:]
    counts = rows, columns, columns
    q, k, v = (x.unflatten(-2, (n, -1)) for x, n in zip((query, key, value), counts))  # (..., l, L / l, E)
    *head, row, column = block_mask.nonzero(as_tuple=True)  # of the P blocks that are on
    order = row, column
    if head:  # the blocks of all heads in one line
        row, column = row + head[0] * rows, column + head[0] * columns
        q, k, v = (x.flatten(-4, -3) for x in (q, k, v))
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (q * scale).index_select(-3, row) @ k.index_select(-3, column).mT  # (..., P, L / l, S / s)
    if is_causal:
        scores = scores.masked_fill(_ahead(*order, q.shape[-2], k.shape[-2]), -math.inf)
    high = _highest(scores.detach(), row, heads * rows).index_select(-2, row)
    powers = candle.exp(scores - high.unsqueeze(-1))
    batch = scores.shape[:-3]
    total = powers.new_zeros(*batch, heads * rows, q.shape[-2]).index_add(-2, row, powers.sum(-1)).unsqueeze(-1)
    out = powers.new_zeros(*batch, *q.shape[-3:-1], v.shape[-1])
    out = out.index_add(-3, row, powers @ v.index_select(-3, column)) / total.masked_fill(total == 0, 1.0)
    return (out.unflatten(-3, (heads, rows)) if head else out).flatten(-3, -2)


def _ahead(row: Tensor, column: Tensor, size: int, width: int) -> Tensor:
    """(P, size, width): which keys come after which queries, in each block."""
    queries = row[:, None, None] * size + candle.arange(size, device=row.device)[:, None]
    return column[:, None, None] * width + candle.arange(width, device=row.device) > queries


def _highest(scores: Tensor, row: Tensor, rows: int) -> Tensor:
    """The highest score of every query over all its blocks, or 0 without any: no exponential overflows."""
    shape = (*scores.shape[:-3], rows, scores.shape[-2])
    if not row.numel():
        return scores.new_zeros(shape)
    high = scores.new_full(shape, -math.inf).index_reduce(-2, row, scores.amax(-1), "amax")
    return high.masked_fill(high == -math.inf, 0.0)


def _check(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> None:
    told = f"query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)}"
    if query.shape[-1] != key.shape[-1] or key.shape[:-1] != value.shape[:-1] or query.shape[:-2] != key.shape[:-2]:
        raise RuntimeError(f"block_sparse_attention: {told} do not fit: (..., L, E), (..., S, E), (..., S, Ev)")
    if mask.dtype is not candle.bool or mask.ndim not in (2, 3):
        raise RuntimeError(
            f"block_sparse_attention: block_mask must be bool of 2 or 3 dims, got {mask.dtype} {tuple(mask.shape)}"
        )
    if query.shape[-2] % mask.shape[-2] or key.shape[-2] % mask.shape[-1]:
        raise RuntimeError(
            f"block_sparse_attention: {told} do not divide into the {tuple(mask.shape[-2:])} blocks of block_mask"
        )
    if mask.ndim == 3 and (query.ndim < 3 or query.shape[-3] != mask.shape[0]):
        raise RuntimeError(f"block_sparse_attention: block_mask is for {mask.shape[0]} heads, {told} have others")
