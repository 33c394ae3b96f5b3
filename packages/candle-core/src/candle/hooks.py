"""The hooks a plugin may implement, and nothing else.

A plugin is a module named by an entry point of the group `candle`; it implements either hook:

    from candle.hooks import hookimpl

    CANDLE_CONTRACT = 1                               # the version it was written for

    @hookimpl
    def candle_register_backends(register):
        register("mydevice", make_backend)            # make_backend(index) -> Backend
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable

    from candle.backends.base import Backend
    from candle.kernels import Kernel

CONTRACT = 1  # raised when a backend or kernel written for the last version would break

hookspec = pluggy.HookspecMarker("candle")
hookimpl = pluggy.HookimplMarker("candle")


@hookspec
def candle_register_backends(register: Callable[[str, Callable[[int], Backend]], None]) -> None:
    """Call `register(device_name, factory)` for every device; the factory does the heavy imports."""


@hookspec
def candle_register_kernels(register: Callable[[str, str, Callable[[], Kernel]], None]) -> None:
    """Call `register(device_name, op_name, factory)` for every kernel; `factory() -> Kernel`."""
