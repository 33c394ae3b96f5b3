"""Graphs of every kind, for the pictures and explanations of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import candle
from candle.utils.checkpoint import checkpoint


class Cubed(candle.autograd.Function):
    """A user's own operation."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grad * 3 * x * x


class Parted(candle.autograd.Function):
    """One with two outputs."""

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        return x + y, x - y

    @staticmethod
    def backward(ctx: Any, a: Any, b: Any) -> Any:
        return a + b, a - b


def leaf(*shape: int) -> candle.Tensor:
    return candle.rand(*shape).requires_grad_()


def written() -> Any:
    x = leaf(3) * 1
    x[0] = leaf().exp()
    x.mul_(2)
    return x.sum()


def after_backward() -> Any:
    loss = (leaf(3) * leaf(3)).exp().sum()
    loss.backward()
    return loss


def attention() -> Any:
    x, w = leaf(4, 8), [leaf(8, 8) for _ in range(4)]
    q, k, v = (x @ each for each in w[:3])
    return (candle.scaled_dot_product_attention(q, k, v) @ w[3] + x).square().mean()


def network() -> Any:
    x = candle.rand(5, 3)
    for _ in range(4):
        x = candle.layer_norm((x @ leaf(3, 3) + leaf(3)).relu() + x, [3], leaf(3), leaf(3))
    return candle.cross_entropy(x, candle.tensor([0, 1, 2, 1, 0]))


def through_parts() -> Any:
    a, b = Parted.apply(leaf(3), leaf(3))
    return (a * b).sum()


def shared(depth: int) -> Any:
    """2^depth ways from the top to the bottom, and 2 * depth + 1 operations."""
    x = leaf(2).exp()
    for _ in range(depth):
        x = (x + x).tanh()
    return x.sum()


def chain(length: int) -> Any:
    x = leaf(2)
    for _ in range(length):
        x = x * 0.9
    return x


GRAPHS: dict[str, Callable[[], Any]] = {
    "a leaf": lambda: leaf(3),
    "one operation": lambda: leaf(3).exp(),
    "a chain": lambda: leaf(3).exp().sin().sum(),
    "a constant beside": lambda: (leaf(3) * candle.ones(3) + 2).sum(),
    "two leaves": lambda: (leaf(3) * leaf(3)).sum(),
    "one leaf twice": lambda: (lambda x: x * x)(leaf(3)),
    "a diamond": lambda: (lambda y: (y.sin() + y.cos()).sum())(leaf(3).exp()),
    "a ladder of sharing": lambda: shared(12),
    "a long skip": lambda: (lambda x: x + x.exp().sin().tanh().square())(leaf(3)),
    "many inputs": lambda: candle.cat([leaf(2) * i for i in range(12)]).sum(),
    "several outputs": lambda: (lambda p: p[0] * p[1] + p[2])(leaf(3, 2).unbind()),
    "the second output": lambda: leaf(4).sort().values[1:],
    "a custom Function": lambda: (Cubed.apply(leaf(3)) + leaf(3)).sum(),
    "a Function of two outputs": through_parts,
    "a checkpointed region": lambda: checkpoint(lambda x: x.exp().sin(), leaf(3)).sum(),
    "writing in place": written,
    "views": lambda: leaf(2, 3).T[1:].reshape(-1).expand(2, 4).sum(),
    "after backward": after_backward,
    "through vmap": lambda: candle.vmap(lambda r: (r * r).sum())(leaf(2, 3)).sum(),
    "a gradient's own graph": lambda: second_order(),
    "complex numbers": lambda: (leaf(3) * 1j).exp().abs().sum(),
    "attention": attention,
    "a network": network,
    "hooks and retained gradients": lambda: hooked(),
    "saved elsewhere": lambda: saved_elsewhere(),
}


def second_order() -> Any:
    x = leaf(3)
    (g,) = candle.autograd.grad((x**3).sum(), x, create_graph=True)
    return (g * g).sum()


def hooked() -> Any:
    x = leaf(3)
    y = x.exp()
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    return y.sum()


def saved_elsewhere() -> Any:
    with candle.autograd.graph.save_on_cpu():
        return leaf(3).exp().sum()
