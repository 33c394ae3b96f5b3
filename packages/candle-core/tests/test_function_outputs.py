"""What `Function.forward` may return: inputs, views, what it wrote, what carries no gradient."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import check_both, to_candle

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)


W = torch.tensor([1.5, 0.25, -0.75], dtype=torch.float64, requires_grad=True)


def test_several_inputs_and_outputs_of_all_kinds() -> None:
    def program(lib, x, w):
        class Mixed(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x, factor, w, name, index):
                ctx.factor, ctx.name = factor, name
                ctx.save_for_backward(w, None, index)
                return x * factor, w.sum(), index + 1, "text"

            @staticmethod
            def backward(ctx, *grads):
                w, nothing, index = ctx.saved_tensors
                assert nothing is None
                a, b, *_ = grads
                return a * ctx.factor, None, b.expand(w.shape) * index.sum(), None, None

        index = lib.tensor([0, 2])
        a, b, c, text = Mixed.apply(x, 3.0, w, "name", index)
        (a.sum() * 2 + b * 5).backward()
        return a.detach(), b.detach(), c, c.requires_grad, text, x.grad, w.grad

    check_both(program, X, W)


@pytest.mark.parametrize("materialize", [True, False])
def test_gradients_of_unused_outputs(materialize: bool) -> None:
    def program(lib, x):
        seen = []

        class Two(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.set_materialize_grads(materialize)
                return x * 2, x[:2] * 3

            @staticmethod
            def backward(ctx, a, b):
                seen.append((a, b))
                return a * 2 if b is None else a * 2 + lib.cat([b, b[:1] * 0]) * 3

        a, _ = Two.apply(x)
        a.sum().backward()
        return seen, x.grad

    check_both(program, X)


def test_outputs_without_a_gradient() -> None:
    def program(lib, x):
        class Sorted(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                values, index = x.sort()
                rounded = x.round()
                ctx.mark_non_differentiable(rounded)
                ctx.save_for_backward(index)
                return values, index, rounded

            @staticmethod
            def backward(ctx, grad, *unused):
                (index,) = ctx.saved_tensors
                return lib.zeros_like(grad).scatter(0, index, grad)

        values, index, rounded = Sorted.apply(x)
        (values * lib.arange(3, dtype=lib.float64) + rounded).sum().backward()
        return values.detach(), index, rounded, rounded.requires_grad, index.requires_grad, x.grad

    check_both(program, X)


def test_inputs_written_in_forward_are_marked_dirty() -> None:
    def program(lib, x):
        class AddOne(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                x.add_(1)
                ctx.mark_dirty(x)
                return x

            @staticmethod
            def backward(ctx, grad):
                return grad * 100

        y = x * 2
        before = y * 3
        z = AddOne.apply(y)
        (z * z + before).sum().backward()
        return z is y, y.detach(), y._version > 0, x.grad

    check_both(program, X)


def test_a_dirty_leaf_is_refused() -> None:
    class AddOne(candle.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.add_(1)

        @staticmethod
        def backward(ctx, grad):
            return grad

    with pytest.raises(RuntimeError, match="leaf"):
        AddOne.apply(to_candle(X))


def test_a_dirty_view_is_refused() -> None:
    """PyTorch writes it into the base; here the user is told to clone."""

    class Scale(candle.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(10)

        @staticmethod
        def backward(ctx, grad):
            return grad * 10

    y = to_candle(X) * 2
    with pytest.raises(RuntimeError, match=r"Scale.*view.*clone\(\)"):
        Scale.apply(y[1:])


def test_an_input_returned_as_it_is() -> None:
    def program(lib, x):
        class Identity(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x

            @staticmethod
            def backward(ctx, grad):
                return grad * 7

        y = Identity.apply(x)
        y.sum().backward()
        return y is x, x.is_leaf, y.is_leaf, x.grad

    check_both(program, X)


def test_a_view_returned_from_forward() -> None:
    def program(lib, x):
        class Tail(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x[1:]

            @staticmethod
            def backward(ctx, grad):
                return lib.cat([grad[:1] * 0, grad * 5])

        y = Tail.apply(x * 2)
        (y * y).sum().backward()
        return y.detach(), x.grad

    check_both(program, X)
