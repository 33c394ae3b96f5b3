"""Activations: relu, gelu, silu, softmax and their like."""

from __future__ import annotations

import math

from candle import _dtypes
from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import Unary, expect_tensor, one_dim

__all__ = ["gelu", "leaky_relu", "log_softmax", "logsigmoid", "relu", "silu", "softmax", "softplus"]


class Relu(Unary):
    """max(x, 0);  dx = grad where out > 0"""

    name, floats, reads = "relu", False, {"x": "out"}
    real = True

    def forward(xp, x):
        return xp.maximum(x, xp.zeros((), dtype=x.dtype))

    def vjp(xp, needs, grad, out, x):
        return (xp.where(xp.greater(out, 0), grad, xp.zeros((), dtype=grad.dtype)),)


class LeakyRelu(Unary):
    """x where positive, slope * x elsewhere;  dx = grad, or slope * grad"""

    name, reads = "leaky_relu", {"x": "x"}
    real = True

    def forward(xp, x, *, slope):
        if 0 < slope <= 1:
            return xp.maximum(x, x * slope)
        return xp.where(xp.greater(x, 0), x, x * slope)

    def vjp(xp, needs, grad, out, x, *, slope):
        return (xp.where(xp.greater(x, 0), grad, grad * slope),)


class Silu(Unary):
    """x s, s = sigmoid(x);  dx = grad * s (1 + x (1 - s))"""

    name, reads = "silu", {"x": "x"}

    def forward(xp, x):
        return x * xp.sigmoid(x)

    def vjp(xp, needs, grad, out, x):
        s = xp.sigmoid(x)
        return (grad * xp.conj(s * (1 + x * (1 - s))),)


class Softplus(Unary):
    """log(1 + e^(beta x)) / beta, or x where beta x > threshold;  dx = grad * sigmoid(beta x)"""

    name, reads = "softplus", {"x": "x"}
    real = True

    def forward(xp, x, *, beta, threshold):
        zero = xp.zeros((), dtype=x.dtype)
        return xp.where(xp.greater(x * beta, threshold), x, xp.logaddexp(x * beta, zero) / beta)

    def vjp(xp, needs, grad, out, x, *, beta, threshold):
        return (xp.where(xp.greater(x * beta, threshold), grad, grad * xp.sigmoid(x * beta)),)


class LogSigmoid(Unary):
    """-log(1 + e^-x);  dx = grad * sigmoid(-x)"""

    name, reads = "logsigmoid", {"x": "x"}

    def forward(xp, x):
        return -xp.logaddexp(-x, xp.zeros((), dtype=x.dtype))

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.sigmoid(-x),)


class Gelu(Unary):
    """x Phi(x), Phi the normal distribution;  dx = grad * (Phi(x) + x phi(x))"""

    name, reads = "gelu", {"x": "x"}
    real = True

    def forward(xp, x, *, approximate):
        if approximate == "tanh":
            return (1 + xp.tanh(_inner(x))) * x * 0.5  # one expression, which NumPy computes in place
        return x * (0.5 * (1 + xp.erf(x * math.sqrt(0.5))))

    def vjp(xp, needs, grad, out, x, *, approximate):
        if approximate == "tanh":
            t = xp.tanh(_inner(x))
            slope = K * (1 + 3 * 0.044715 * x * x)
            return (grad * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope),)
        density = xp.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        return (grad * (0.5 * (1 + xp.erf(x * math.sqrt(0.5))) + x * density),)


K = math.sqrt(2 / math.pi)


def _inner(x):
    """K (x + 0.044715 x³), as in Hendrycks and Gimpel, "Gaussian error linear units" (2016)."""
    return (x * x * (0.044715 * K) + K) * x


class Softmax(Op):
    """e^x over its sum along dim;  dx = out * (grad - sum(grad * out))"""

    name, reads, promotes, floats, autocast = "softmax", {"x": "out"}, "x", True, "float32 off cpu"
    real = True

    def forward(xp, x, *, dim):
        powers = xp.exp(x - xp.max(x, axis=dim, keepdims=True))
        return powers / xp.sum(powers, axis=dim, keepdims=True)

    def vjp(xp, needs, grad, out, x, *, dim):
        weighted = grad * out
        return (weighted - out * xp.sum(weighted, axis=dim, keepdims=True),)


class LogSoftmax(Op):
    """x - log(sum(e^x)) along dim;  dx = grad - e^out sum(grad)"""

    name, reads, promotes, floats, autocast = "log_softmax", {"x": "out"}, "x", True, "float32 off cpu"
    real = True

    def forward(xp, x, *, dim):
        shifted = x - xp.max(x, axis=dim, keepdims=True)
        return shifted - xp.log(xp.sum(xp.exp(shifted), axis=dim, keepdims=True))

    def vjp(xp, needs, grad, out, x, *, dim):
        return (grad - xp.exp(out) * xp.sum(grad, axis=dim, keepdims=True),)


# What users call


@method(inplace=True)
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0).

    >>> import candle
    >>> candle.relu(candle.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    result: Tensor = apply(Relu, input)
    return _written(input, result, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """input where positive, negative_slope * input elsewhere."""
    return _written(input, apply(LeakyRelu, input, slope=negative_slope), inplace)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """input * sigmoid(input), also called swish."""
    return _written(input, apply(Silu, input), inplace)


def _written(input: Tensor, result: Tensor, inplace: bool) -> Tensor:
    from candle._views import assign

    return assign(input, result, "activation") if inplace else result


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """log(1 + exp(beta * input)) / beta: a smooth relu."""
    return apply(Softplus, input, beta=beta, threshold=threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(input))."""
    return apply(LogSigmoid, input)


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """input times the normal distribution below it; `approximate="tanh"` is GPT-2's form."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    expect_tensor("gelu", input, "input")
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"gelu: needs a floating-point tensor, got {input.dtype}")
    return apply(Gelu, input, approximate=approximate)


@method()
def softmax(input: Tensor, dim: int, *, dtype: _dtypes.dtype | None = None) -> Tensor:
    """Along a dim: positive numbers that add up to one.

    >>> import candle
    >>> candle.tensor([0.0, 0.0]).softmax(0)
    tensor([0.5000, 0.5000])
    """
    return _along(Softmax, "softmax", input, dim, dtype)


@method()
def log_softmax(input: Tensor, dim: int, *, dtype: _dtypes.dtype | None = None) -> Tensor:
    """The logarithm of `softmax`, without its rounding."""
    return _along(LogSoftmax, "log_softmax", input, dim, dtype)


def _along(op: type[Op], name: str, input: Tensor, dim: int, dtype: _dtypes.dtype | None) -> Tensor:
    expect_tensor(name, input, "input")
    if dtype is not None:
        input = input.to(dtype)
    dim = one_dim(dim, input.ndim, name)
    if not input.numel():
        return input.clone()
    return apply(op, input, dim=dim) if input.ndim else apply(op, input.reshape(1), dim=0).reshape(())
