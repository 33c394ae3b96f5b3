"""What tests of candle, of its plugins and of third parties' backends are built from.

`assert_close` and `make_tensor` are PyTorch's. `strict` registers two fake devices, `samples` has inputs for every
op, and `backend_suite` is the suite that every backend inherits.
"""

from candle.testing.closeness import assert_close
from candle.testing.making import make_tensor

__all__ = ["assert_close", "make_tensor"]
