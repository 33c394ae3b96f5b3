"""scaled_dot_product_attention where the samples of the parity tests do not look."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import candle

from .oracle import assert_same, to_candle


def attend(lib, *args, **kwargs):
    return (torch.nn.functional if lib is torch else lib).scaled_dot_product_attention(*args, **kwargs)


@pytest.mark.parametrize("lower", ["float16", "bfloat16"])
def test_under_autocast_it_runs_in_the_lower_dtype(lower: str) -> None:
    torch.manual_seed(0)
    results = []
    for lib, x in ((candle, lambda t: to_candle(t)), (torch, lambda t: t)):
        q = x(torch.linspace(-1, 1, 24).reshape(2, 3, 4).requires_grad_())
        with lib.autocast("cpu", dtype=getattr(lib, lower)):
            out = attend(lib, q, q, q, is_causal=True)
        out.float().sum().backward()
        results.append((out, q.grad))
    (ours, our_grad), (theirs, their_grad) = results
    assert str(ours.dtype) == str(theirs.dtype).replace("torch", "candle")
    tolerance = {"float16": 2e-3, "bfloat16": 2e-2}[lower]  # a few units in the last place of numbers near 1
    for a, b in ((ours, theirs), (our_grad, their_grad)):
        np.testing.assert_allclose(a.detach().float().numpy(), b.detach().float().numpy(), atol=tolerance)


@pytest.mark.parametrize("causal", [False, True])
def test_no_keys_to_look_at_give_zeros(causal: bool) -> None:
    q, k, v = (torch.ones(2, n, 4, dtype=torch.float64).requires_grad_() for n in (3, 0, 0))

    def program(lib, q, k, v):
        out = attend(lib, q, k, v, is_causal=causal)
        out.sum().backward()
        return out, q.grad, k.grad, v.grad

    ours = program(candle, *map(to_candle, (q, k, v)))
    assert_same(ours, program(torch, q, k, v))


@pytest.mark.parametrize("mask", ["float16", "int32", "int64", "float64"])
def test_a_mask_of_another_dtype_is_refused(mask: str) -> None:
    for lib in (candle, torch):
        q = lib.ones(2, 3, 4)
        with pytest.raises(RuntimeError, match=f"attn_mask .*, (but )?got .*({mask}|Half|double|long|int)"):
            attend(lib, q, q, q, attn_mask=lib.zeros(3, 3, dtype=getattr(lib, mask)))
