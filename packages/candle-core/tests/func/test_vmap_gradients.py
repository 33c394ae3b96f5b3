"""Gradients and vmap: what is closed over, what is cut off, Functions and regions inside."""

from __future__ import annotations

import pytest
import torch
from torch.utils.checkpoint import checkpoint as torch_checkpoint

import candle
from candle.utils.checkpoint import checkpoint

from .trees import candles, check

X = torch.tensor([[0.5, -1.0, 2.0], [3.0, 0.25, -0.75]], dtype=torch.float64)
W = torch.tensor([1.5, 0.25, -0.5], dtype=torch.float64)


def test_gradients_per_example_of_a_small_network() -> None:
    """What differential privacy needs: the gradient of every example by every parameter."""

    def program(lib, func, params, x, y):
        def loss(p, row, target):
            hidden = (p["w1"] @ row + p["b1"]).tanh()
            return ((p["w2"] @ hidden - target) ** 2).sum()

        return func.vmap(func.grad(loss), (None, 0, 0))(params, x, y)

    g = torch.Generator().manual_seed(0)
    shapes = {"w1": (4, 3), "b1": (4,), "w2": (2, 4)}
    params = {k: torch.randn(s, generator=g, dtype=torch.float64) for k, s in shapes.items()}
    check(program, params, torch.randn(5, 3, generator=g).double(), torch.randn(5, 2, generator=g).double())


CLOSURES = {
    "multiplied": lambda lib, r, w: (r * w).tanh().sum(),
    "used twice": lambda lib, r, w: (r * w).sum() + (w * w).sum() * r[0],
    "alone": lambda lib, r, w: (w * w).sum(),
    "indexed by the example": lambda lib, r, w: w[r.argmax(0)] * r.sum(),
    "a view": lambda lib, r, w: (w[1:] * r[:2]).sum(),
    "cut off": lambda lib, r, w: (w.detach() * r).sum() + w.sum(),
    "the example cut off": lambda lib, r, w: (w * r.detach() * r).sum(),
    "without recording": lambda lib, r, w: unrecorded(lib, r, w),
}


def unrecorded(lib, r, w):
    with lib.no_grad():
        scale = (r * w).sum()
    return (r * w).sum() * scale


@pytest.mark.parametrize("loss", CLOSURES.values(), ids=CLOSURES)
def test_what_is_closed_over_gets_its_gradient(loss) -> None:
    def program(lib, func, x, w):
        x, w = x.requires_grad_(), w.requires_grad_()
        func.vmap(lambda row: loss(lib, row, w))(x).sum().backward()
        return [lib.zeros_like(t) if t.grad is None else t.grad for t in (x, w)]

    check(program, X, W)


def test_what_comes_out_remembers() -> None:
    def program(lib, func, x):
        plain = func.vmap(lambda row: row * 2)
        asked = plain(x.clone().requires_grad_())
        with lib.no_grad():
            quiet = plain(x.clone().requires_grad_())
        return plain(x).requires_grad, asked.requires_grad, quiet.requires_grad

    check(program, X)


def test_backward_through_vmap_twice() -> None:
    """create_graph through a mapped function."""

    def program(lib, func, x):
        x = x.requires_grad_()
        losses = func.vmap(lambda row: (row.exp() * row.sum()).tanh().sum())(x)
        (g,) = lib.autograd.grad(losses.sum(), x, create_graph=True)
        return g.detach(), *lib.autograd.grad((g * g).sum(), x)

    check(program, X)


def test_hooks_on_the_inputs_see_whole_batches() -> None:
    x = candles(X).requires_grad_()
    shapes = []
    x.register_hook(lambda g: shapes.append(tuple(g.shape)))
    candle.vmap(lambda row: (row * row).sum())(x).sum().backward()
    assert shapes == [(2, 3)]


# --- autograd.grad, mapped over -------------------------------------------------


def test_vmap_over_autograd_grad() -> None:
    """A Jacobian as in PyTorch's documentation: many backward passes of one graph at once."""

    def program(lib, func, x):
        x = x.requires_grad_()
        y = (x**3 * x.sum()).reshape(-1)
        rows = lib.eye(6, dtype=lib.float64)
        return func.vmap(lambda v: lib.autograd.grad(y, x, v, retain_graph=True)[0])(rows)

    check(program, X)


BATCHED = {
    "linear": lambda lib, x, w: [x @ w + x.sum()],
    "saved values": lambda lib, x, w: [(x * w).exp().sum(1) * x[:, 0]],
    "two outputs": lambda lib, x, w: [(x * w).sin().sum(1), (x @ w).tanh()],
    "a reduction": lambda lib, x, w: [x.softmax(1).amax(1) + w.prod()],
}


@pytest.mark.parametrize("function", BATCHED.values(), ids=BATCHED)
@pytest.mark.parametrize("create_graph", [False, True])
def test_is_grads_batched(function, create_graph: bool) -> None:
    def program(lib, func, x, w):
        x, w = x.requires_grad_(), w.requires_grad_()
        outs = function(lib, x, w)
        weights = [lib.arange(4 * o.numel(), dtype=lib.float64).reshape(4, *o.shape) for o in outs]
        found = lib.autograd.grad(outs, [x, w], weights, create_graph=create_graph, is_grads_batched=True)
        if not create_graph:
            return found, [g.requires_grad for g in found]
        return [g.detach() for g in found], lib.autograd.grad(sum((g**2).sum() for g in found), [x, w])

    check(program, X, W)


def test_is_grads_batched_with_an_unused_input() -> None:
    def program(lib, func, x, w):
        x, w = x.requires_grad_(), w.requires_grad_()
        eye = lib.eye(2, dtype=lib.float64)
        return lib.autograd.grad(x.sum(1), [x, w], eye, is_grads_batched=True, allow_unused=True)

    check(program, X, W)


# --- Functions and regions ------------------------------------------------------


def tripled(lib):
    """A Function whose gradient is not the derivative of its forward, so that one sees which was used."""

    class Tripled(lib.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 3 * x

    return Tripled.apply


def test_a_function_s_own_gradient_is_used_within() -> None:
    def program(lib, func, x):
        return func.vmap(func.grad(lambda row: (tripled(lib)(row) + row).sum()))(x)

    check(program, X)


def test_a_function_s_own_gradient_is_used_from_outside() -> None:
    def program(lib, func, x, w):
        each = tripled(lib)
        x, w = x.requires_grad_(), w.requires_grad_()
        losses = func.vmap(lambda row: (each(row * w) * row + each(w)).sum())(x)
        first = lib.autograd.grad(losses.sum(), [x, w], create_graph=True)
        return [g.detach() for g in first], lib.autograd.grad(sum((g**2).sum() for g in first), [x, w])

    check(program, X, W)


def test_a_function_s_own_gradient_from_outside_and_within() -> None:
    def program(lib, func, x, w):
        f = lambda w: func.vmap(func.grad(lambda row: (tripled(lib)(row * w) * row).sum()))(x)  # noqa: E731
        return func.grad(lambda w: (f(w) ** 2).sum())(w), func.jacrev(f)(w)

    check(program, X, W)


def test_a_function_s_own_gradient_through_two_levels() -> None:
    def program(lib, func, x, w):
        pairs = lambda w: func.vmap(lambda r: func.vmap(lambda q: tripled(lib)(r * q * w).sum())(x))(x)  # noqa: E731
        return func.grad(lambda w: pairs(w).sin().sum())(w)

    check(program, X, W)


def from_result(lib):
    """Functions that save a result, return several or none that vary, or leave a gradient out."""

    class Exp(lib.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x, y, k):
            return x.exp() * k, (x > 0), x * y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.mark_non_differentiable(output[1])
            ctx.save_for_backward(output[0], inputs[1])
            ctx.k = inputs[2]

        @staticmethod
        def backward(ctx, grad, _, product):
            out, y = ctx.saved_tensors
            return grad * out * 5 + product * y * ctx.k, None, None

    return Exp.apply


@pytest.mark.parametrize("used", [0, 2])
def test_a_function_that_saves_its_result(used: int) -> None:
    def program(lib, func, x, w):
        x, w = x.requires_grad_(), w.requires_grad_()
        found = func.vmap(lambda row: from_result(lib)(row, w, 2.0)[used].sum())(x)
        first = lib.autograd.grad(found.sum(), [x, w], create_graph=True, allow_unused=True)
        second = (first[0] ** 2).sum()
        again = lib.autograd.grad(second, x) if used == 0 else lib.autograd.grad(second, w)
        return first[0].detach(), again, found.requires_grad

    check(program, X, W)


def test_a_function_from_outside_leaves_no_cycle() -> None:
    import gc
    import weakref

    x, w = candles(X).requires_grad_(), candles(W)
    gc.disable()
    try:
        out = candle.vmap(lambda row: from_result(candle)(row, w, 2.0)[0].sum())(x)
        node = weakref.ref(out.grad_fn)
        del out
        assert node() is None
    finally:
        gc.enable()


def test_what_a_function_saved_may_not_change_before_backward() -> None:
    x = candles(X).requires_grad_()
    doubled = x * 2
    out = candle.vmap(lambda row: tripled(candle)(row).sum())(doubled)
    doubled.detach().add_(1)
    with pytest.raises(RuntimeError, match="inplace"):
        out.sum().backward()


def test_a_checkpointed_region() -> None:
    def program(lib, func, x):
        run = torch_checkpoint if lib is torch else checkpoint
        region = (lambda r: r.exp().sin()) if lib is torch else lambda r: run(lambda q: q.exp().sin(), r)
        x.requires_grad_()
        func.vmap(lambda row: region(row).sum())(x).sum().backward()
        return x.grad, func.vmap(func.grad(lambda row: region(row).sum()))(x.detach())

    check(program, X)
