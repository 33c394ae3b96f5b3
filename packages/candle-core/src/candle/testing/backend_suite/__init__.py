"""The conformance suite of backends: inherit it, name your device, and pytest does the rest.

    import pytest
    from candle.testing.backend_suite import EVERYTHING, BackendSuite

    class TestMyDevice(BackendSuite):
        supports = EVERYTHING - {"bfloat16", "uint16", "uint32", "uint64"}

        @pytest.fixture
        def backend(self):
            return "mydevice"

`supports` holds the names of the dtypes your device computes in (without "float64" there are no finite
differences, without "complex64" no complex numbers). The fixture `backend` returns the device's name; it is
the place to register the device, or to skip where the hardware is missing.

What is asked: every name of `candle.backends.contract` computes what NumPy computes (`contract`); memory is
shared and copied where the engine relies on it (`memory`); every op has the CPU's values and gradients, and
those of finite differences, twice over (`operations`); writing in place and through views means the same
(`writing`); what is out of range raises (`errors`); and a small network learns the same (`training`). An op
that needs `xp.linalg` or `xp.fft` may raise NotImplementedError where the device has no such extension.
"""

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in "base contract memory operations writing errors training".split())
)

from candle.testing.backend_suite.base import EVERYTHING  # noqa: E402
from candle.testing.backend_suite.contract import ContractTests, OperatorTests  # noqa: E402
from candle.testing.backend_suite.errors import ErrorTests  # noqa: E402
from candle.testing.backend_suite.memory import MemoryTests, TransferTests  # noqa: E402
from candle.testing.backend_suite.operations import OpTests  # noqa: E402
from candle.testing.backend_suite.training import TrainingTests  # noqa: E402
from candle.testing.backend_suite.writing import WritingTests  # noqa: E402

__all__ = ["EVERYTHING", "BackendSuite"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of nan and infinities, which are here on purpose
class BackendSuite(
    ContractTests, OperatorTests, MemoryTests, TransferTests, OpTests, WritingTests, ErrorTests, TrainingTests
):
    """All of the suite; see this module's docstring."""
