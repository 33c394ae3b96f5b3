"""Plugins as they are found: distributions on the path, in a program of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
import candle
from candle.backends.numpy import NumpyBackend
from candle.hooks import hookimpl

@hookimpl
def candle_register_backends(register):
    register("good", lambda index: NumpyBackend(candle.device("good")))
"""
SOURCES = {
    "good": GOOD,
    "absent": "import a_library_that_is_not_there",
    "leaving": "raise SystemExit('this is not a plugin')",
    "misspelt": GOOD.replace("candle_register_backends", "candle_register_backend"),
    "future": "CANDLE_CONTRACT = 99",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder in which each of SOURCES is an installed distribution of version 2.1."""
    for name, source in SOURCES.items():
        (tmp_path / f"plugin_{name}.py").write_text(source)
        info = tmp_path / f"candle_plugin_{name}-2.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: candle-plugin-{name}\nVersion: 2.1\n")
        (info / "entry_points.txt").write_text(f"[candle]\n{name} = plugin_{name}\n")
    return tmp_path


def run(site: Path, code: str, **environment: str) -> str:
    """What a program prints that has these plugins."""
    clean = {name: value for name, value in os.environ.items() if name != "CANDLE_PLUGINS"}
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = clean | {"PYTHONPATH": path} | environment
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_broken_distributions_are_named(site: Path) -> None:
    told = run(site, "import candle; print(candle.devices())").splitlines()
    assert "good (candle-plugin-good 2.1): device good" in told
    assert any(line.startswith("numpy (candle-core ") and "): device cpu, kernel cpu:adamw" in line for line in told)
    causes = {
        "absent": "ModuleNotFoundError: No module named 'a_library_that_is_not_there'",
        "leaving": "SystemExit: this is not a plugin",
        "future": "RuntimeError: written for contract 99",
    }
    for name, cause in causes.items():
        assert any(line.startswith(f"{name} (candle-plugin-{name} 2.1): FAILED: {cause}") for line in told)
    (misspelt,) = [line for line in told if line.startswith("misspelt (candle-plugin-misspelt 2.1): FAILED")]
    assert "unknown hook 'candle_register_backend'" in misspelt


def test_the_rest_works(site: Path) -> None:
    code = "import candle; print((candle.ones(2, device='good') + 1).device, (candle.ones(2) + 1).tolist())"
    assert run(site, code) == "good [2.0, 2.0]\n"


def test_an_unknown_device_names_them(site: Path) -> None:
    code = "import candle\ntry: candle.ones(2, device='tpu')\nexcept RuntimeError as error: print(error)"
    told = run(site, code)
    assert told.startswith("unknown device 'tpu'; there are: cpu, good\n")
    assert "plugin absent (candle-plugin-absent 2.1): FAILED: ModuleNotFoundError" in told


def test_importing_candle_loads_no_plugin(site: Path) -> None:
    code = "import candle, sys; print([name for name in sys.modules if name.startswith('plugin_')])"
    assert run(site, code) == "[]\n"


@pytest.mark.parametrize(
    ("wanted", "devices", "failed"),
    [
        ("", ["cpu"], []),
        ("good", ["cpu", "good"], []),
        ("absent, good", ["cpu", "good"], ["absent"]),
        ("future leaving", ["cpu"], ["future", "leaving"]),
    ],
)
def test_candle_plugins_restricts(site: Path, wanted: str, devices: list[str], failed: list[str]) -> None:
    code = "import candle; d = candle.devices(); print(sorted(d), [each.name for each in d.failed])"
    assert run(site, code, CANDLE_PLUGINS=wanted) == f"{devices} {failed}\n"


def test_a_device_kept_out_is_explained(site: Path) -> None:
    code = "import candle\ntry: candle.ones(2, device='good')\nexcept RuntimeError as error: print(error)"
    told = run(site, code, CANDLE_PLUGINS="absent")
    assert "CANDLE_PLUGINS=absent keeps out the plugins that it does not name" in told


def test_metadata_beyond_repair(site: Path) -> None:
    """A distribution whose metadata is gone is still only its own problem."""
    (site / "candle_plugin_absent-2.1.dist-info" / "METADATA").unlink()
    told = run(site, "import candle; print(candle.devices())")
    assert "good (candle-plugin-good 2.1): device good" in told
    assert "absent (" in told
