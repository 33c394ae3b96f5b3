"""`set_default_device` and `with candle.device(...)`: what nobody gave a place is made there, the rest stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import candle
import candle.testing.strict


@pytest.fixture(autouse=True)
def _elsewhere() -> Iterator[None]:
    candle.set_default_device("strict")
    yield
    candle.set_default_device(None)


MADE = """
tensor([1.0]); as_tensor([1.0]); asarray([1]); scalar_tensor(2); zeros(2); ones(2); empty(2); full((2,), 3); eye(3); arange(3)
range(0, 2); linspace(0, 1, 3); logspace(0, 1, 3); rand(3); randn(3); randint(3, (2,)); randperm(4); normal(0.0, 1.0, (2,))
tril_indices(2, 2); hann_window(4); FloatTensor([1]); Tensor(2); rand(4, 4).topk(2).values; empty(3).random_(4); cat([ones(1), ones(1)])
rand(3)[tensor([0, 1])]; rand(3)[[0, 1]]; where(rand(2) > 0.5, 1.0, 0.0); poisson(ones(2)); rand(4).median(0).values
""".replace("\n", ";").split(";")


@pytest.mark.parametrize("call", [each.strip() for each in MADE if each.strip()])
def test_what_nobody_gave_a_place(call: str) -> None:
    assert str(eval(f"candle.{call}", {"candle": candle, **vars(candle)}).device) == "strict"


@pytest.mark.parametrize(
    "call", ["x * 2", "x[[0]]", "x.median()", "x.multinomial(2)", "x.clone().fill_(3)", "x.new_zeros(2)"]
)
def test_what_has_a_place_stays_there(call: str) -> None:
    assert str(eval(call, {"x": candle.ones(3, device="cpu")}).device) == "cpu"


def test_states_of_generators_and_arrays_are_on_the_host() -> None:
    candle.set_rng_state(candle.get_rng_state())
    assert str(candle.get_rng_state().device) == "cpu"
    assert str(candle.from_numpy(candle.ones(2, device="cpu").numpy()).device) == "cpu"


def test_it_can_be_asked_for_and_must_exist() -> None:
    assert candle.get_default_device() == candle.device("strict")
    with pytest.raises(RuntimeError, match="unknown device 'nowhere'"):
        candle.set_default_device("nowhere")
    candle.set_default_device(None)
    assert candle.get_default_device() == candle.device("cpu")


# `with candle.device(...)`, here beside a default that is "strict"


def place() -> str:
    return str(candle.zeros(2).device)


def test_a_device_holds_within_a_block() -> None:
    with candle.device("cpu") as cpu:
        assert cpu == candle.device("cpu")
        assert place() == "cpu" == str(candle.get_default_device())
        with candle.device("strict"):
            assert place() == "strict"
            with cpu:  # again
                assert place() == "cpu"
            assert place() == "strict"
        assert place() == "cpu"
        assert str(candle.zeros(2, device="strict").device) == "strict"
    assert place() == "strict"


def test_it_ends_with_an_error() -> None:
    with pytest.raises(KeyError), candle.device("cpu"):
        raise KeyError
    assert place() == "strict"


def test_a_block_is_of_its_thread() -> None:
    found: list[str] = []
    with candle.device("cpu"):
        thread = threading.Thread(target=lambda: found.append(place()))
        thread.start()
        thread.join()
    assert found == ["strict"]
