"""`autograd.Function`: operations whose gradient the user writes."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

import candle

from .oracle import check_both, to_candle

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
W = torch.tensor([1.5, 0.25, -0.75], dtype=torch.float64, requires_grad=True)


def make_product(lib):
    class Product(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, grad):
            x, y = ctx.saved_tensors
            return grad * y, grad * x

    return Product


def make_exp(lib):
    class Exp(lib.autograd.Function):
        """Saves its output."""

        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, grad):
            (y,) = ctx.saved_tensors
            return grad * y

    return Exp


@pytest.mark.parametrize("wanted", ["both", "x", "w", "none"])
def test_saved_inputs(wanted: str) -> None:
    def program(lib, x, w):
        x, w = x.detach().requires_grad_(wanted in ("both", "x")), w.detach().requires_grad_(wanted in ("both", "w"))
        y = make_product(lib).apply(x, w)
        if y.requires_grad:
            (y * y).sum().backward()
        return y.detach(), y.requires_grad, y.is_leaf, x.grad, w.grad

    check_both(program, X, W)


def test_saved_outputs() -> None:
    def program(lib, x):
        y = make_exp(lib).apply(x * 2)
        (y * y).sum().backward()
        return y.detach(), x.grad

    check_both(program, X)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "make", [make_exp, lambda lib: type("Square", (), {"apply": lambda x: make_product(lib).apply(x, x)})]
)
def test_derivatives_of_any_order_go_through_backward(make, order: int) -> None:
    def program(lib, x):
        y = make(lib).apply(x) * x.sin()
        for _ in range(order):
            (y,) = lib.autograd.grad(y.sum(), x, create_graph=True)
        return y.detach()

    check_both(program, X)


def test_forward_runs_unrecorded_and_backward_too() -> None:
    seen = []

    class Watch(candle.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            seen.append(("forward", candle.is_grad_enabled(), (x * 2).requires_grad))
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            seen.append(("backward", candle.is_grad_enabled()))
            return grad * 2

    x = to_candle(X)
    y = Watch.apply(x)
    y.sum().backward(retain_graph=True)
    candle.autograd.grad(y.sum(), x, create_graph=True)
    assert seen == [("forward", False, False), ("backward", False), ("backward", True)]


def test_needs_input_grad_says_what_is_wanted() -> None:
    def program(lib, x, w):
        seen = []

        class Product(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x, y, n):
                seen.append(ctx.needs_input_grad)
                ctx.save_for_backward(x, y)
                return x * y * n

            @staticmethod
            def backward(ctx, grad):
                x, y = ctx.saved_tensors
                seen.append(ctx.needs_input_grad)
                return (
                    grad * y * 2 if ctx.needs_input_grad[0] else None,
                    grad * x * 2 if ctx.needs_input_grad[1] else None,
                    None,
                )

        Product.apply(x, w.detach(), 2).sum().backward()
        Product.apply(x.detach(), w, 2).sum().backward()
        return seen, x.grad, w.grad

    check_both(program, X, W)


def test_setup_context_apart_from_forward() -> None:
    def program(lib, x, w):
        class Product(lib.autograd.Function):
            @staticmethod
            def forward(x, y, factor):
                return x * y * factor, x + 1

            @staticmethod
            def setup_context(ctx, inputs, output):
                x, y, ctx.factor = inputs
                product, plus = output
                ctx.mark_non_differentiable(plus)
                ctx.save_for_backward(x, y, product)

            @staticmethod
            def backward(ctx, grad, _):
                x, y, product = ctx.saved_tensors
                assert product.shape == x.shape
                return grad * y * ctx.factor, grad * x * ctx.factor, None

        y, plus = Product.apply(x, w, 3)
        (g,) = lib.autograd.grad((y**2).sum(), x, create_graph=True)
        return y.detach(), plus, g.detach(), lib.autograd.grad(g.sum(), [x, w])

    check_both(program, X, W)


def test_a_gradient_is_fitted_to_its_input() -> None:
    """Summed to its shape, cast to its dtype."""

    def program(lib, x, w):
        class Outer(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x, s):
                ctx.save_for_backward(x, s)
                return x * s

            @staticmethod
            def backward(ctx, grad):
                x, s = ctx.saved_tensors
                return (grad * s).to(lib.float32), grad * x

        s = w[:1].detach().requires_grad_()
        Outer.apply(x, s).sum().backward()
        return x.grad, s.grad

    check_both(program, X, W)


@pytest.mark.parametrize(
    "make", [make_exp, lambda lib: type("Square", (), {"apply": lambda x: make_product(lib).apply(x, x)})]
)
def test_no_cycle_keeps_the_graph_alive(make) -> None:
    gc.collect()
    gc.disable()
    try:
        y = make(candle).apply(to_candle(X))
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def make_scaled(lib, separate):
    class Scaled(lib.autograd.Function):
        @staticmethod
        def forward(*inputs_and_context):
            raise NotImplementedError

        @staticmethod
        def backward(ctx, grad):
            Scaled.needs = ctx.needs_input_grad
            return grad * ctx.k, *(None,) * (len(ctx.needs_input_grad) - 1)

    if separate:
        Scaled.forward = staticmethod(lambda x, k=2.0, shift=None: x * k)
        Scaled.setup_context = staticmethod(lambda ctx, inputs, output: setattr(ctx, "k", inputs[1]))
    else:

        def forward(ctx, x, k=2.0, shift=None):
            ctx.save_for_forward(x)
            ctx.k = k
            return x * k

        Scaled.forward = staticmethod(forward)
    return Scaled


@pytest.mark.parametrize("separate", [False, True], ids=["ctx", "setup_context"])
@pytest.mark.parametrize(
    "call",
    [
        *("f.apply(x)", "f.apply(x, k=3.0)", "f.apply(k=3.0, x=x)", "f.apply(x, 3.0, shift=x)", "f.apply(x, shift=x)"),
        *("f.apply(x, other=1)", "f.apply(x, x=x)", "f.apply(k=2.0)"),
    ],
)
def test_arguments_by_name(call: str, separate: bool) -> None:
    """What is given by name counts as an input where forward has it; PyTorch's own refusals are refused."""

    def program(lib, x):
        function = make_scaled(lib, separate)
        try:
            y = eval(call, {"f": function, "x": x})
        except TypeError:
            return "TypeError"
        node_needs = tuple(y.grad_fn.needs_input_grad)
        y.sum().backward()
        return y.detach(), x.grad, function.needs, node_needs

    check_both(program, X)


def test_a_gradient_without_dims_is_a_tensor_like_others() -> None:
    def program(lib, x):
        class Triple(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 3

            @staticmethod
            def backward(ctx, grad):
                return grad.view(1)[0].mul_(3)

        y = Triple.apply(x[0])
        (y * y + y).backward()
        return x.grad

    check_both(program, torch.tensor([2.0, 3.0], requires_grad=True))


def test_a_node_is_called_after_its_function() -> None:
    def program(lib, x, w):
        node = make_product(lib).apply(x, w).grad_fn
        return type(node).__name__, node.name()

    check_both(program, X, W)


def test_a_node_shows_what_was_saved() -> None:
    def program(lib, x, w):
        return list(make_product(lib).apply(x, w).grad_fn.saved_tensors)

    check_both(program, X, W)
