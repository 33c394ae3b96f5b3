"""Attention: every query looks at all keys, and gets the mean of their values, weighted by how well they agree.

Vaswani et al. (2017), "Attention is all you need", sections 3.2.1 (one head) and 3.2.2 (several).
"""

from __future__ import annotations

import math
import warnings

import candle
from candle import Tensor
from candle.nn.functional._common import expect_tensors
from candle.nn.functional.linear import linear
from candle.ops.attention import scaled_dot_product_attention

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]

Weights = tuple[Tensor | None, Tensor | None, Tensor | None]


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """concat(head_1, ..., head_H) W^T + b, head_i = softmax(q_i k_i^T / sqrt(E / H) + mask) v_i, and the softmax.

    Shapes: query (L, N, E), key (S, N, Ek), value (S, N, Ev), all with or without N -> (L, N, E), and (N, L, S), the
    mean over the heads, or (N, H, L, S). `attn_mask` is (L, S) or (N H, L, S), `key_padding_mask` (N, S): bool
    (True is left out) or added to the scores. Queries, keys and values are first projected by the rows of
    `in_proj_weight` (3 E, E), or by a weight each. `bias_k` and `bias_v` are one more key and value,
    `add_zero_attn` another of zeros, and `static_k` and `static_v` (N H, S, E / H) take the projections' place.
    `is_causal` only says that `attn_mask`, which has to be there, is causal.
    """
    name = "multi_head_attention_forward"
    expect_tensors(name, query=query)
    if not query.ndim or query.shape[-1] != embed_dim_to_check:
        raise RuntimeError(
            f"{name}: the query has {query.shape[-1]} features (shape {tuple(query.shape)}), not {embed_dim_to_check}"
        )
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    if weights is None or (isinstance(weights, tuple) and any(w is None for w in weights)):
        given = "q_proj_weight, k_proj_weight and v_proj_weight" if use_separate_proj_weight else "in_proj_weight"
        raise RuntimeError(f"{name}: use_separate_proj_weight={use_separate_proj_weight} needs {given}, got None")
    if (bias_k is None) != (bias_v is None) or (bias_k is not None and (static_k is not None or static_v is not None)):
        raise RuntimeError(f"{name}: bias_k and bias_v come together, and never with static_k or static_v")
    return attend(
        *(query, key, value, num_heads, weights, in_proj_bias, out_proj_weight, out_proj_bias),
        extra=(bias_k, bias_v),
        zero=add_zero_attn,
        static=(static_k, static_v),
        dropout=dropout_p if training else 0.0,
        padding=key_padding_mask,
        mask=attn_mask,
        causal=is_causal,
        need_weights=need_weights,
        average=average_attn_weights,
        batch_first=False,
    )


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    heads: int,
    weights: Tensor | Weights,
    biases: Tensor | None,
    out_weight: Tensor,
    out_bias: Tensor | None,
    *,
    extra: tuple[Tensor | None, Tensor | None] = (None, None),
    zero: bool = False,
    static: tuple[Tensor | None, Tensor | None] = (None, None),
    dropout: float = 0.0,
    padding: Tensor | None = None,
    mask: Tensor | None = None,
    causal: bool = False,
    need_weights: bool = True,
    average: bool = True,
    batch_first: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What `multi_head_attention_forward` does, after its checks, for inputs of either layout."""
    padding, mask = _masks(query, key, value, heads, padding, mask, causal, batch_first)
    more = zero or extra[0] is not None
    if causal and padding is None and not need_weights and not more:
        mask = None  # the hint says what it is
    else:
        causal = False
    q, *kv = _projected(query, key, value, weights, biases)
    if any(x.shape[-1] != query.shape[-1] for x in (q, *kv)):
        widths = ", ".join(str(x.shape[-1]) for x in (q, *kv))
        raise RuntimeError(
            f"multi_head_attention_forward: the projections make queries, keys and values of {widths} features, "
            f"not of the query's {query.shape[-1]}"
        )
    q = split_heads(q, heads, batch_first)  # (N, H, L, D)
    kv = [
        split_heads(x, heads, batch_first) if fixed is None else fixed.reshape(*q.shape[:2], *fixed.shape[1:])
        for x, fixed in zip(kv, static, strict=True)
    ]
    if more:
        kv, padding, mask = _with_more(kv, extra, zero, padding, mask)
    merged = mask if padding is None else padding if mask is None else mask + padding
    k, v = kv
    if need_weights:
        told = _weights(q, k, merged)
        if dropout:
            told = candle.dropout(told, dropout, True)
        out = told @ v
    else:
        told = None
        out = scaled_dot_product_attention(q, k, v, merged, dropout, causal)
    out = linear(join_heads(out, batch_first), out_weight, out_bias)
    if told is not None and average:
        told = told.mean(1)
    if query.ndim == 2:
        out, told = out.squeeze(0 if batch_first else 1), told if told is None else told.squeeze(0)
    return out, told


def split_heads(x: Tensor, heads: int, batch_first: bool = True) -> Tensor:
    """(N, L, H D), or (L, N, H D), or (L, H D), as (N, H, L, D)."""
    x = x.unflatten(-1, (heads, -1))
    if x.ndim == 3:
        return x.transpose(0, 1).unsqueeze(0)
    return x.permute(0, 2, 1, 3) if batch_first else x.permute(1, 2, 0, 3)


def join_heads(x: Tensor, batch_first: bool = True) -> Tensor:
    """(N, H, L, D) as (N, L, H D), or (L, N, H D)."""
    return (x.permute(0, 2, 1, 3) if batch_first else x.permute(2, 0, 1, 3)).flatten(2)


def _projected(
    query: Tensor, key: Tensor, value: Tensor, weights: Tensor | Weights, biases: Tensor | None
) -> tuple[Tensor, ...]:
    if isinstance(weights, Tensor) and query is key is value:
        return linear(query, weights, biases).chunk(3, -1)
    each = weights.chunk(3) if isinstance(weights, Tensor) else weights
    bias = (None,) * 3 if biases is None else biases.chunk(3)
    return tuple(linear(x, w, b) for x, w, b in zip((query, key, value), each, bias, strict=True))  # type: ignore[arg-type]


def _with_more(
    kv: list[Tensor],
    extra: tuple[Tensor | None, Tensor | None],
    zero: bool,
    padding: Tensor | None,
    mask: Tensor | None,
) -> tuple[list[Tensor], Tensor | None, Tensor | None]:
    """Keys and values with the learned one (1, 1, E) and the one of zeros at the end, which no mask leaves out."""
    for i, x in enumerate(kv):
        n, h, _, d = x.shape
        learned, parts = extra[i], [x]
        if learned is not None:
            parts.append(learned.reshape(1, h, 1, d).expand(n, h, 1, d))
        if zero:
            parts.append(x.new_zeros(n, h, 1, d))
        kv[i] = candle.cat(parts, 2)
    more = (extra[0] is not None) + zero
    padding, mask = (m if m is None else candle.pad(m, [0, more]) for m in (padding, mask))
    return kv, padding, mask


def _weights(q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(D) + mask); where all is masked, zeros, as scaled_dot_product_attention has it."""
    scores = (q / math.sqrt(q.shape[-1])) @ k.mT
    if mask is None:
        return scores.softmax(-1)
    scores = scores + mask
    nothing = (scores == -math.inf).all(-1, keepdim=True)
    return scores.masked_fill(nothing, 0.0).softmax(-1).masked_fill(nothing, 0.0)


def _masks(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    heads: int,
    padding: Tensor | None,
    mask: Tensor | None,
    causal: bool,
    batch_first: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """Both masks as numbers to add to the scores (N, H, L, S), once all shapes fit."""
    name = "multi_head_attention_forward"
    expect_tensors(name, query=query, key=key, value=value)
    told = f"query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)}"
    if query.ndim not in (2, 3) or key.ndim != query.ndim or value.ndim != query.ndim:
        raise RuntimeError(f"{name}: expected three inputs of 3 dims, or of 2 without a batch, got {told}")
    if query.shape[-1] % heads:
        raise RuntimeError(f"{name}: {query.shape[-1]} features do not divide into {heads} heads")
    if key.shape[:-1] != value.shape[:-1]:
        raise RuntimeError(f"{name}: there must be as many keys as values, got {told}")
    if causal and mask is None:
        raise RuntimeError(f"{name}: is_causal only tells what attn_mask is, so that has to be given, too")
    axis = 1 if batch_first and query.ndim == 3 else 0
    n, length, size = 1 if query.ndim == 2 else query.shape[1 - axis], query.shape[axis], key.shape[axis]
    if query.ndim == 3 and key.shape[1 - axis] != n:
        raise RuntimeError(f"{name}: the batches (dim {1 - axis}, batch_first={batch_first}) differ in size: {told}")
    if padding is not None and mask is not None and padding.dtype is not mask.dtype:
        kinds = f"key_padding_mask is {padding.dtype} and attn_mask {mask.dtype}"
        warnings.warn(f"{name}: {kinds}; masks of two kinds are deprecated in PyTorch: make them alike", stacklevel=5)
    if padding is not None:
        expect_tensors(name, key_padding_mask=padding)
        expected = (size,) if query.ndim == 2 else (n, size)
        if tuple(padding.shape) != expected:
            raise RuntimeError(
                f"{name}: key_padding_mask of shape {tuple(padding.shape)} must be {expected} for {told}"
            )
        padding = added("key_padding_mask", padding, query.dtype).reshape(n, 1, 1, size)
    if mask is not None:
        expect_tensors(name, attn_mask=mask)
        if tuple(mask.shape) not in ((length, size), (n * heads, length, size)):
            wanted = f"{(length, size)} or {(n * heads, length, size)}"
            raise RuntimeError(f"{name}: attn_mask of shape {tuple(mask.shape)} must be {wanted} for {told}")
        mask = added("attn_mask", mask, query.dtype)
        mask = mask if mask.ndim == 2 else mask.reshape(n, heads, length, size)
    return padding, mask


def added(name: str, mask: Tensor, dtype: candle.dtype) -> Tensor:
    """A mask as numbers to add to scores: -infinity where a bool mask is True."""
    if mask.is_floating_point():
        return mask.to(dtype)
    if mask.dtype is not candle.bool:
        raise RuntimeError(f"{name}: a mask is bool (True is left out) or floating-point (added), got {mask.dtype}")
    return candle.zeros_like(mask, dtype=dtype).masked_fill(mask, -math.inf)
