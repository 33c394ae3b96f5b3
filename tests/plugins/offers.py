"""Plugins that exist only in a test: their modules, and entry points that lead there."""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from candle.hooks import hookimpl
from candle.plugins import Registry


def plugin(name: str, load: Callable[[], Any] | ModuleType, dist: str = "", version: str = "0.3") -> Any:
    """An entry point of the group `candle`."""
    owner = SimpleNamespace(name=dist or f"dist-of-{name}", version=version)
    return SimpleNamespace(name=name, dist=owner, load=load if callable(load) else lambda: load)


def module(**contents: Any) -> ModuleType:
    made = ModuleType("a_plugin")
    vars(made).update(contents)
    return made


def offering(**factories: Callable[[int], Any] | None) -> ModuleType:
    """A module that registers these devices."""

    @hookimpl
    def candle_register_backends(register: Any) -> None:
        for name, factory in factories.items():
            register(name, factory)

    return module(candle_register_backends=candle_register_backends)


def with_numpy(*entries: Any) -> Registry:
    """A registry of these plugins, after NumPy's."""
    from candle.backends import numpy

    return Registry(lambda: [plugin("numpy", numpy, "candle-core", "1.0.0"), *entries])
