"""What is saved for backward may be kept elsewhere: `saved_tensors_hooks`, and what they promise."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import check_both, to_candle, values_of

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
W = torch.tensor([1.5, 0.25, -0.75], dtype=torch.float64, requires_grad=True)


def test_everything_saved_is_packed_and_unpacked() -> None:
    def program(lib, x, w):
        packed, unpacked = [], []

        def pack(t):
            packed.append(t.detach().clone())
            return len(packed) - 1

        def unpack(i):
            unpacked.append(i)
            return packed[i]

        with lib.autograd.graph.saved_tensors_hooks(pack, unpack):
            y = (x * w).exp()
        before = len(packed)
        y.sum().backward()
        return before, sorted(unpacked), x.grad, w.grad

    check_both(program, X, W)


def test_what_is_unpacked_is_what_backward_sees() -> None:
    def program(lib, x, w):
        with lib.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t * 10):
            y = x.exp()
        y.sum().backward()
        return x.grad

    check_both(program, X, W)


def test_the_innermost_hooks_win_and_the_outer_come_back() -> None:
    def program(lib, x, w):
        hooks = lib.autograd.graph.saved_tensors_hooks
        with hooks(lambda t: t, lambda t: t * 2):
            a = x.exp()
            with hooks(lambda t: t, lambda t: t * 100):
                b = x.exp()
            c = x.exp()
        d = x.exp()
        (a + b + c + d).sum().backward()
        return x.grad

    check_both(program, X, W)


def test_values_can_leave_the_process_memory(tmp_path) -> None:
    """A day's work: to disk and back."""

    def pack(t: candle.Tensor):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.txt"
        path.write_text(repr(t.tolist()))
        return path, t.dtype

    def unpack(kept) -> candle.Tensor:
        path, dtype = kept
        return candle.tensor(eval(path.read_text()), dtype=dtype)

    x, w = to_candle(X), to_candle(W)
    with candle.autograd.graph.saved_tensors_hooks(pack, unpack):
        loss = (x * w).tanh().prod()
    assert len(list(tmp_path.iterdir())) >= 2
    loss.backward()
    y, v = X.detach().clone().requires_grad_(), W.detach().clone().requires_grad_()
    (y * v).tanh().prod().backward()
    assert values_of(x.grad).tolist() == pytest.approx(y.grad.tolist(), rel=1e-12)
    assert values_of(w.grad).tolist() == pytest.approx(v.grad.tolist(), rel=1e-12)


def test_tensors_saved_by_a_function_are_packed_too() -> None:
    def program(lib, x, w):
        class Product(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                ctx.save_for_backward(x, y)
                return x * y

            @staticmethod
            def backward(ctx, grad):
                x, y = ctx.saved_tensors
                return grad * y, grad * x

        seen = []
        with lib.autograd.graph.saved_tensors_hooks(
            lambda t: (seen.append(t.detach().clone()), t)[1], lambda t: t * 10
        ):
            y = Product.apply(x, w)
        y.sum().backward()
        return seen, x.grad, w.grad

    check_both(program, X, W)


def test_save_on_cpu_changes_nothing_but_the_place() -> None:
    def program(lib, x, w):
        with lib.autograd.graph.save_on_cpu():
            y = (x * w).exp().sin()
        y.sum().backward()
        return x.grad, w.grad

    check_both(program, X, W)


def test_higher_derivatives_through_packed_values() -> None:
    def program(lib, x, w):
        with lib.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            y = (x * w).exp()
            (g,) = lib.autograd.grad(y.sum(), [x], create_graph=True)
        return lib.autograd.grad((g**2).sum(), [x, w])

    check_both(program, X, W)


def test_packing_is_not_recorded() -> None:
    states = []

    def pack(t: candle.Tensor) -> candle.Tensor:
        states.append((candle.is_grad_enabled() and t.requires_grad, (t * 2).requires_grad))
        return t

    with candle.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        y = to_candle(X).exp()
    assert set(states) == {(False, False)}
    y.sum().backward()


def test_a_failing_pack_hook_raises_at_the_operation() -> None:
    x = to_candle(X)
    with candle.autograd.graph.saved_tensors_hooks(lambda t: 1 / 0, lambda t: t), pytest.raises(ZeroDivisionError):
        x.exp()
    x.exp().sum().backward()
    assert x.grad is not None


def test_a_failing_unpack_hook_raises_in_backward() -> None:
    x = to_candle(X)
    with candle.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: 1 / 0):
        y = x.exp().sum()
    with pytest.raises(ZeroDivisionError):
        y.backward()
    x.exp().sum().backward()
    assert x.grad is not None


def test_what_unpack_returns_must_be_a_tensor() -> None:
    with candle.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), lambda kept: kept):
        y = to_candle(X).exp().sum()
    with pytest.raises(TypeError, match=r"unpack.*list"):
        y.backward()


def test_a_write_after_packing_is_no_reason_to_refuse() -> None:
    """The packed copy is what counts."""

    def program(lib, x, w):
        with lib.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
            y = x.exp()
        with lib.no_grad():
            y.zero_()
        y.sum().backward()
        return x.grad

    check_both(program, X, W)
