"""Layers that others get wrong or slow: convolutions, attention step by step."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import candle
from candle import nn

from .both import check, normal


@pytest.mark.parametrize("stride", [2, 3, (1, 2)])
def test_a_strided_convolution_strides(stride: Any) -> None:
    """Elsewhere the stride is accepted, and 1 is computed."""
    assert nn.Conv2d(1, 1, 3, stride=2)(candle.ones(1, 1, 9, 9)).shape == (1, 1, 4, 4)
    check(lambda lib, F, x, w: F.conv2d(x, w, stride=stride), normal(2, 3, 8, 9), normal(4, 3, 3, 3))


OPTIONS: list[dict[str, Any]] = [
    {},
    {"padding": 2},
    {"dilation": 2, "stride": 2},
    {"groups": 2},
    {"padding": "same"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_convolution_goes_back_with_all_its_options(options: dict[str, Any]) -> None:
    """By the image, the weight and the bias."""
    channels = 4 // options.get("groups", 1)
    arrays = normal(2, 4, 8, 9), normal(6, channels, 3, 3), normal(6)
    check(lambda lib, F, x, w, b: F.conv2d(x, w, b, **options), *arrays)


def test_a_transposed_convolution_goes_back() -> None:
    """The options of a decoder."""
    arrays = normal(2, 4, 5, 5), normal(4, 3, 3, 3), normal(3)
    check(lambda lib, F, x, w, b: F.conv_transpose2d(x, w, b, 2, 1, output_padding=1), *arrays)


def calls_of_a_convolution(size: int) -> int:
    """How many functions, of Python and of C, run to go through a convolution of so many pixels and back."""
    layer, image, calls = nn.Conv2d(2, 3, 3, padding=1), candle.ones(2, 2, size, size, requires_grad=True), 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        layer(image).sum().backward()
    finally:
        sys.setprofile(before)
    assert image.grad.shape == image.shape
    return calls


def test_a_convolution_does_not_loop_over_pixels() -> None:
    """Elsewhere its backward is a Python loop: 25 times as many pixels must not take even twice the calls."""
    calls_of_a_convolution(8)  # the first time imports
    assert calls_of_a_convolution(40) < 2 * calls_of_a_convolution(8)


def test_a_step_with_a_cache_computes_one_token() -> None:
    """Elsewhere every token of the text, or a padded 512, is computed anew for the next one."""
    attention = nn.GroupedQueryAttention(16, 4, num_kv_heads=2, rotary=nn.RotaryEmbedding(4)).double()
    x, lengths = candle.tensor(normal(2, 6, 16)), []
    attention.k_proj.register_forward_hook(lambda module, args, out: lengths.append(args[0].shape[1]))
    with candle.no_grad():
        whole = attention(x)
        cache = nn.KeyValueCache(max_length=6)
        steps = [attention(x[:, :3], cache=cache), *(attention(x[:, i : i + 1], cache=cache) for i in range(3, 6))]
    assert lengths == [6, 3, 1, 1, 1]
    assert candle.allclose(candle.cat(steps, 1), whole, rtol=1e-10, atol=1e-12)
