"""templates/candle-backend: a complete backend in under 100 lines, tested as its users will test theirs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..packaging.artifacts import ROOT, Environment
from . import template

TestTorch = template.its_tests().TestTorch

PINNED = ("torch==2.13.0", "pytest>=9,<10")


def test_under_100_lines() -> None:
    sources = list((template.FOLDER / "src").rglob("*.py"))
    assert sum(len(path.read_text().splitlines()) for path in sources) < 100


def test_its_tests_are_the_suite_alone() -> None:
    """No test of its own: what it inherits is enough to know that it works."""
    assert {name for name in vars(TestTorch) if not name.startswith("__")} == {"supports", "backend"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Holds candle-core and the template as wheels, and what they need."""
    built = tmp_path_factory.mktemp("wheels")
    for source in (ROOT / "packages/candle-core", template.FOLDER):
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", built]
        subprocess.run(command, cwd=source, check=True)
    made = Environment.create(tmp_path_factory.mktemp("environment"))
    made.pip("install", *built.glob("*.whl"), *PINNED)
    return made


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_installed_from_wheels(environment: Environment, tmp_path: Path) -> None:
    shutil.copytree(template.FOLDER / "tests", tmp_path / "tests")
    command = [environment.python, "-I", "-m", "pytest", "-q", "--rootdir", tmp_path, tmp_path]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "CANDLE"))}
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
    assert " failed" not in done.stdout
    assert "candle-backend-template 0.1.0" in environment.run("import candle; print(candle.devices())")
