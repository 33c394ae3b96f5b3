"""A small GPT learns the same on every device."""

import math

import pytest

import candle.testing.strict  # noqa: F401  registers two devices

from . import bare, template  # noqa: F401  registers one
from .gpt import train

template.its_tests()
STEPS = 12


@pytest.fixture(scope="module")
def on_cpu() -> list[float]:
    return train("cpu", STEPS)


def test_it_learns(on_cpu: list[float]) -> None:
    assert on_cpu[-1] < 0.8 * on_cpu[0]


@pytest.mark.parametrize("device", ["torch", "strict", "frozen", "bare"])
def test_losses_are_those_of_the_cpu(device: str, on_cpu: list[float]) -> None:
    for here, there in zip(train(device, STEPS), on_cpu, strict=True):
        assert math.isclose(here, there, rel_tol=1e-6)
