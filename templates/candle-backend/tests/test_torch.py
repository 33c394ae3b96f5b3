"""All of a backend's tests: the suite, and what the device supports."""

import pytest

from candle.testing.backend_suite import EVERYTHING, BackendSuite


class TestTorch(BackendSuite):
    supports = EVERYTHING - {"bfloat16", "uint16", "uint32", "uint64"}  # torch stores the unsigned, and no more

    @pytest.fixture
    def backend(self):
        return "torch"
