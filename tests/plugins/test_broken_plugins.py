"""A broken plugin is named, with its distribution, version and cause, and breaks nothing else."""

import re
from typing import Any

import pytest

import candle
from candle.backends.numpy import NumpyBackend
from candle.hooks import CONTRACT, hookimpl
from candle.plugins import Devices, Registry

from .offers import module, offering, plugin, with_numpy


def raising(error: BaseException) -> Any:
    def load() -> Any:
        raise error

    return load


class PanicException(BaseException):
    """What a library written in Rust raises when it gives up."""


@hookimpl
def misspelt(register: Any) -> None: ...


@hookimpl
def wrong_arguments(registry: Any) -> None: ...


@hookimpl
def raises_halfway(register: Any) -> None:
    register("half", lambda index: None)
    raise OSError("no driver")


BROKEN = {
    "import_error": (raising(ImportError("No module named 'gpulib'")), "ImportError: No module named 'gpulib'"),
    "exit": (raising(SystemExit("wrong licence")), "SystemExit: wrong licence"),
    "panic": (raising(PanicException("explicit panic")), "PanicException: explicit panic"),
    "misspelt": (module(candle_register_backend=misspelt), "unknown hook 'candle_register_backend'"),
    "arguments": (module(candle_register_backends=wrong_arguments), "registry"),
    "future": (module(CANDLE_CONTRACT=CONTRACT + 1), f"contract {CONTRACT + 1}.*knows {CONTRACT}: upgrade candle-core"),
    "not_a_number": (module(CANDLE_CONTRACT="one"), "TypeError"),
    "taken": (offering(extra=None, cpu=None), "device 'cpu' is offered by candle-core 1.0.0 and by"),
    "halfway": (module(candle_register_backends=raises_halfway), "OSError: no driver"),
}


def assert_cpu_works(registry: Registry) -> None:
    assert isinstance(registry.backend("cpu"), NumpyBackend)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_named(name: str) -> None:
    load, cause = BROKEN[name]
    registry = with_numpy(plugin(name, load))
    found = Devices(registry.load())
    assert list(found) == ["cpu"]
    assert [each.name for each in found.failed] == [name]
    told = rf"(?s){name} \(dist-of-{name} 0\.3\): FAILED: .*{cause}"
    assert re.search(told, repr(found)), repr(found)
    assert "numpy (candle-core 1.0.0): device cpu" in repr(found)
    with pytest.raises(RuntimeError, match=rf"(?s)unknown device 'gpu'; there are: cpu\n  plugin {told[4:]}"):
        registry.backend("gpu")
    assert_cpu_works(registry)


def test_a_broken_plugin_breaks_no_other() -> None:
    broken = [plugin(name, load) for name, (load, _) in BROKEN.items()]
    registry = with_numpy(*broken, plugin("good", offering(good=lambda index: NumpyBackend(candle.device("good")))))
    found = Devices(registry.load())
    assert found == {"cpu": "candle-core 1.0.0", "good": "dist-of-good 0.3"}
    assert len(found.failed) == len(BROKEN)
    assert str(registry.backend("good").device) == "good"
    assert_cpu_works(registry)


def test_a_user_can_still_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        with_numpy(plugin("slow", raising(KeyboardInterrupt()))).load()


def test_nobody_gets_a_device_that_two_offer() -> None:
    """Which one was meant is not ours to guess; the CPU is candle's own in any case."""
    first, second = (plugin(name, offering(gpu=lambda index: None)) for name in ("first", "second"))
    registry = with_numpy(first, second)
    both = "device 'gpu' is offered by dist-of-first 0.3 and by dist-of-second 0.3; uninstall one of them"
    with pytest.raises(RuntimeError, match=both):
        registry.backend("gpu")
    assert both in repr(Devices(registry.load()))
    assert_cpu_works(registry)


def test_a_factory_that_raises() -> None:
    """It is told when the device is used, and from then on by devices()."""
    attempts = []

    def make(index: int) -> Any:
        attempts.append(index)
        raise OSError("no such GPU")

    registry = with_numpy(plugin("late", offering(late=make)))
    assert "late (dist-of-late 0.3): device late" in repr(Devices(registry.load()))
    for device in ("late", "late:1"):
        with pytest.raises(RuntimeError, match=f"device '{device}' of dist-of-late 0.3 cannot be used: no such GPU"):
            registry.backend(device)
    assert attempts == [0, 1]
    assert "late (dist-of-late 0.3): FAILED: device 'late:1': OSError: no such GPU" in repr(Devices(registry.load()))
    assert_cpu_works(registry)


def test_a_device_with_another_number() -> None:
    """cpu:1 must not become a second CPU whose tensors do not mix with the first's."""
    with pytest.raises(RuntimeError, match=r"there is no device 'cpu:1': candle-core .* has 'cpu' instead"):
        candle.ones(2, device="cpu:1")


def test_a_kernel_factory_that_raises() -> None:
    """The op goes on with its reference; a warning says so once."""

    @hookimpl
    def candle_register_kernels(register: Any) -> None:
        register("cpu", "add", raising(ValueError("compiler too old")))

    registry = with_numpy(plugin("fast", module(candle_register_kernels=candle_register_kernels)))
    kernels = registry.backend("cpu").kernels
    with pytest.warns(UserWarning, match="goes on without kernel 'add' of dist-of-fast 0.3: compiler too old"):
        assert kernels["add"] == ()
    assert kernels["add"] == ()
    told = repr(Devices(registry.load()))
    assert "fast (dist-of-fast 0.3): FAILED: kernel 'add': ValueError: compiler too old" in told


def test_a_plugin_may_use_candle_while_it_loads() -> None:
    def load() -> Any:
        assert isinstance(registry.backend("cpu"), NumpyBackend)
        return offering(eager=lambda index: NumpyBackend(candle.device("eager")))

    registry = with_numpy(plugin("eager", load))
    assert list(Devices(registry.load())) == ["cpu", "eager"]


def test_each_plugin_loads_once() -> None:
    count = []
    registry = with_numpy(plugin("counted", lambda: count.append(1) or module()))
    for _ in range(3):
        registry.load()
        assert_cpu_works(registry)
    assert count == [1]


def test_a_device_added_by_the_program() -> None:
    registry = with_numpy()
    registry.add("mine", lambda index: NumpyBackend(candle.device("mine")))
    assert "mine (this program): device mine" in repr(Devices(registry.load()))
    assert str(registry.backend("mine").device) == "mine"
    with pytest.raises(ValueError, match="device 'mine' is offered by this program and by this program"):
        registry.add("mine", lambda index: None)
    assert str(registry.backend("mine").device) == "mine"
