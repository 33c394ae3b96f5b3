"""Wheels built from packages/*, and environments to install them into."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from functools import cached_property
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml"))


def module_name(path: str) -> str:
    """candle.ops for candle/ops/__init__.py."""
    return re.sub(r"(/__init__)?\.py$", "", path).replace("/", ".")


@dataclass(frozen=True)
class Wheel:
    path: Path

    def read(self, name: str) -> str:
        with ZipFile(self.path) as archive:
            return archive.read(name).decode()

    @cached_property
    def names(self) -> list[str]:
        """Every path in the wheel."""
        with ZipFile(self.path) as archive:
            return archive.namelist()

    @cached_property
    def sources(self) -> list[str]:
        """The paths that are not about the distribution but of it."""
        return [name for name in self.names if ".dist-info/" not in name]

    @cached_property
    def modules(self) -> dict[str, str]:
        """Dotted name to path."""
        return {module_name(path): path for path in self.sources if path.endswith(".py")}

    def dist_info(self, name: str) -> str:
        """The text of one file of the metadata, "" where the wheel has none."""
        return "".join(self.read(path) for path in self.names if path.endswith(f".dist-info/{name}"))

    @cached_property
    def metadata(self) -> Message:
        return Parser().parsestr(self.dist_info("METADATA"))

    @cached_property
    def requirements(self) -> list[Requirement]:
        """What it always needs: extras are left out."""
        declared = map(Requirement, self.metadata.get_all("Requires-Dist", []))
        return [each for each in declared if each.marker is None or each.marker.evaluate({"extra": ""})]


@dataclass(frozen=True)
class Environment:
    """A virtual environment without pip: ours installs into it, which saves seconds each time."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> "Environment":
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
        return cls(path)

    @property
    def python(self) -> Path:
        return self.path / "bin/python"

    def pip(self, *arguments: str | Path) -> None:
        pip = [sys.executable, "-m", "pip", "--python", self.python, "--quiet"]
        subprocess.run([*pip, *arguments], check=True)

    def run(self, code: str) -> str:
        """What `code` prints, run where nothing of the repository can be imported by accident."""
        command = [self.python, "-I", "-c", code]
        done = subprocess.run(command, cwd=self.path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def files(self) -> Iterator[Path]:
        """Everything that is installed."""
        site_packages = Path(self.run("import sysconfig; print(sysconfig.get_path('purelib'))"))
        return (path for path in site_packages.rglob("*") if path.is_file())


def build(target: str, directory: Path) -> dict[str, Wheel]:
    """Distribution name to wheel, built as pip builds it, but with the hatchling at hand."""
    wheels = {}
    for name in PACKAGES:
        command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", directory / name]
        subprocess.run(command, cwd=ROOT / "packages" / name, check=True)
        (path,) = (directory / name).glob("*.whl")
        wheels[name] = Wheel(path)
    return wheels
