"""Scaled dot-product attention, and the lookup of embeddings."""

from __future__ import annotations

import math
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._tensor import Tensor
from candle.op import Op, unbroadcast
from candle.ops.linalg import transposed

__all__ = ["embedding", "scaled_dot_product_attention"]


class Attention(Op):
    """softmax(q k^T scale + mask) v;  dv = p^T grad, ds = p (dp - sum(dp p)), dq = ds k scale, dk = ds^T q scale"""

    name, promotes, floats, autocast = "scaled_dot_product_attention", "q k v", True, "lower"
    reads = {
        "q": "q k v mask dropped",
        "k": "q k v mask dropped",
        "v": "q k mask dropped",
        "mask": "q k v mask dropped",
    }

    def forward(xp, q, k, v, mask, dropped, *, causal, scale, p):
        """q (..., L, E), k (..., S, E), v (..., S, Ev) -> (..., L, Ev); `dropped` is a drawn mask or None."""
        return xp.matmul(kept(xp, weights(xp, q, k, mask, causal, scale), dropped, p), v)

    def vjp(xp, needs, grad, out, q, k, v, mask, dropped, *, causal, scale, p):
        soft = weights(xp, q, k, mask, causal, scale)
        used = kept(xp, soft, dropped, p)
        dv = xp.matmul(transposed(xp, used), grad) if needs[2] else None
        if not (needs[0] or needs[1] or needs[3]):
            return None, None, dv, None, None
        dp = kept(xp, xp.matmul(grad, transposed(xp, v)), dropped, p) * soft
        ds = dp - soft * xp.sum(dp, axis=-1, keepdims=True)
        dq = xp.matmul(ds, k) * scale if needs[0] else None
        dk = xp.matmul(transposed(xp, ds), q) * scale if needs[1] else None
        return dq, dk, dv, unbroadcast(xp, ds, mask.shape) if needs[3] else None, None


def weights(xp: Any, q: Any, k: Any, mask: Any, causal: bool, scale: float) -> Any:
    """The attention of every query (rows) to every key; a row with nothing to look at is all zero."""
    s = xp.matmul(q * scale, transposed(xp, k))
    if not k.shape[-2]:
        return s
    if causal:
        rows, columns = xp.arange(s.shape[-2]), xp.arange(s.shape[-1])
        s = xp.where(xp.less_equal(columns, xp.reshape(rows, (-1, 1))), s, xp.full((), -math.inf, dtype=s.dtype))
    if mask is not None:
        s = s + mask
    high = xp.max(s, axis=-1, keepdims=True)
    high = xp.where(xp.isfinite(high), high, xp.zeros((), dtype=s.dtype))
    powers = xp.exp(s - high)
    total = xp.sum(powers, axis=-1, keepdims=True)
    return powers / xp.where(xp.equal(total, 0), xp.ones((), dtype=s.dtype), total)


def kept(xp: Any, p: Any, dropped: Any, chance: float) -> Any:
    if dropped is None:
        return p
    return xp.where(dropped, xp.zeros((), dtype=p.dtype), p / (1 - chance) if chance < 1 else p)


class Embedding(Op):
    """rows of weight;  dweight = grad added at those rows"""

    name, reads = "embedding", {"weight": "indices"}

    def forward(xp, weight, indices, *, padding_idx):
        return xp.index(weight, indices)

    def vjp(xp, needs, grad, out, weight, indices, *, padding_idx):
        if padding_idx is not None:
            padding = xp.reshape(xp.equal(indices, padding_idx), (*indices.shape, 1))
            grad = xp.where(padding, xp.zeros((), dtype=grad.dtype), grad)
        return xp.index_add(xp.zeros(weight.shape, dtype=grad.dtype), (indices,), grad), None


# What users call


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query @ key^T * scale + mask) @ value, from Vaswani et al. (2017), equation 1.

    Shapes: query (..., L, E), key (..., S, E), value (..., S, Ev); the mask broadcasts to (..., L, S): bool
    (True takes part) or added to the scores. With `enable_gqa`, groups of query heads share key heads.
    """
    name = "scaled_dot_product_attention"
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        shapes = f"query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)}"
        raise RuntimeError(
            f"{name}: {shapes}: query and key must agree in the last dim, key and value in the one before"
        )
    if is_causal and attn_mask is not None:
        raise RuntimeError(f"{name}: attn_mask and is_causal cannot both be given; put the causal part into the mask")
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"{name}: dropout_p must lie between 0 and 1, got {dropout_p}")
    if enable_gqa:
        key, value = (
            x.unsqueeze(-3).expand(*x.shape[:-2], query.shape[-3] // x.shape[-3], *x.shape[-2:]).flatten(-4, -3)
            for x in (key, value)
        )
    scores = (query.shape[-2], key.shape[-2])
    if attn_mask is not None and any(n not in (1, size) for n, size in zip(attn_mask.shape[::-1], scores[::-1])):
        raise RuntimeError(
            f"{name}: attn_mask of shape {tuple(attn_mask.shape)} does not fit {scores}, queries by keys"
        )
    if attn_mask is not None and attn_mask.dtype not in (_dtypes.bool_, _dtypes.float32, query.dtype):
        raise RuntimeError(f"{name}: attn_mask must be of bool, float32 or {query.dtype}, got {attn_mask.dtype}")
    if attn_mask is not None and attn_mask.dtype is _dtypes.bool_:
        from candle.ops.creation import zeros

        attn_mask = zeros(attn_mask.shape, dtype=query.dtype, device=query.device).masked_fill(~attn_mask, -math.inf)
    dropped = None
    if dropout_p:
        from candle.ops.random import rand

        batch = (query[..., :1, :1] * key[..., :1, :1]).shape[:-2]
        dropped = rand(*batch, query.shape[-2], key.shape[-2], device=query.device) < dropout_p
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    return apply(Attention, query, key, value, attn_mask, dropped, causal=is_causal, scale=scale, p=dropout_p)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that `input` names; a row named twice gets both gradients."""
    from candle.ops._common import expect_tensor, unsupported
    from candle.ops.indexing import in_bounds

    expect_tensor("embedding", input, "input")
    unsupported("embedding", max_norm=max_norm, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
    if input.dtype not in (_dtypes.int64, _dtypes.int32):
        raise RuntimeError(f"embedding: expected int64 or int32 indices, got {input.dtype}")
    if weight.ndim != 2:
        raise RuntimeError(f"embedding: weight must have 2 dims, got shape {tuple(weight.shape)}")
    rows = weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise RuntimeError(
                f"embedding: padding_idx {padding_idx} is not a row of a weight of shape {tuple(weight.shape)}"
            )
        padding_idx %= rows
    in_bounds("embedding", input, rows, 0)
    return apply(Embedding, weight, input, padding_idx=padding_idx)
