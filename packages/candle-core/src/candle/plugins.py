"""Finding the devices and kernels that installed plugins offer.

Plugins load when a device is first used, never by `import candle`; then a device is a plain object
and no hook is called again. Each plugin loads by itself: what is wrong with one is kept, to be told
by `candle.devices()` and by the error for an unknown device, and touches no other.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from candle._device import Device
from candle._modes import state

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from candle.backends.base import Backend


@dataclass
class Plugin:
    """One entry point: whose it is, and what is wrong with it, if anything."""

    name: str
    owner: str  # distribution and version
    devices: list[str] = field(default_factory=list)
    kernels: list[str] = field(default_factory=list)
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return f"{self.name} ({self.owner}): FAILED: {self.problem}"
        offers = [f"device {d}" for d in self.devices] + [f"kernel {k}" for k in self.kernels]
        return f"{self.name} ({self.owner}): {', '.join(offers) or 'offers nothing'}"


class Taken(ValueError):
    """Two plugins offer a device of one name."""


class Registry:
    """All plugins, loaded once."""

    def __init__(self, entry_points: Callable[[], Iterable[EntryPoint]] | None = None):
        self._entry_points = entry_points or _installed
        self._lock = threading.RLock()
        self._made: dict[tuple[str, int], Backend] = {}
        self.plugins: list[Plugin] | None = None
        self.default = Device("cpu")  # where tensors are made that nobody gave a place
        self.factories: dict[str, tuple[Plugin, Callable[[int], Backend]]] = {}
        self.kernels: list[tuple[Plugin, str, str, Callable[[], Any]]] = []  # (whose, device, op, factory)
        self.contested: dict[str, str] = {}  # devices that nobody gets, and why

    def load(self) -> list[Plugin]:
        with self._lock:
            if self.plugins is None:
                self.plugins = []
                self.plugins.extend(map(self._load, self._entry_points()))
            return self.plugins

    def _load(self, entry: EntryPoint) -> Plugin:
        from candle import hooks

        dist = entry.dist
        plugin = Plugin(entry.name, f"{dist.name} {dist.version}" if dist else "unknown distribution")
        try:
            self._call_hooks(entry.load(), plugin, hooks)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, and the panics of libraries written in Rust, too
            self._withdraw(plugin)
            plugin.problem = _told(error)
            if isinstance(error, Taken) and error.args[1] != "cpu":
                self.contested[error.args[1]] = error.args[0]
        return plugin

    def _call_hooks(self, module: Any, plugin: Plugin, hooks: Any) -> None:
        """A manager of its own for each plugin, so that `check_pending` and errors name one only."""
        import pluggy

        written_for = getattr(module, "CANDLE_CONTRACT", hooks.CONTRACT)
        if written_for > hooks.CONTRACT:
            raise RuntimeError(
                f"written for contract {written_for}, and this candle-core knows {hooks.CONTRACT}: upgrade candle-core"
            )
        manager = pluggy.PluginManager("candle")
        manager.add_hookspecs(hooks)
        manager.register(module)
        manager.check_pending()
        manager.hook.candle_register_backends(register=lambda *args: self._add_backend(plugin, *args))
        manager.hook.candle_register_kernels(register=lambda *args: self._add_kernel(plugin, *args))

    def add(self, name: str, factory: Callable[[int], Backend], owner: str = "this program") -> None:
        """Offer a device without an entry point, as long as the program runs."""
        with self._lock:
            plugins, plugin = self.load(), Plugin(name, owner)
            self._add_backend(plugin, name, factory)
            plugins.append(plugin)

    def _add_backend(self, plugin: Plugin, name: str, factory: Callable[[int], Backend]) -> None:
        if other := self.factories.get(name):
            both = f"{other[0].owner} and by {plugin.owner}"
            raise Taken(f"device {name!r} is offered by {both}; uninstall one of them", name)
        self.factories[name] = (plugin, factory)
        plugin.devices.append(name)

    def _add_kernel(self, plugin: Plugin, device: str, op: str, factory: Callable[[], Any]) -> None:
        def guarded() -> Any:
            try:
                return factory()
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                plugin.problem = f"kernel {op!r}: {_told(error)}"
                warnings.warn(f"candle goes on without kernel {op!r} of {plugin.owner}: {error}", stacklevel=2)
                return None

        self.kernels.append((plugin, device, op, guarded))
        plugin.kernels.append(f"{device}:{op}")

    def _withdraw(self, plugin: Plugin) -> None:
        """Forget what a plugin offered before it failed."""
        self.factories = {name: made for name, made in self.factories.items() if made[0] is not plugin}
        self.kernels = [offer for offer in self.kernels if offer[0] is not plugin]
        plugin.devices, plugin.kernels = [], []

    def backend(self, device: str | int | Device | None) -> Backend:
        """The backend of a device, made on first use; None is the default one."""
        if device is None:
            device = state.devices[-1] if state.devices else self.default
        elif type(device) is not Device:
            device = Device(device)
        found = self._made.get((device.type, device.index or 0))
        if found is None:
            with self._lock:
                found = self._make(device)
        return found

    def _make(self, device: Device) -> Backend:
        from candle.kernels import Table

        self.load()
        if device.type == "gpu" and "gpu" not in self.factories and (others := self.factories.keys() - {"cpu"}):
            if len(others) > 1:  # whoever says "gpu" means the one device there is besides the CPU
                raise RuntimeError(f"device 'gpu' could be any of {', '.join(sorted(others))}: say which")
            return self.backend(Device(others.pop(), device.index))
        if device.type not in self.factories:
            raise RuntimeError(self._unknown(device))
        if device.type in self.contested:
            raise RuntimeError(self.contested[device.type])
        plugin, factory = self.factories[device.type]
        try:
            backend = factory(device.index or 0)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            plugin.problem = f"device '{device}': {_told(error)}"
            raise RuntimeError(f"device '{device}' of {plugin.owner} cannot be used: {error}") from error
        if backend.device != device:
            raise RuntimeError(f"there is no device '{device}': {plugin.owner} has '{backend.device}' instead")
        backend.kernels = Table([(op, factory) for _, name, op, factory in self.kernels if name == device.type])
        return self._made.setdefault((device.type, device.index or 0), backend)

    def _unknown(self, device: Device) -> str:
        broken = [f"  plugin {plugin}" for plugin in self.load() if plugin.problem]
        more = "" if broken else "; others come with plugins: install the one that brings it"
        lines = [f"unknown device '{device}'; there are: {', '.join(sorted(self.factories)) or 'none'}{more}", *broken]
        if (wanted := os.environ.get("CANDLE_PLUGINS")) is not None:
            lines.append(f"  CANDLE_PLUGINS={wanted} keeps out the plugins that it does not name")
        return "\n".join(lines)


def _told(error: BaseException) -> str:
    """What is wrong with a plugin."""
    return f"{type(error).__name__}: {error.args[0] if isinstance(error, Taken) else error}"


def _installed() -> Iterable[EntryPoint]:
    """The installed entry points; `CANDLE_PLUGINS=a,b` restricts them to the named ones and `numpy`."""
    from importlib.metadata import entry_points

    wanted = os.environ.get("CANDLE_PLUGINS")
    names = None if wanted is None else {"numpy", *wanted.replace(",", " ").split()}
    found = sorted(entry_points(group="candle"), key=lambda entry: (entry.name != "numpy", entry.name))
    return [entry for entry in found if names is None or entry.name in names]


registry = Registry()
backend_of = registry.backend


class Devices(dict[str, str]):
    """Device names and their owners; printing it also names every plugin that failed."""

    def __init__(self, plugins: list[Plugin]):
        super().__init__({device: plugin.owner for plugin in plugins for device in plugin.devices})
        self.plugins = plugins
        self.failed = [plugin for plugin in plugins if plugin.problem]

    def __repr__(self) -> str:
        return "\n".join(map(str, self.plugins))


def devices() -> Devices:
    """What is installed, and what is broken and why.

    >>> import candle
    >>> "cpu" in candle.devices()
    True
    """
    return Devices(registry.load())
