"""Anomaly mode: which operation made the first nan, and the line of the user's program it stands in."""

from __future__ import annotations

import inspect
import re

import pytest

import candle
from candle.autograd import detect_anomaly, set_detect_anomaly


def line_of(text: str) -> str:
    """`this file:number` of the line with this comment."""
    source = inspect.getsource(inspect.getmodule(line_of)).splitlines()
    (number,) = [i for i, line in enumerate(source, 1) if line.rstrip().endswith(f"# {text}")]
    return f"{re.escape(__file__)}:{number}"


def test_forward_names_the_operation_its_inputs_and_the_line() -> None:
    x = candle.tensor([1.0, -1.0])
    y = x * 2
    with detect_anomaly(), pytest.raises(RuntimeError) as caught:
        y.log()  # the log
    message = str(caught.value)
    assert re.search(r"log.*nan.*\(2,\) float32 between -2 and 2", message)
    assert re.search(line_of("the log"), message)


def test_forward_names_the_first_of_several() -> None:
    with pytest.raises(RuntimeError, match=r"^sqrt"), detect_anomaly():
        (candle.tensor(-1.0).sqrt() * 2).log()


def test_forward_through_a_function_of_the_users() -> None:
    def layer(x):
        return x / x  # the division

    with pytest.raises(RuntimeError, match="div.*" + line_of("the division")), detect_anomaly():
        layer(candle.zeros(3))


def test_a_nan_that_came_in_is_nobodys_fault() -> None:
    with detect_anomaly():
        x = candle.tensor([float("nan"), 1.0], requires_grad=True)
        y = x * 2
        assert y.isnan().tolist() == [True, False]


def test_infinity_is_no_nan() -> None:
    with detect_anomaly():
        assert candle.tensor(0.0).log().item() == -float("inf")
        infinite = candle.tensor(float("inf"))
        with pytest.raises(RuntimeError, match=r"^sub"):
            infinite.sub(infinite)


def test_backward_names_the_operation_and_the_line_that_recorded_it() -> None:
    x = candle.tensor([0.0, 1.0], requires_grad=True)
    with detect_anomaly():
        y = (x * 0).sqrt()  # the square root
        loss = (y * 0).sum()
        with pytest.raises(RuntimeError) as caught:
            loss.backward()
    message = str(caught.value)
    assert re.search(r"Sqrt.*nan", message)
    assert re.search(line_of("the square root"), message)


def test_backward_of_a_function_of_the_users() -> None:
    class Broken(candle.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return grad * float("nan")

    x = candle.ones(2, requires_grad=True)
    with detect_anomaly():
        y = Broken.apply(x)  # the function
        with pytest.raises(RuntimeError, match=r"(?s)nan.*Broken.*" + line_of("the function")):
            y.sum().backward()


def test_any_exception_in_backward_tells_the_line() -> None:
    class Broken(candle.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            raise ValueError("on purpose")

    x = candle.ones(2, requires_grad=True)
    with detect_anomaly(check_nan=False):
        y = Broken.apply(x)  # the raising function
    with pytest.raises(ValueError, match="on purpose") as caught:
        y.sum().backward()
    assert re.search("Broken.*" + line_of("the raising function"), " ".join(caught.value.__notes__))


def test_without_check_nan_nothing_is_checked() -> None:
    with detect_anomaly(check_nan=False):
        assert candle.tensor(-1.0).log().isnan().item()


def test_outside_nothing_is_checked() -> None:
    with pytest.raises(RuntimeError), detect_anomaly():
        candle.tensor(-1.0).log()
    assert candle.tensor(-1.0).log().isnan().item()
    x = candle.tensor(0.0, requires_grad=True)
    ((x * 0).sqrt() * 0).backward()
    assert x.grad.isnan().item()


def test_set_detect_anomaly_acts_at_once_and_as_a_context() -> None:
    with set_detect_anomaly(True), pytest.raises(RuntimeError, match="log"):
        candle.tensor(-1.0).log()
    with detect_anomaly(), set_detect_anomaly(False):
        candle.tensor(-1.0).log()
    set_detect_anomaly(True)
    try:
        with pytest.raises(RuntimeError, match="log"):
            candle.tensor(-1.0).log()
    finally:
        set_detect_anomaly(False)
    assert candle.tensor(-1.0).log().isnan().item()


def test_integers_and_empty_tensors_pass() -> None:
    with detect_anomaly():
        assert (candle.arange(3) * 2).tolist() == [0, 2, 4]
        assert candle.zeros(0).sum().item() == 0.0
        assert candle.zeros(0, 3).exp().shape == (0, 3)


def test_gradients_are_those_without_it() -> None:
    def gradient() -> list[float]:
        x = candle.tensor([0.5, 2.0], requires_grad=True)
        (x.exp() * x.log()).sum().backward()
        return x.grad.tolist()

    plain = gradient()
    with detect_anomaly():
        assert gradient() == plain


def test_inside_vmap() -> None:
    with detect_anomaly():
        assert candle.vmap(lambda x: x.exp())(candle.zeros(2)).tolist() == [1.0, 1.0]
        assert candle.func.jacrev(lambda x: x * x)(candle.ones(2)).diagonal().tolist() == [2.0, 2.0]
        with pytest.raises(RuntimeError, match=r"log made the first nan"):
            candle.vmap(lambda x: x.log())(-candle.ones(2))
