""" "gpu" is whatever one device a machine has besides the CPU, so that a program need not know its name."""

import pytest

import candle
from candle.backends.numpy import NumpyBackend

from .offers import offering, plugin, with_numpy


def device(name: str):
    return plugin(name, offering(**{name: lambda index: NumpyBackend(candle.device(name, index or None))}))


def test_gpu_is_the_one_device_there_is() -> None:
    registry = with_numpy(device("abacus"))
    assert registry.backend("gpu") is registry.backend("abacus")
    assert str(registry.backend("gpu:1").device) == "abacus:1"


def test_gpu_is_not_guessed_among_several() -> None:
    with pytest.raises(RuntimeError, match="'gpu' could be any of abacus, slide_rule: say which"):
        with_numpy(device("slide_rule"), device("abacus")).backend("gpu")


def test_no_gpu() -> None:
    with pytest.raises(RuntimeError, match="unknown device 'gpu'; there are: cpu"):
        with_numpy().backend("gpu")
