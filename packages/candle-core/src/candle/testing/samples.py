"""Inputs for every op: what the conformance suites run.

A sample is an op's name, its inputs and its attrs. Inputs are NumPy arrays (a suite brings them to a device
and a dtype), numbers, or None. An op without a sample fails the suite, so a new op gets its line here; ops of
another distribution call `sample` from their own tests.

    >>> from candle.testing.samples import SAMPLES
    >>> [s.attrs for s in SAMPLES["softmax"]]
    [{'dim': 1}, {'dim': 0}, {'dim': 0}]
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import candle
from candle.op import OPS

# Ops that do not go through the door, and so have no samples; the suites test what they belong to.
OUTSIDE = {"move": "candle.Tensor.to", "custom_function": "candle.autograd.Function"}


@dataclass(frozen=True)
class Sample:
    """One call: apply(OPS[name], *inputs, **attrs)."""

    name: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any]
    smooth: bool = True  # can it be differentiated there?

    def __str__(self) -> str:
        shapes = [f"{x.dtype.name}{list(x.shape)}".replace(" ", "") if hasattr(x, "shape") else x for x in self.inputs]
        return f"{self.name}({', '.join(map(str, [*shapes, *(f'{k}={v}' for k, v in self.attrs.items())]))})"


SAMPLES: dict[str, list[Sample]] = {}


def sample(name: str, *inputs: Any, smooth: bool = True, **attrs: Any) -> None:
    arrays = tuple(np.asarray(x) if isinstance(x, np.generic) else x for x in inputs)
    SAMPLES.setdefault(name, []).append(Sample(name, arrays, attrs, smooth))


rough = functools.partial(sample, smooth=False)  # with nan, infinities or kinks: no differences there


def missing() -> list[str]:
    """The ops of installed candle packages that have no sample."""
    ours = {name for name, op in OPS.items() if op.__module__.startswith("candle.")}
    return sorted(ours - SAMPLES.keys() - OUTSIDE.keys())


# Values


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Different numbers between low and high in no order, none of them a whole one."""
    size = math.prod(shape)
    values = np.linspace(low, high, size + 2)[1:-1] + 0.0137
    return np.random.default_rng(size).permutation(values).reshape(shape)


def transposed(*shape: int, **bounds: float) -> np.ndarray:
    """The same, not contiguous."""
    return floats(*reversed(shape), **bounds).T


def complexes(*shape: int) -> np.ndarray:
    return floats(*shape) + 1j * floats(*shape, low=-1.1, high=1.7)[::-1]


def whole(*shape: int, below: int = 5, above: int = -5) -> np.ndarray:
    size = math.prod(shape)
    return (np.arange(size) * 7 % (below - above - 1) + above + 1).reshape(shape)


def truths(*shape: int) -> np.ndarray:
    return (np.arange(math.prod(shape)) * 5 % 3 > 0).reshape(shape)


def at(*indices: Any) -> np.ndarray:
    return np.array(indices, dtype=np.int64)


SPECIAL = np.array([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.5, 2.5, 80.0])
ALL = ("slice", None, None, None)


# Elementwise, one input: where it is smooth, and where it may be complex

UNARY = {
    **dict.fromkeys("abs cos cosh erf exp exp2 expm1 neg relu sigmoid silu sin sinh square tanh".split(), (-2, 2)),
    **dict.fromkeys("ceil floor round sign trunc isfinite isinf isnan logsigmoid clone".split(), (-2, 2)),
    **dict.fromkeys("log log2 log10 reciprocal rsqrt sqrt".split(), (0.3, 3)),
    **{"log1p": (-0.6, 2), "tan": (-1.2, 1.2)},
}
COMPLEX = """
abs clone conj cos cosh exp exp2 expm1 imag isfinite isinf isnan log log1p log2 log10 neg real reciprocal rsqrt
sigmoid sin sinh sqrt square tan tanh
""".split()

for _name, (_low, _high) in UNARY.items():
    sample(_name, floats(low=_low, high=_high))
    sample(_name, transposed(2, 3, low=_low, high=_high))
    sample(_name, floats(2, 0))
    rough(_name, SPECIAL)
for _name in COMPLEX:
    sample(_name, complexes(2, 3))
for _name in ("abs", "neg", "sign", "square", "floor", "round", "clone"):
    rough(_name, whole(2, 3))
for _x in (transposed(2, 3), floats()):
    sample("gelu", _x, approximate="none")
    sample("gelu", _x, approximate="tanh")
    sample("leaky_relu", _x, slope=0.1)
    sample("softplus", _x, beta=2.0, threshold=1.5)
for _to in (candle.float32, candle.int64, candle.bool):
    rough("cast", floats(2, 3), dtype=_to)
sample("cast", floats(2, 3), dtype=candle.complex128)
sample("cast", complexes(2, 3), dtype=candle.float64)


# Elementwise, two inputs

BINARY = {
    **dict.fromkeys("add sub mul maximum minimum".split(), ((-2, 2), (-1.3, 2.2))),
    **dict.fromkeys("eq ne lt le gt ge".split(), ((-2, 2), (-2, 2))),
    **dict.fromkeys("div floor_divide trunc_divide remainder fmod".split(), ((-3, 3), (0.4, 1.7))),
    **{"pow": ((0.4, 2), (-2, 2)), "atan2": ((-2, 2), (-1.3, 2.2))},
}
for _name, ((_a, _b), (_c, _d)) in BINARY.items():
    sample(_name, floats(2, 3, low=_a, high=_b), transposed(2, 3, low=_c, high=_d))
    sample(_name, floats(2, 1, 3, low=_a, high=_b), floats(2, 1, low=_c, high=_d))
    sample(_name, floats(low=_a, high=_b), floats(3, low=_c, high=_d))
    sample(_name, floats(0, 3, low=_a, high=_b), floats(3, low=_c, high=_d))
    sample(_name, floats(3, low=_a, high=_b), 1.5)
    sample(_name, 1.5, floats(3, low=_c, high=_d))
    rough(_name, whole(2, 3, below=9, above=0), whole(3, below=4, above=0))
    if _name not in ("pow", "floor_divide", "trunc_divide", "remainder", "fmod"):
        rough(_name, SPECIAL, SPECIAL.reshape(-1, 1))
for _name in ("add", "sub", "mul", "div", "pow"):
    sample(_name, complexes(2, 3), complexes(3) + 2)
    sample(_name, complexes(2, 3), floats(3))
for _name in ("floor_divide", "trunc_divide", "remainder", "fmod"):
    rough(_name, floats(4, low=-3, high=3), floats(3, 1, low=-2, high=-0.3))
    rough(_name, whole(9), np.array([[3], [-2]]))
rough("pow", np.array([0.0, 2.0, -2.0]), np.array([[0.0], [2.0], [3.0]]))
sample("int_pow", np.array([2, -2, 1, -1, 3]), np.array([[3], [0], [-1]]))
sample("int_pow", whole(3), 2)
for _name in ("logical_and", "logical_or", "logical_xor"):
    sample(_name, truths(2, 3), truths(3))
for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    sample(_name, whole(2, 3), whole(3))
    sample(_name, whole(2, 3), 6)
sample("logical_not", truths(2, 3))
sample("bitwise_not", whole(2, 3))
sample("clamp", transposed(2, 3), -0.9, 0.8)
sample("clamp", floats(2, 3), floats(3, low=-1.5, high=-0.6), None)
sample("clamp", floats(2, 3), None, floats(low=0.4, high=0.6))
sample("clamp", floats(2, 3), floats(2, 1, low=-1, high=1.8), floats(3, low=-0.7, high=1.2))
rough("clamp", SPECIAL, -1.0, 1.0)
sample("where", truths(2, 3), floats(3), transposed(2, 3))
sample("where", truths(2, 1), 0.5, floats(3))
sample("where", truths(3), floats(2, 3), 2.0)
sample("dropout", floats(2, 3), truths(2, 3), p=0.25)
sample("overwrite", floats(2, 3), floats(3, low=3, high=4))


# Reductions

for _name in ("sum", "mean", "prod", "var", "std", "amax", "amin", "logsumexp", "any", "all"):
    _more: dict[str, Any] = {"correction": 1} if _name in ("var", "std") else {}
    _make = truths if _name in ("any", "all") else floats
    for _dim, _keepdim in (((0, 1, 2), False), ((1,), False), ((0, 2), True), ((2,), True)):
        sample(_name, _make(2, 3, 2), dim=_dim, keepdim=_keepdim, **_more)
    if _name != "logsumexp":
        sample(_name, _make(2, 3).T, dim=None, keepdim=False, **_more)
        sample(_name, _make(2, 3), dim=None, keepdim=True, **_more)
        if not _more:
            sample(_name, _make(), dim=None, keepdim=False)
for _name in ("sum", "mean", "prod"):
    sample(_name, complexes(2, 3), dim=(1,), keepdim=False)
    sample(_name, floats(0, 3), dim=(1,), keepdim=False)
    rough(_name, np.array([[math.nan, 1], [math.inf, -math.inf]]), dim=(1,), keepdim=False)
sample("prod", np.array([[0.0, 2.0, 3.0], [0.0, 4.0, 0.0]]), dim=(1,), keepdim=False)
sample("std", floats(2, 3), dim=(1,), keepdim=False, correction=0)
for _name in ("amax", "amin"):
    rough(_name, np.array([[math.nan, 1], [math.inf, -math.inf], [2, 2]]), dim=(1,), keepdim=False)
for _name in ("argmax", "argmin"):
    rough(_name, np.array([[3.0, 1, 3, 1], [2, 2, 2, 2], [1, math.inf, -math.inf, 0]]), dim=1, keepdim=False)
    sample(_name, transposed(2, 3), dim=0, keepdim=True)
rough("logsumexp", np.array([[math.inf, 1], [-math.inf, -math.inf], [800, 800]]), dim=(1,), keepdim=False)
for _x, _along in ((transposed(2, 3), 1), (floats(2, 3), 0), (floats(0, 2), 0), (complexes(3), 0)):
    sample("cumsum", _x, dim=_along)
for _name in ("softmax", "log_softmax"):
    sample(_name, transposed(2, 3), dim=1)
    sample(_name, floats(3, 2, 2), dim=0)
    rough(_name, np.array([800.0, 799.0, -math.inf]), dim=0)


# Shapes

for _x in (floats(2, 3), transposed(3, 3), complexes(2, 3)):
    sample("reshape", _x, shape=(*_x.shape[::-1], 1))
    sample("permute", _x, dims=(1, 0))
    sample("flip", _x, dims=(0,))
    sample("flip", _x, dims=(0, 1))
    sample("slice", _x, key=(ALL, ("slice", 1, 3, None)))
    sample("tril", _x, diagonal=0)
    sample("triu", _x, diagonal=1)
    sample("cat", _x, _x[:, :1] * 2, dim=1)
    sample("stack", _x, _x * 2, dim=1)
sample("reshape", floats(), shape=(1, 1))
sample("reshape", floats(2, 0), shape=(0, 3))
sample("permute", floats(2, 3, 4), dims=(2, 0, 1))
sample("expand", floats(2, 1, 3), shape=(2, 2, 2, 3))
sample("expand", floats(), shape=(2, 3))
for _key in ((1,), (ALL, -1), (("slice", 0, 3, 2), None), (ALL, ALL, None, 0), (("slice", 2, 2, None),), (0, 1, 2)):
    sample("slice", floats(3, 2, 3), key=_key)
    sample(
        "slice_put",
        floats(3, 2, 3),
        floats(3, 2, 3)[tuple(slice(*k[1:]) if isinstance(k, tuple) else k for k in _key)] + 4,
        key=_key,
    )
sample("slice_put", floats(3, 2), floats(2, low=3, high=4), key=(("slice", 1, None, None),))
sample("cat", floats(2, 3), whole(1, 3), dim=0)
sample("cat", floats(2, 0), floats(2, 3), dim=1)
sample("tril", floats(2, 3, 3), diagonal=-1)
sample("triu", floats(2, 3, 2), diagonal=0)


# Indices: out of order, repeated, negative

sample("index", floats(3, 2), at(2, 0, -1, 0))
sample("index", transposed(3, 2), at([2, 0], [1, 1]))
sample("index", floats(3, 2, 2), at([2], [0]), at(1, 0, -2))
sample("index", floats(3), at(1).reshape(()))
sample("index", floats(3, 2), at())
sample("index_put", floats(4, 2), floats(2, 2, low=3, high=4), at(2, -1))
sample("index_put", floats(3, 2), floats(2, low=3, high=4), at(2, 0), at(-1, 0))
sample("index_put", floats(3, 2), floats(), at(1, 0))
sample("index_add", floats(3, 2), floats(4, 2, low=3, high=4), at(2, 0, 2, -1))
sample("index_add", floats(3, 2), floats(3, low=3, high=4), at(2, 2, -1), at(1, 1, 0))
sample("index_add", floats(3), floats(4, low=3, high=4), at(0, 0, 2, 0))
sample("index_add", floats(3, 2), floats(0, 2), at())
sample("take_along_dim", floats(2, 3), at([2, 0, -1, 1], [0, 0, 1, 2]), dim=1)
sample("take_along_dim", transposed(3, 2), at([2, 0], [0, 0]), dim=0)
sample("nonzero", truths(2, 3))
sample("argsort", transposed(2, 5), dim=1, descending=False)
sample("argsort", floats(3, 2), dim=0, descending=True)
rough("argsort", np.array([2.0, 1, 2, 1, 3, 2]), dim=0, descending=False)
rough("argsort", np.array([2.0, 1, 2, 1, 3, 2]), dim=0, descending=True)
sample("topk_indices", transposed(2, 5), k=3, dim=1, largest=True)
sample("topk_indices", floats(5, 2), k=2, dim=0, largest=False)
sample("view_write", floats(2, 3), floats(2, low=3, high=4), chain=((OPS["slice"], (("key", (ALL, 1)),)),))
sample(
    "view_write",
    floats(2, 3),
    floats(2, low=3, high=4),
    chain=((OPS["permute"], (("dims", (1, 0)),)), (OPS["slice"], (("key", (2,)),))),
)


# Products

for _left, _right in (
    ((2, 3), (3, 2)),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 2, 3), (3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
):
    sample("matmul", floats(*_left), floats(*_right, low=-1, high=3))
sample("matmul", floats(2, 1, 2, 3), floats(2, 3, 2))
sample("matmul", floats(2, 2, 3), floats(3))
sample("matmul", floats(3), floats(2, 3, 2))
sample("matmul", transposed(3, 2), transposed(2, 4))
sample("matmul", complexes(2, 3), complexes(3, 2))
rough("matmul", whole(2, 3), whole(3, 2))


# Networks

sample("layer_norm", floats(2, 4), floats(4), floats(4, low=-1, high=1), dims=1, eps=1e-5)
sample("layer_norm", floats(2, 2, 3), floats(2, 3), None, dims=2, eps=1e-5)
sample("layer_norm", transposed(2, 4), None, None, dims=1, eps=1e-5)
sample("rms_norm", floats(2, 4), floats(4), dims=1, eps=1e-5)
sample("rms_norm", floats(2, 2, 3), None, dims=2, eps=1e-5)
sample("contiguous", transposed(2, 3))
sample("cross_entropy", floats(3, 4), at(2, 0, 3), ignore_index=-100)
sample("cross_entropy", floats(3, 4), at(2, -100, 3), ignore_index=-100)
sample("embedding", floats(4, 3), at([2, 0], [2, 3]), padding_idx=None)
rough("embedding", floats(4, 3), at(2, 0, 2), padding_idx=2)  # drops the gradient of row 2 on purpose

_q, _k, _v = floats(2, 3, 2), floats(2, 4, 2, low=-1, high=1), floats(2, 4, 3)
_name = "scaled_dot_product_attention"
sample(_name, _q, _k, _v, None, None, causal=False, scale=0.7, p=0.0)
sample(_name, _q, _k, _v, None, None, causal=True, scale=0.7, p=0.0)
sample(_name, _q, _k, _v, floats(3, 4), None, causal=False, scale=0.7, p=0.0)
sample(_name, _q, _k, _v, None, truths(2, 3, 4), causal=False, scale=0.7, p=0.25)
