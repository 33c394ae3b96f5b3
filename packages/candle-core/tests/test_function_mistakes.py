"""What goes wrong in a user's `Function`, and how the message says so."""

from __future__ import annotations

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


def function_with(forward=lambda ctx, x: x * 2, backward=lambda ctx, g: g) -> type:
    return type(
        "Mine", (candle.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    )


@pytest.mark.parametrize(
    ("backward", "kind", "says"),
    [
        (lambda ctx, g: (g, g), RuntimeError, r"Mine.*2 gradients.*1"),
        (lambda ctx, g: 1.0, TypeError, r"Mine.*float"),
        (lambda ctx, g: g[:2], RuntimeError, r"Mine.*\(2,\).*\(3,\)"),
    ],
    ids=["too many", "no tensor", "wrong shape"],
)
def test_wrong_gradients_are_named(backward, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        function_with(backward=backward).apply(to_candle(X)).sum().backward()


def test_too_few_gradients_are_named() -> None:
    twice = function_with(lambda ctx, x, y: x * y, lambda ctx, g: g)
    with pytest.raises(RuntimeError, match=r"Mine.*1 gradients.*2"):
        twice.apply(to_candle(X), to_candle(W)).sum().backward()


def test_trailing_nones_may_be_extra() -> None:
    def program(lib, x):
        class Extra(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, grad):
                return grad * 2, None, None

        Extra.apply(x).sum().backward()
        return x.grad

    check_both(program, X)


def test_missing_methods_are_named() -> None:
    class Nothing(candle.autograd.Function):
        pass

    class Forward(candle.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(NotImplementedError, match="forward"):
        Nothing.apply(to_candle(X))
    with pytest.raises(NotImplementedError, match="backward"):
        Forward.apply(to_candle(X)).sum().backward()


def test_a_saved_tensor_that_was_written_since_is_noticed() -> None:
    w = to_candle(W)
    y = make_product(candle).apply(to_candle(X), w)
    with candle.no_grad():
        w.add_(1)
    with pytest.raises(RuntimeError, match=r"Product.*modified by an inplace operation"):
        y.sum().backward()


def test_a_second_backward_needs_retain_graph() -> None:
    y = make_exp(candle).apply(to_candle(X)).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match=r"Exp.*retain_graph"):
        y.backward()


def test_once_differentiable_refuses_the_second() -> None:
    def program(lib, x):
        from importlib import import_module

        once = import_module(f"{lib.__name__}.autograd.function").once_differentiable

        class Square(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            @once
            def backward(ctx, grad):
                (x,) = ctx.saved_tensors
                return grad * 2 * x

        (g,) = lib.autograd.grad((Square.apply(x) ** 2).sum(), x, create_graph=True)
        with pytest.raises(RuntimeError, match="once_differentiable"):
            g.sum().backward()
        return g.detach()

    check_both(program, X)
