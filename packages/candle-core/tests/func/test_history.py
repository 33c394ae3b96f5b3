"""What the results of transforms remember: only what the caller could differentiate by."""

from __future__ import annotations

import pytest
import torch

import candle

from .trees import check

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
W = torch.tensor([1.5, 0.25, -0.75], dtype=torch.float64)

# transform(func, function of one vector to a vector, x): a list of tensors
TRANSFORMS = {
    "grad": lambda lib, func, f, x: [func.grad(lambda v: f(v).sum())(x)],
    "grad_and_value": lambda lib, func, f, x: list(func.grad_and_value(lambda v: f(v).sum())(x)),
    "vjp": lambda lib, func, f, x: through_vjp(lib, func, f, x),
    "jvp": lambda lib, func, f, x: list(func.jvp(f, (x,), (lib.ones_like(x),))),
    "jacrev": lambda lib, func, f, x: [func.jacrev(f)(x)],
    "jacfwd": lambda lib, func, f, x: [func.jacfwd(f)(x)],
    "hessian": lambda lib, func, f, x: [func.hessian(lambda v: f(v).sum())(x)],
    "vmap": lambda lib, func, f, x: [func.vmap(f)(lib.stack([x, x]))],
    "vmap of grad": lambda lib, func, f, x: [func.vmap(func.grad(lambda v: f(v).sum()))(lib.stack([x, x]))],
}


def through_vjp(lib, func, f, x):
    out, pull = func.vjp(f, x)
    return [out, *pull(lib.ones_like(out).detach())]


every_transform = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)


def remembered(lib, found, *leaves):
    """Whether each result requires grad, its values, and the gradient of them all by the leaves."""
    connected = [t for t in found if t.requires_grad]
    loss = sum((t * t).sum() for t in connected) if connected else None
    grads = lib.autograd.grad(loss, leaves, allow_unused=True) if connected else None
    return [t.requires_grad for t in found], [t.detach() for t in found], grads


@every_transform
def test_nothing_where_nothing_requires_grad(transform) -> None:
    check(lambda lib, func, x: remembered(lib, transform(lib, func, lambda v: v**3 * v.sum(), x)), X)


@every_transform
def test_an_input_that_requires_grad(transform) -> None:
    def program(lib, func, x):
        x.requires_grad_()
        return remembered(lib, transform(lib, func, lambda v: v**3 * v.sum(), x), x)

    check(program, X)


@every_transform
def test_an_input_in_the_middle_of_a_graph(transform) -> None:
    def program(lib, func, x):
        x.requires_grad_()
        return remembered(lib, transform(lib, func, lambda v: v**3 * v.sum(), x.sin()), x)

    check(program, X)


@every_transform
def test_a_tensor_closed_over_that_requires_grad(transform) -> None:
    """Gradients by inputs, trained by parameters: a gradient penalty, a physics-informed loss."""

    def program(lib, func, x, w):
        w.requires_grad_()
        return remembered(lib, transform(lib, func, lambda v: (v * w) ** 3 * v.sum(), x), w)

    check(program, X, W)


@every_transform
def test_both(transform) -> None:
    def program(lib, func, x, w):
        x.requires_grad_()
        w.requires_grad_()
        return remembered(lib, transform(lib, func, lambda v: (v * w) ** 3 * v.sum(), x), x, w)

    check(program, X, W)


@every_transform
def test_under_no_grad_the_results_forget(transform) -> None:
    def program(lib, func, x, w):
        x.requires_grad_()
        w.requires_grad_()
        with lib.no_grad():
            found = transform(lib, func, lambda v: (v * w) ** 3 * v.sum(), x)
        return remembered(lib, found, x, w)

    check(program, X, W)


def with_a_constant(lib):
    def f(v):
        with lib.no_grad():
            scale = v * v
        return v**3 * scale

    return f


@pytest.mark.parametrize("name", ["grad", "grad_and_value", "vjp", "jacrev", "vmap", "vmap of grad"])
def test_no_grad_inside_makes_a_constant(name: str) -> None:
    check(lambda lib, func, x: TRANSFORMS[name](lib, func, with_a_constant(lib), x), X)


def test_no_grad_inside_makes_a_constant_for_forward_transforms_too() -> None:
    """PyTorch's forward mode goes on through no_grad; here both ways give one answer."""
    x = candle.tensor(X.numpy())
    f = with_a_constant(candle)
    assert candle.func.jacfwd(f)(x).tolist() == candle.func.jacrev(f)(x).tolist()


def test_no_grad_around_an_inner_transform() -> None:
    """The example of PyTorch's documentation: what no_grad made does not depend on x."""

    def program(lib, func, x, y):
        def g(x, y):
            with lib.no_grad():
                c = func.grad(lambda v: (v**3).sum())(x)
            return (c * y).sum() + (x * y).sum()

        return func.grad(g, (0, 1))(x, y)

    check(program, X, W)


def test_backward_works_as_ever_on_the_results() -> None:
    def program(lib, func, x, w):
        x.requires_grad_()
        w.requires_grad_()
        (func.grad(lambda v: (v**3 * w).sum())(x) ** 2).sum().backward()
        return x.grad, w.grad

    check(program, X, W)


def test_the_weights_of_vjp_may_require_grad() -> None:
    def program(lib, func, x, w):
        w.requires_grad_()
        _, pull = func.vjp(lambda v: v**3, x)
        (found,) = pull(w)
        return found.requires_grad, lib.autograd.grad(found.sum(), w)

    check(program, X, W)


def test_the_tangents_of_jvp_may_require_grad() -> None:
    def program(lib, func, x, w):
        w.requires_grad_()
        _, pushed = func.jvp(lambda v: v**3, (x,), (w,))
        return pushed.requires_grad, lib.autograd.grad(pushed.sum(), w)

    check(program, X, W)


def test_writing_into_an_input_that_requires_grad_is_refused() -> None:
    x = candle.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf|in-place|in place"):
        candle.func.grad(lambda v: (v.mul_(2) ** 2).sum())(x)
    assert x.tolist() == [1.0, 2.0]


def test_writing_into_an_input_that_does_not_is_refused_too() -> None:
    x = candle.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match="leaf|in-place|in place"):
        candle.func.grad(lambda v: (v.mul_(2) ** 2).sum())(x)
    assert x.tolist() == [1.0, 2.0]


def test_the_graph_goes_when_the_results_do() -> None:
    """No cycle, and nothing kept: with the garbage collector off, the saved arrays are freed."""
    import gc
    import weakref

    class Watched(candle.autograd.Function):
        kept: list = []

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x * 2)
            Watched.kept.append(weakref.ref(ctx))
            return x * 3

        @staticmethod
        def backward(ctx, grad):
            return grad * 3

    gc.disable()
    try:
        result = candle.func.grad_and_value(lambda v: ((Watched.apply(v) ** 2).sum(), v * 2), has_aux=True)(
            candle.ones(3)
        )
        assert result[0].tolist() == [18, 18, 18]
        assert [ref() for ref in Watched.kept] == [None]
    finally:
        gc.enable()
