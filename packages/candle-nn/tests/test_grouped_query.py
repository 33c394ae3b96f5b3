"""Rotations, shared keys and values, and generation with a cache, against plain compositions."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle import nn

from .attention_twins import assert_close, values

N, L, E, D = 2, 6, 12, 4


def turned(x: np.ndarray, positions: np.ndarray, base: float, interleaved: bool) -> np.ndarray:
    """The same as complex numbers times e^(i w)."""
    half = x.shape[-1] // 2
    a, b = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])
    z = (a + 1j * b) * np.exp(1j * positions[..., None] * base ** (-2 * np.arange(half) / x.shape[-1]))
    if interleaved:
        return np.stack([z.real, z.imag], -1).reshape(x.shape)
    return np.concatenate([z.real, z.imag], -1)


@pytest.mark.parametrize(("interleaved", "base", "start"), list(itertools.product([True, False], [1e4, 5e5], [0, 7])))
def test_rotations(interleaved: bool, base: float, start: int) -> None:
    rotary = nn.RotaryEmbedding(D * 2, base, interleaved)
    x = values(N, 3, L, D * 2)
    expected = turned(x.numpy(), np.arange(start, start + L), base, interleaved)
    assert_close(rotary(candle.tensor(x.numpy()), start), torch.from_numpy(expected))


def test_positions_of_each_example() -> None:
    rotary = nn.RotaryEmbedding(D)
    x, positions = values(N, L, D), np.array([[0, 0, 0, 1, 2, 3], [5, 4, 3, 2, 1, 0]])
    expected = turned(x.numpy(), positions, 1e4, False)
    assert_close(rotary(candle.tensor(x.numpy()), candle.tensor(positions)), torch.from_numpy(expected))


def test_scores_depend_on_distances_only() -> None:
    rotary = nn.RotaryEmbedding(D)
    q, k = (candle.tensor(values(1, D).numpy() + i) for i in (0, 1))
    near, far = ((rotary(q, 5 + n) * rotary(k, 2 + n)).sum().item() for n in (0, 1000))
    assert near == pytest.approx(far, rel=1e-9)


def test_the_table_of_rotations() -> None:
    rotary = nn.RotaryEmbedding(D)
    assert rotary.state_dict() == {}
    x = candle.ones(1, D)
    long = rotary(x.expand(100, D))
    assert (rotary(x, 99)[0] == long[99]).all()
    assert rotary(x.double()).dtype is candle.float64
    assert rotary(x.half()).dtype is candle.float16
    for other in (copy.deepcopy(rotary), pickle.loads(pickle.dumps(rotary))):
        assert (other(x, 99) == rotary(x, 99)).all()
    assert repr(rotary) == "RotaryEmbedding(4, base=10000.0, interleaved=False)"


def test_a_table_made_in_inference_mode_serves_training() -> None:
    rotary, x = nn.RotaryEmbedding(D), candle.ones(3, D, dtype=candle.float64, requires_grad=True)
    with candle.inference_mode():
        first = rotary(x)
    rotary(x).square().sum().backward()
    assert_close(x.grad, 2 * x)  # lengths are kept
    assert (first == rotary(x)).all()


def plain(layer: Any, x: Any, mask: Any) -> Any:
    """Every head by itself, its keys and values copied; `mask` (N, H, L, L) is True where it looks."""
    q, k, v = (project(x) for project in (layer.q_proj, layer.k_proj, layer.v_proj))
    outs = []
    for h in range(layer.num_heads):
        g = h * layer.num_kv_heads // layer.num_heads
        own, shared = (
            slice(h * layer.head_dim, (h + 1) * layer.head_dim),
            slice(g * layer.head_dim, (g + 1) * layer.head_dim),
        )
        qh, kh, vh = q[..., own], k[..., shared], v[..., shared]
        if layer.rotary is not None:
            qh, kh = layer.rotary(qh), layer.rotary(kh)
        scores = (qh @ kh.mT / layer.head_dim**0.5).masked_fill(~mask[:, h], -math.inf)
        outs.append(scores.softmax(-1) @ vh)
    return layer.o_proj(candle.cat(outs, -1))


def grads_of(layer: Any, x: Any, out: Any) -> list[Any]:
    return list(candle.autograd.grad((out * out.cos()).sum(), [x, *layer.parameters()]))


@pytest.mark.parametrize(
    ("heads", "shared", "rotary", "masked"),
    list(itertools.product([4], [1, 2, 4], [True, False], ["causal", "no", "bool", "heads", "float"])),
)
def test_grouped_queries(heads: int, shared: int, rotary: bool, masked: str) -> None:
    layer = nn.GroupedQueryAttention(E, heads, shared, D, bias=True, rotary=nn.RotaryEmbedding(D) if rotary else None)
    layer, x = layer.double(), candle.tensor(values(N, L, E).numpy(), requires_grad=True)
    mask, given = candle.ones(N, heads, L, L, dtype=candle.bool), None
    if masked in ("bool", "float"):
        given = candle.tensor(values(N, 1, L, L).numpy()) < 1
        mask = mask & given
        if masked == "float":
            given = candle.zeros(given.shape).masked_fill(~given, -math.inf).double()
    elif masked == "heads":
        given = candle.tensor(values(heads, L, L).numpy()) < 1
        mask = mask & given
    if given is not None:
        eye = candle.eye(L, dtype=candle.bool)
        mask = mask | eye
        given = given.masked_fill(eye, True if masked != "float" else 0.0)
    if masked != "no":
        mask = mask.tril()
    out = layer(x, given, is_causal=masked != "no")
    expected = plain(layer, x, mask)
    assert_close(out, expected)
    for a, b in zip(grads_of(layer, x, out), grads_of(layer, x, expected)):
        assert_close(a, b)


@pytest.mark.parametrize("steps", [[1] * L, [3, 1, 2], [L], [2, 4]])
def test_a_cache_changes_nothing(steps: list[int]) -> None:
    layer = nn.GroupedQueryAttention(E, 3, 1, rotary=nn.RotaryEmbedding(4)).double()
    x = candle.tensor(values(N, L, E).numpy())
    cache = nn.KeyValueCache(max_length=10)
    with candle.no_grad():
        outs = [layer(part, cache=cache) for part in x.split(steps, 1)]
        assert cache.length == L
        assert_close(candle.cat(outs, 1), layer(x))
        cache.length = 2  # forget what came after
        assert_close(candle.cat([layer(x[:, i : i + 1], cache=cache) for i in range(2, L)], 1), layer(x)[:, 2:])
        cache.reset()
        assert_close(layer(x, cache=cache), layer(x))


def test_a_mask_of_padding_with_a_cache() -> None:
    layer = nn.GroupedQueryAttention(E, 3, 3).double()
    x = candle.tensor(values(N, L, E).numpy())
    real = candle.ones(N, 1, 1, L, dtype=candle.bool)
    real[1, ..., :2] = False  # on the left
    cache = nn.KeyValueCache(L)
    with candle.no_grad():
        first = layer(x[:, :4], real[..., :4], cache=cache)
        second = layer(x[:, 4:], real, cache=cache)
        expected = layer(x, real)
        assert_close(candle.cat([first, second], 1), expected)
        assert_close(expected[1, 2:], layer(x[1:, 2:])[0])


def test_the_memory_of_a_cache_does_not_grow() -> None:
    cache = nn.KeyValueCache(8)
    step = candle.ones(1, 2, 1, 4)
    places = set()
    for i in range(8):
        keys, vals = cache.append(step * i, step * -i)
        places.add((keys.numpy().ctypes.data, vals.numpy().ctypes.data))
    assert len(places) == 1
    assert keys[0, 0, :, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert vals[0, 1, :, 3].tolist() == [0, -1, -2, -3, -4, -5, -6, -7]
    assert repr(cache) == "KeyValueCache(max_length=8, length=8)"
    with pytest.raises(RuntimeError, match="1 more steps after 8 exceed max_length=8"):
        cache.append(step, step)


def test_other_caches_that_follow_the_protocol() -> None:
    class Window:
        """Only the last steps."""

        def __init__(self) -> None:
            self.length, self.kept = 0, []

        def append(self, k: Any, v: Any) -> Any:
            self.kept = [*self.kept, (k, v)][-2:]
            self.length += 1
            return tuple(candle.cat(each, 2) for each in zip(*self.kept))

        def reset(self) -> None:
            self.__init__()

    layer = nn.GroupedQueryAttention(E, 2, 1).double()
    x, cache = candle.tensor(values(1, L, E).numpy()), Window()
    outs = candle.cat([layer(x[:, i : i + 1], cache=cache) for i in range(L)], 1)
    band = candle.ones(L, L, dtype=candle.bool).tril().triu(-1)
    assert_close(outs, layer(x, band))


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: nn.RotaryEmbedding(5), ValueError, "dim must be even"),
        (lambda: nn.RotaryEmbedding(4)(candle.ones(2, 6)), RuntimeError, r"expected shape \(..., L, 4\), got \(2, 6\)"),
        (lambda: nn.RotaryEmbedding(4)(candle.ones(2, 4), start=-1), ValueError, "begin at 0, got start=-1"),
        (lambda: nn.RotaryEmbedding(4)(candle.ones(2, 4), candle.tensor([0, -1])), ValueError, "begin at 0"),
        (lambda: nn.GroupedQueryAttention(8, 4, 3), ValueError, "4 heads do not divide into groups for 3"),
        (lambda: nn.GroupedQueryAttention(9, 4, 2), ValueError, "give head_dim"),
        (lambda: nn.GroupedQueryAttention(8, 4, 2, rotary=nn.RotaryEmbedding(4)), ValueError, "for 4 features"),
        (lambda: nn.GroupedQueryAttention(8, 4, 2)(candle.ones(2, 8)), RuntimeError, r"\(N, L, 8\), got \(2, 8\)"),
        (lambda: generate(candle.ones(1, 2, 8)), RuntimeError, "no_grad"),
        (
            lambda: twice(candle.ones(1, 1, 1, 2), candle.ones(2, 1, 1, 2)),
            RuntimeError,
            "a cache for each layer and batch",
        ),
        (lambda: twice(candle.ones(1, 1, 1, 2), candle.ones(1, 1, 1, 2).double()), RuntimeError, "float64"),
    ],
)
def test_mistakes(call: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        call()


def generate(x: Any) -> None:
    nn.GroupedQueryAttention(8, 4, 2)(x, cache=nn.KeyValueCache(4))


def twice(*steps: Any) -> None:
    cache = nn.KeyValueCache(4)
    for step in steps:
        cache.append(step, step)
