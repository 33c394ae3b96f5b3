"""Random numbers: generators, and the current one of the program."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from candle._tensor import Tensor


class Generator:
    """A source of random numbers of its own; the same seed gives the same numbers on every device.

    >>> import candle
    >>> a = candle.rand(2, generator=candle.Generator().manual_seed(1))
    >>> b = candle.rand(2, generator=candle.Generator().manual_seed(1))
    >>> bool((a == b).all())
    True
    """

    def __init__(self, device: Any = "cpu"):
        from candle.plugins import backend_of

        self.device = device if str(device) == "cpu" else backend_of(device).device
        self._numpy: np.random.Generator | None = None
        self._seed = 0

    @property
    def numpy(self) -> np.random.Generator:
        """Numbers are drawn on the host, by NumPy's Philox, which counts and can be set to any place."""
        if self._numpy is None:
            self.seed()
        assert self._numpy is not None
        return self._numpy

    def manual_seed(self, seed: int) -> Generator:
        """Start from a seed: the same one, the same numbers."""
        import numpy as np

        self._seed = int(seed)
        self._numpy = np.random.Generator(np.random.Philox(self._seed % 2**128))
        return self

    def seed(self) -> int:
        """Start from a seed that nobody knows, and return it."""
        self.manual_seed(time.time_ns() % 2**63)
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the generator started from."""
        return self._seed

    def get_state(self) -> Tensor:
        """Where the generator stands, as a tensor of bytes."""
        import json

        import numpy as np

        from candle.ops.creation import tensor

        state = {"seed": self._seed, **self.numpy.bit_generator.state}
        text = json.dumps(state, default=lambda a: [int(x) for x in a])
        return tensor(np.frombuffer(text.encode(), dtype=np.uint8), device="cpu")

    def set_state(self, state: Tensor) -> Generator:
        """Go back to where `get_state` was called."""
        import json

        import numpy as np

        try:
            saved = json.loads(bytes(state.numpy()).decode())
            for part in (saved, saved["state"]):
                part.update({k: np.array(v, dtype=np.uint64) for k, v in part.items() if isinstance(v, list)})
            stand = np.random.Philox(0)
            seed, stand.state = saved.pop("seed", 0), saved
        except (ValueError, TypeError, KeyError, AttributeError):
            raise RuntimeError(f"set_state: expected what get_state returned, got {state!r}") from None
        self._seed, self._numpy = seed, np.random.Generator(stand)
        return self

    def clone_state(self) -> Generator:
        """Another generator that stands where this one does."""
        return Generator(self.device).set_state(self.get_state())


default_generator = Generator()


def draws_of(generator: Generator | None) -> np.random.Generator:
    """Where a function draws from that was given this generator, or none."""
    if generator is None:
        return default_generator.numpy
    if not isinstance(generator, Generator):
        raise TypeError(f"expected a candle.Generator to draw from, got {generator!r}")
    return generator.numpy


def manual_seed(seed: int) -> Generator:
    """Start the program's random numbers from a seed."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start them from a seed that nobody knows."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that they started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Where the program's generator stands."""
    return default_generator.get_state()


def set_rng_state(state: Tensor) -> None:
    """Go back to where `get_rng_state` was called."""
    default_generator.set_state(state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str | None = None) -> Iterator[None]:
    """What is drawn inside does not move the program's generator, which serves every device.

    >>> import candle
    >>> with candle.random.fork_rng():
    ...     a = candle.rand(2)
    >>> bool((a == candle.rand(2)).all())
    True
    """
    before = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(before)
