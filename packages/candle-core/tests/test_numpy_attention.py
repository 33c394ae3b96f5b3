"""The NumPy backend's kernel for attention, beside the rule."""

from typing import Any

import numpy as np
import pytest

from candle._numpy_kernels import attention
from candle.kernels import Kernel
from candle.testing.kernels import KernelSuite
from candle.testing.samples import Sample, floats

B, H, L, S, E = 5, 2, 4, 6, 16
PLAIN: dict[str, Any] = {"causal": False, "scale": 0.7, "p": 0.0}
MASK = np.where(np.arange(S) % 3, floats(B, 1, L, S), -np.inf)
MASK[0, 0, 0] = -np.inf  # nothing to look at


def sample(mask: Any = None, **changes: Any) -> Sample:
    q, k, v = floats(B, H, L, E), floats(B, H, S, E), floats(B, H, S, E + 1)
    return Sample("scaled_dot_product_attention", (q, k, v, mask, None), PLAIN | changes)


@pytest.fixture(params=[2**18, 2 * H * L * S], ids=["all at once", "two at once"])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "AT_ONCE", request.param)


class TestAttention(KernelSuite):
    samples = (sample(), sample(causal=True), sample(MASK), sample(MASK[0]))

    @pytest.fixture
    def kernel(self, at_once: None) -> Kernel:
        return attention.Attention()


@pytest.mark.parametrize(
    "changes",
    [
        {4: np.zeros((B, H, L, S), bool)},
        {1: floats(1, H, S, E)},
        {1: floats(B, H, S, E).astype(np.float32)},
        {3: floats(L, S).astype(np.float32)},
    ],
    ids=["dropout", "broadcasting", "mixed dtypes", "another mask's dtype"],
)
def test_leaves_to_the_rule(changes: dict[int, Any]) -> None:
    inputs = [changes.get(i, x) for i, x in enumerate(sample().inputs)]
    assert attention.Attention().forward(*inputs, **PLAIN) is NotImplemented
