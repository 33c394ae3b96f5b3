"""Smooth activations, and those that look at a whole dim: gelu, elu, softmax and their like."""

from __future__ import annotations

import warnings

import candle
from candle import Tensor
from candle._apply import apply
from candle.nn.functional._common import expect_tensors, written
from candle.ops import gelu, logsigmoid, sigmoid, softplus, tanh
from candle.ops._common import Unary, one_dim, unsupported

__all__ = [
    "elu",
    "elu_",
    "selu",
    "selu_",
    "celu",
    "celu_",
    "gelu",
    "silu",
    "mish",
    "glu",
    "sigmoid",
    "logsigmoid",
    "tanh",
    "tanhshrink",
    "softplus",
    "softsign",
    "softmax",
    "softmin",
    "log_softmax",
    "gumbel_softmax",
    "normalize",
]

Dtype = candle.dtype | None


class Elu(Unary):
    """scale * (x if x > 0 else alpha (e^(rate x) - 1));  dx = grad scale, or grad scale alpha rate e^(rate x)"""

    name, real, reads = "elu", True, {"x": "x"}

    def forward(xp, x, *, alpha, scale, rate):
        low = xp.minimum(x, xp.zeros((), dtype=x.dtype))  # above 0, e^x may overflow
        return xp.where(xp.greater(x, 0), x * scale, xp.expm1(low * rate) * (alpha * scale))

    def vjp(xp, needs, grad, out, x, *, alpha, scale, rate):
        low = xp.minimum(x, xp.zeros((), dtype=x.dtype))
        return (xp.where(xp.greater(x, 0), grad * scale, grad * (xp.exp(low * rate) * (alpha * scale * rate))),)


class Mish(Unary):
    """x t, t = tanh(log(1 + e^x));  dx = grad * (t + x (1 - t^2) sigmoid(x))"""

    name, reads = "mish", {"x": "x"}

    def forward(xp, x):
        return x * xp.tanh(xp.logaddexp(x, xp.zeros((), dtype=x.dtype)))

    def vjp(xp, needs, grad, out, x):
        t = xp.tanh(xp.logaddexp(x, xp.zeros((), dtype=x.dtype)))
        return (grad * (t + x * (1 - t * t) * xp.sigmoid(x)),)


# What users call


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, alpha (e^x - 1) elsewhere."""
    return written(input, apply(Elu, input, alpha=alpha, scale=1.0, rate=1.0), inplace, "elu_")


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In place: elu."""
    return elu(input, alpha, inplace=True)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """scale * elu(x, alpha) with the two numbers for which layers keep mean 0 and variance 1.

    Klambauer et al. (2017), "Self-normalizing neural networks".
    """
    return written(input, apply(Elu, input, alpha=SELU_ALPHA, scale=SELU_SCALE, rate=1.0), inplace, "selu_")


def selu_(input: Tensor) -> Tensor:
    """In place: selu."""
    return selu(input, inplace=True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, alpha (e^(x / alpha) - 1) elsewhere."""
    if not alpha:
        raise RuntimeError("celu: alpha must not be 0; use relu")
    return written(input, apply(Elu, input, alpha=alpha, scale=1.0, rate=1 / alpha), inplace, "celu_")


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In place: celu."""
    return celu(input, alpha, inplace=True)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x), also called swish."""
    return candle.silu(input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x))."""
    return written(input, apply(Mish, input), inplace, "mish")


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along `dim` times the sigmoid of the second."""
    expect_tensors("glu", input=input)
    if not input.ndim:
        raise RuntimeError("glu: a 0-d tensor has no dim to halve")
    dim = one_dim(dim, input.ndim, "glu")
    if input.shape[dim] % 2:
        raise RuntimeError(f"glu: dim {dim} of an input of shape {tuple(input.shape)} is not even")
    kept, gate = input.chunk(2, dim)
    return kept * gate.sigmoid()


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    expect_tensors("tanhshrink", input=input)
    return input - input.tanh()


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    expect_tensors("softsign", input=input)
    return input / (1 + input.abs())


def _chosen(name: str, dim: int | None, input: Tensor, stacklevel: int) -> int:
    """PyTorch's choice where no dim is given, which surprises: 1, but 0 of 0, 1 or 3 dims."""
    if dim is not None:
        return dim
    chosen = 0 if input.ndim in (0, 1, 3) else 1
    warnings.warn(f"{name}: say dim; without it, {chosen} is taken here", stacklevel=stacklevel)
    return chosen


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Dtype = None) -> Tensor:
    """Along a dim: positive numbers that add up to one."""
    return candle.softmax(input, _chosen("softmax", dim, input, _stacklevel), dtype=dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Dtype = None) -> Tensor:
    """softmax(-x)."""
    return candle.softmax(-input, _chosen("softmin", dim, input, _stacklevel), dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Dtype = None) -> Tensor:
    """The logarithm of softmax, without its rounding."""
    return candle.log_softmax(input, _chosen("log_softmax", dim, input, _stacklevel), dtype=dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A random choice by softmax(logits) that has a gradient: softmax((logits + Gumbel noise) / tau).

    `hard` makes it one-hot, with the gradient of the soft one. `eps` does nothing, as in PyTorch.
    Jang et al. (2017), "Categorical reparameterization with Gumbel-softmax", equation 2.

    >>> import candle
    >>> gumbel_softmax(candle.zeros(2, 3), hard=True).sum(-1)
    tensor([1., 1.])
    """
    gumbels = -candle.empty_like(logits).exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    dim = one_dim(dim, logits.ndim)
    onehot = candle.zeros_like(logits).scatter_(dim, soft.argmax(dim, keepdim=True), 1.0)
    return onehot - soft.detach() + soft


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """x over its p-norm along `dim` (over eps where the norm is smaller).

    >>> import candle
    >>> normalize(candle.tensor([3.0, 4.0]), dim=0)
    tensor([0.6000, 0.8000])
    """
    unsupported("normalize", out=out is not None)
    return input / input.norm(p, dim, keepdim=True).clamp_min(eps)
