"""Samples of what networks are made of."""

from candle.testing.samples import at, floats, rough, sample, transposed, truths

sample("layer_norm", floats(2, 4), floats(4), floats(4, low=-1, high=1), dims=1, eps=1e-5)
sample("layer_norm", floats(2, 2, 3), floats(2, 3), None, dims=2, eps=1e-5)
sample("layer_norm", transposed(2, 4), None, None, dims=1, eps=1e-5)
sample("rms_norm", floats(2, 4), floats(4), dims=1, eps=1e-5)
sample("rms_norm", floats(2, 2, 3), None, dims=2, eps=1e-5)
sample("contiguous", transposed(2, 3))
for _reduction in ("none", "sum", "mean"):
    sample("cross_entropy", floats(3, 4), at(2, 0, 3), ignore_index=-100, reduction=_reduction)
    sample("cross_entropy", floats(3, 4), at(2, -100, 3), ignore_index=-100, reduction=_reduction)
    sample("cross_entropy", floats(2, 3, 2), at([2, -100], [0, 1]), ignore_index=-100, reduction=_reduction)
sample("embedding", floats(4, 3), at([2, 0], [2, 3]), padding_idx=None)
rough("embedding", floats(4, 3), at(2, 0, 2), padding_idx=2)  # drops the gradient of row 2 on purpose

_q, _k, _v = floats(2, 3, 2), floats(2, 4, 2, low=-1, high=1), floats(2, 4, 3)
_name = "scaled_dot_product_attention"
sample(_name, _q, _k, _v, None, None, causal=False, scale=0.7, p=0.0)
sample(_name, _q, _k, _v, None, None, causal=True, scale=0.7, p=0.0)
sample(_name, _q, _k, _v, floats(3, 4), None, causal=False, scale=0.7, p=0.0)
sample(_name, _q, _k, _v, None, truths(2, 3, 4), causal=False, scale=0.7, p=0.25)
