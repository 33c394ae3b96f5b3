"""`gradcheck` and `gradgradcheck`: right derivatives pass, wrong ones are found and told."""

from __future__ import annotations

import math

import pytest
import torch

import candle
from candle.autograd import Function, gradcheck, gradgradcheck


def real(*shape: int, requires_grad: bool = True) -> candle.Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(math.prod(shape)), dtype=torch.float64)
    return candle.tensor(values.numpy()).requires_grad_(requires_grad)


def complex_(*shape: int) -> candle.Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(7), dtype=torch.complex128)
    return candle.tensor(values.numpy()).requires_grad_()


RIGHT = {
    "one input": (lambda x: x.sin(), (real(3),)),
    "not in a tuple": (lambda x: x.exp(), real(2, 2)),
    "a number": (lambda x: x * x, (real(),)),
    "two inputs": (lambda x, y: x @ y, (real(2, 3), real(3, 2))),
    "two in a list": (lambda x, y: x @ y, [real(2, 3), real(3, 2)]),
    "one of two": (lambda x, y: x * y, (real(3), real(3, requires_grad=False))),
    "two outputs": (lambda x: (x.sin(), x.sum()), (real(3),)),
    "a list of outputs": (lambda x: [x.exp(), x * 2], (real(3),)),
    "an integer output beside": (lambda x: (x * x, x.argmax(0)), (real(3),)),
    "an output that does not depend": (lambda x: (x * x, candle.ones(2, dtype=candle.float64)), (real(3),)),
    "an input that is not used": (lambda x, y: x.tanh(), (real(3), real(2))),
    "numbers beside": (lambda x, k, f: (x**k).sum() if f else x, (real(3), 3, True)),
    "a view": (lambda x: x.T[1:], (real(2, 3),)),
    "not contiguous": (lambda x: x.sin(), (real(3, 2).detach().T.requires_grad_(),)),
    "an input of no elements": (lambda x: x * 2, (real(0, 3),)),
    "an output of no elements": (lambda x: x[:0], (real(3),)),
    "a result in the middle of a graph": (lambda x: x.sin(), (real(3).exp(),)),
    "complex to complex": (lambda z: z * z.exp(), (complex_(3),)),
    "complex to real": (lambda z: z.abs(), (complex_(3),)),
    "real to complex": (lambda x: x * (2 + 3j), (real(3),)),
    "not holomorphic": (lambda z: z.conj() * z * z, (complex_(2),)),
    "real and complex": (lambda z, x: z * x, (complex_(2), real(2))),
}


@pytest.mark.parametrize("fast", [False, True], ids=["", "fast"])
@pytest.mark.parametrize(("function", "inputs"), RIGHT.values(), ids=RIGHT)
def test_right_derivatives_pass(function, inputs, fast: bool) -> None:
    assert gradcheck(function, inputs, fast_mode=fast) is True
    assert gradgradcheck(function, inputs, fast_mode=fast) is True


def test_the_inputs_stay_as_they_were() -> None:
    x = real(3)
    before = x.tolist()
    gradcheck(lambda x: x.sin(), (x,))
    gradgradcheck(lambda x: x.sin(), (x,))
    assert (x.tolist(), x.grad, x.requires_grad) == (before, None, True)


# --- wrong ones ------------------------------------------------------------------


class Wrong(Function):
    """x^3 with a derivative that is `slope(x)`, written in Tensors, so it has a derivative of its own."""

    slope = staticmethod(lambda x: 3 * x * x)

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @classmethod
    def with_slope(cls, slope) -> type[Function]:
        class Chosen(Function):
            forward = cls.forward

            @staticmethod
            def backward(ctx, grad):
                (x,) = ctx.saved_tensors
                return grad * slope(x)

        return Chosen


WRONG = {
    "a factor": lambda x: 2 * x * x,
    "the sign": lambda x: -3 * x * x,
    "a little": lambda x: 3 * x * x * 1.01,
    "zero": lambda x: x * 0,
    "not a number": lambda x: x * math.nan,
    "infinite": lambda x: x * 0 + math.inf,
    "one element": lambda x: 3 * x * x + candle.tensor([0.0, 0.1, 0.0], dtype=candle.float64),
    "elements mixed up": lambda x: (3 * x * x).flip(0),
}


@pytest.mark.parametrize("fast", [False, True], ids=["", "fast"])
@pytest.mark.parametrize("slope", WRONG.values(), ids=WRONG)
def test_wrong_derivatives_are_found(slope, fast: bool) -> None:
    function = Wrong.with_slope(slope).apply
    with pytest.raises(RuntimeError, match="gradcheck: output 0 by input 0"):
        gradcheck(function, (real(3),), fast_mode=fast)
    assert gradcheck(function, (real(3),), raise_exception=False, fast_mode=fast) is False


def test_fast_mode_calls_the_function_thrice_for_each_input() -> None:
    """Once to go back, and once to each side: PyTorch's does the same, however many elements there are."""
    calls = []

    def counted(x, y):
        calls.append(x)
        return x * y

    assert gradcheck(counted, (real(50), real(50)), fast_mode=True)
    assert len(calls) == 1 + 2 * 3
    with pytest.raises(RuntimeError, match=r"along all elements at once the rule says \S+, differences say"):
        gradcheck(Wrong.with_slope(WRONG["a little"]).apply, (real(50),), fast_mode=True)


def test_the_message_says_where_and_how_much() -> None:
    """At x = (1, 2, 3) the second element's derivative is 12, and the rule says 13."""
    off = candle.tensor([0.0, 1.0, 0.0], dtype=candle.float64)
    x = candle.tensor([1.0, 2.0, 3.0], dtype=candle.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"input 1, output 1.*rule says 13.*differences say 12") as error:
        gradcheck(Wrong.with_slope(lambda x: 3 * x * x + off).apply, (x,))
    assert "gradcheck" in str(error.value)


def test_the_message_names_the_input_and_the_output() -> None:
    wrong = Wrong.with_slope(lambda x: x).apply
    with pytest.raises(RuntimeError, match="output 1 by input 2"):
        gradcheck(lambda x, k, y: (x + y, wrong(y) * x), (real(2), 3, real(2)))


def test_the_smallest_wrong_one_that_is_found() -> None:
    """Within rtol is right, beyond is not."""
    x = candle.tensor([1.0], dtype=candle.float64, requires_grad=True)
    assert gradcheck(Wrong.with_slope(lambda x: 3 * x * x * 1.0005).apply, (x,))
    with pytest.raises(RuntimeError):
        gradcheck(Wrong.with_slope(lambda x: 3 * x * x * 1.0005).apply, (x,), rtol=1e-4)
    assert gradcheck(Wrong.with_slope(lambda x: 3 * x * x * 1.05).apply, (x,), atol=0.2)


SECOND = {
    "cut off": lambda x: (3 * x * x).detach(),
    "through a saved number": lambda x: 3 * x * x.detach(),
}


@pytest.mark.parametrize("slope", SECOND.values(), ids=SECOND)
def test_a_wrong_second_derivative_is_found_by_gradgradcheck_only(slope) -> None:
    function = Wrong.with_slope(slope).apply
    assert gradcheck(function, (real(3),))
    with pytest.raises(RuntimeError, match="gradcheck|gradgradcheck"):
        gradgradcheck(function, (real(3),))
    assert gradgradcheck(function, (real(3),), raise_exception=False) is False


def test_wrong_complex_derivatives() -> None:
    """Without the conjugate, and with the imaginary part forgotten."""

    class NoConjugate(Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, grad):
            (z,) = ctx.saved_tensors
            return grad * 2 * z

    with pytest.raises(RuntimeError, match="gradcheck: output 0 by input 0"):
        gradcheck(NoConjugate.apply, (complex_(2),))


def test_wrong_imaginary_parts() -> None:
    class RealOnly(Function):
        @staticmethod
        def forward(ctx, z):
            return z * 2j

        @staticmethod
        def backward(ctx, grad):
            return (grad * -2j).real.to(candle.complex128)

    with pytest.raises(RuntimeError, match="gradcheck"):
        gradcheck(RealOnly.apply, (complex_(2),))


def test_a_gradient_for_what_does_not_depend() -> None:
    """The rule says something where differences say nothing."""

    class Invented(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    with pytest.raises(RuntimeError, match="output 0 by input 1"):
        gradcheck(Invented.apply, (real(2), real(2)))


def test_a_function_that_is_cut_off() -> None:
    """A detached result has no gradient, differences say it should."""
    with pytest.raises((RuntimeError, ValueError), match="gradcheck"):
        gradcheck(lambda x: x.detach() * 2, (real(2),))
    with pytest.raises((RuntimeError, ValueError), match="gradcheck"):
        gradcheck(lambda x: (x * 2, x.detach() * 3), (real(2),))


def test_a_function_that_is_not_deterministic() -> None:
    """PyTorch finds it by going backward twice; differences of different functions show it too."""
    with pytest.raises(RuntimeError):
        gradcheck(lambda x: x * candle.rand(2, dtype=candle.float64), (real(2),))


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ((real(2, requires_grad=False),), "require grad"),
        ((candle.ones(2, requires_grad=True),), "input 0.*float32.*float64"),
        ((real(2), candle.ones(2, requires_grad=True)), "input 1.*float32.*float64"),
        ((candle.ones(2, dtype=candle.complex64, requires_grad=True),), "complex64.*complex128"),
    ],
    ids=["nothing to check", "single precision", "one in single precision", "complex in single precision"],
)
def test_refused(inputs, says: str) -> None:
    for check in (gradcheck, gradgradcheck):
        with pytest.raises(ValueError, match=says):
            check(lambda *xs: xs[0] * 2, inputs)


def test_nothing_that_is_differentiable() -> None:
    """PyTorch: "gradcheck expects at least one tensor output that requires grad"; passing would be no check."""
    with pytest.raises((RuntimeError, ValueError), match="gradcheck"):
        gradcheck(lambda x: x > 0, (real(2),))


def test_an_unknown_option_is_not_swallowed() -> None:
    """PyTorch's others may be accepted; a misspelt one must not be."""
    with pytest.raises(TypeError):
        gradcheck(lambda x: x, (real(2),), tolerance=1.0)


@pytest.mark.parametrize("option", ["check_undefined_grad", "fast_mode", "check_batched_grad", "check_forward_ad"])
def test_pytorchs_options_are_known(option: str) -> None:
    assert gradcheck(lambda x: x * x, (real(2),), **{option: False})
