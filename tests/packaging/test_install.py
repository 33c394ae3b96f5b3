"""A newcomer's install, and what people do to it afterwards."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .artifacts import ROOT, Environment, Wheel

pytestmark = pytest.mark.timeout(600)

USE_CORE = "import candle; print((candle.tensor([1.0, 2.0]) + 1).tolist())"
USE_BOTH = f"{USE_CORE}; import candle.numba; print(candle.numba.__name__)"


def test_readme_install_command(tmp_path: Path) -> None:
    (command,) = re.findall(r"^pip install \./.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    search = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, shell=True, cwd=ROOT, check=True, env=os.environ | {"PATH": search})
    assert Environment(tmp_path).run(USE_BOTH) == "[2.0, 3.0]\ncandle.numba"


def test_core_is_small_on_disk(installed: Callable[[str], Environment]) -> None:
    files = list(installed("candle-core").files())
    assert any(path.match("numpy/__init__.py") for path in files)
    assert sum(path.stat().st_size for path in files) < 80e6


SIBLINGS = {
    "nn": "candle-nn",
    "optim": "candle-optim",
    "datasets": "candle-data",
    "nlp": "candle-nlp",
    "models": "candle-models",
    "numba": "candle-numba",
}
COLLECT_MESSAGES = f"""
import candle, json
messages = {{}}
for name in {list(SIBLINGS)}:
    try:
        getattr(candle, name)
    except (AttributeError, ImportError) as error:
        messages[name] = str(error)
print(json.dumps(messages))
"""


def test_missing_sibling_names_its_distribution(installed: Callable[[str], Environment]) -> None:
    messages = json.loads(installed("candle-core").run(COLLECT_MESSAGES))
    for name, distribution in SIBLINGS.items():
        assert re.findall(r"candle-\w+", messages[name])[0] == distribution


def test_misspelt_name_is_an_attribute_error(installed: Callable[[str], Environment]) -> None:
    assert installed("candle-core").run("import candle; print(hasattr(candle, 'tensr'))") == "False"


@pytest.fixture(scope="module")
def shared(wheels: dict[str, Wheel], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Has what candle-core and candle-numba need, and neither of them."""
    environment = Environment.create(tmp_path_factory.mktemp("shared"))
    needed = [*wheels["candle-core"].requirements, *wheels["candle-numba"].requirements]
    environment.pip("install", *(str(each) for each in needed if each.name not in wheels))
    return environment


@pytest.mark.parametrize(
    ("first", "editable"),
    [
        ("candle-core", ["candle-numba"]),
        ("candle-numba", ["candle-core"]),
        pytest.param("candle-core", ["candle-core"], marks=pytest.mark.full),
        pytest.param("candle-core", ["candle-core", "candle-numba"], marks=pytest.mark.full),
        pytest.param("candle-core", [], marks=pytest.mark.full),
        pytest.param("candle-numba", ["candle-numba"], marks=pytest.mark.full),
        pytest.param("candle-numba", ["candle-core", "candle-numba"], marks=pytest.mark.full),
        pytest.param("candle-numba", [], marks=pytest.mark.full),
    ],
)
def test_wheels_and_editable_installs_mix(
    first: str, editable: list[str], shared: Environment, wheels: dict[str, Wheel], editables: dict[str, Wheel]
) -> None:
    second = "candle-numba" if first == "candle-core" else "candle-core"
    for name in (first, second):
        wheel = editables[name] if name in editable else wheels[name]
        shared.pip("install", "--force-reinstall", "--no-deps", wheel.path)
    assert shared.run(USE_BOTH) == "[2.0, 3.0]\ncandle.numba"

    shared.pip("uninstall", "--yes", "candle-numba")
    assert shared.run(USE_CORE) == "[2.0, 3.0]"
