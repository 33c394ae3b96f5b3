"""candle's own devices pass the suite: `cpu`, and the fakes that prove the contract."""

import pytest

import candle.testing.strict  # noqa: F401  registers two devices
from candle.testing.backend_suite import EVERYTHING, BackendSuite

from . import bare


class TestCpu(BackendSuite):
    every_element = True
    supports = EVERYTHING - {"bfloat16"}  # with it, NumPy makes a float32 of an array times 0.5

    @pytest.fixture
    def backend(self) -> str:
        return "cpu"


class TestStrict(BackendSuite):
    supports = EVERYTHING - {"float16", "bfloat16"}

    @pytest.fixture
    def backend(self) -> str:
        return "strict"


class TestFrozen(BackendSuite):
    supports = EVERYTHING - {"float16", "bfloat16"}

    @pytest.fixture
    def backend(self) -> str:
        return "frozen"


class TestBare(BackendSuite):
    supports = frozenset(bare.DTYPES)

    @pytest.fixture
    def backend(self) -> str:
        return "bare"
