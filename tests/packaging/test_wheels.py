"""The packages share the name `candle` and nothing else: no file, no import that points back."""

import ast
import re
import symtable
from collections import Counter
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from importlib.util import resolve_name
from pathlib import Path, PurePosixPath

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from .artifacts import PACKAGES, ROOT, Environment, Wheel, module_name

pytestmark = pytest.mark.timeout(600)

each_package = pytest.mark.parametrize("package", PACKAGES)

# The conformance suites that third parties inherit; they need pytest, candle does not.
TEST_ONLY = ("candle.testing",)


# --- what is in the wheels --------------------------------------------------


def test_only_core_owns_the_shared_package(wheels: dict[str, Wheel]) -> None:
    assert [name for name, wheel in wheels.items() if "candle/__init__.py" in wheel.names] == ["candle-core"]


def test_no_path_is_in_two_wheels(wheels: dict[str, Wheel]) -> None:
    owners = Counter(name for wheel in wheels.values() for name in wheel.names)
    assert [name for name, count in owners.items() if count > 1] == []


@each_package
def test_wheel_holds_every_source(package: str, wheels: dict[str, Wheel]) -> None:
    source = ROOT / "packages" / package / "src"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert set(wheels[package].sources) == {name for name in files if "__pycache__" not in name}


@each_package
def test_wheel_is_typed(package: str, wheels: dict[str, Wheel]) -> None:
    folders = {PurePosixPath(name).parent for name in wheels[package].sources if name.endswith("/__init__.py")}
    owned = [folder for folder in folders if folder.parent not in folders]  # the topmost of this wheel
    assert owned
    assert [folder for folder in owned if f"{folder}/py.typed" not in wheels[package].names] == []


# --- what they say about themselves -----------------------------------------


@each_package
def test_version_is_the_newest_of_the_changelog(package: str, wheels: dict[str, Wheel]) -> None:
    changelog = (ROOT / "packages" / package / "CHANGELOG.md").read_text()
    entries = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    assert wheels[package].metadata["Version"] == entries[0]
    assert entries == sorted(entries, key=Version, reverse=True)


@each_package
def test_license_is_shipped(package: str, wheels: dict[str, Wheel]) -> None:
    assert wheels[package].metadata["License-Expression"] == "MIT"
    assert wheels[package].dist_info("licenses/LICENSE") == (ROOT / "LICENSE").read_text()


def siblings(wheel: Wheel) -> dict[str, SpecifierSet]:
    return {each.name: each.specifier for each in wheel.requirements if each.name.startswith("candle-")}


def test_core_needs_numpy_and_pluggy_only(wheels: dict[str, Wheel]) -> None:
    assert {each.name for each in wheels["candle-core"].requirements} == {"numpy", "pluggy"}


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "candle-core"])
def test_requirements_on_siblings_are_capped(package: str, wheels: dict[str, Wheel]) -> None:
    assert "candle-core" in siblings(wheels[package])
    for name, specifier in siblings(wheels[package]).items():
        current = Version(wheels[name].metadata["Version"])
        assert current in specifier
        assert f"{current.major + 1}.0.0" not in specifier
        assert f"{current.major - 1}.99.0" not in specifier  # below 1.0 the names are other people's


@each_package
def test_entry_points_lead_into_the_wheel(package: str, wheels: dict[str, Wheel]) -> None:
    entry_points = ConfigParser(delimiters="=")
    entry_points.read_string(wheels[package].dist_info("entry_points.txt"))
    targets = [target.partition(":")[0] for section in entry_points.values() for target in section.values()]
    assert [target for target in targets if target not in wheels[package].modules] == []


# --- what they import -------------------------------------------------------


def imports(path: str, source: str) -> Iterator[tuple[str, str | None]]:
    """(module, name) of each `from module import name`, (module, None) of each `import module`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module_name(f"{PurePosixPath(path).parent}/__init__.py")
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield from ((module, alias.name) for alias in node.names)


def bound(source: str) -> set[str]:
    """The names that a module gives a meaning at its top level."""
    symbols = symtable.symtable(source, "", "exec").get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


def foreign_imports(sources: dict[str, str]) -> list[str]:
    """What the modules in `sources`, path to text, import from `candle` that is not among them."""
    modules = {module_name(path): source for path, source in sources.items()}
    owners = {module_name(path): path for path in sources}

    def offers(module: str, name: str) -> bool:
        """Whether a module gives a name a meaning, itself or by `from another import *`."""
        if name in bound(modules[module]):
            return True
        stars = [other for other, each in imports(owners[module], modules[module]) if each == "*"]
        return any(other in modules and offers(other, name) for other in stars)

    def known(module: str, name: str | None, importer: str) -> bool:
        if module not in modules:
            return False
        if name in {None, "*"} or f"{module}.{name}" in modules:
            return True
        return module != importer and offers(module, name or "")  # nobody vouches for its own import

    return [
        f"{path}: {module}" if name is None else f"{path}: {module}.{name}"
        for path, source in sources.items()
        for module, name in imports(path, source)
        if module.partition(".")[0] == "candle" and not known(module, name, module_name(path))
    ]


@pytest.mark.parametrize(
    ("path", "statement", "foreign"),
    [
        ("candle/tensor.py", "import candle.nn", ["candle.nn"]),
        ("candle/tensor.py", "from candle import nn", ["candle.nn"]),
        ("candle/tensor.py", "from .nn import Linear", ["candle.nn.Linear"]),
        ("candle/tensor.py", "def f():\n    from . import nn", ["candle.nn"]),
        ("candle/utils/__init__.py", "from . import data", ["candle.utils.data"]),
        ("candle/utils/__init__.py", "from .. import nn", ["candle.nn"]),
        ("candle/tensor.py", "import numpy.linalg", []),
        ("candle/tensor.py", "import candle.ops", []),
        ("candle/tensor.py", "from candle import add, ops", []),
        ("candle/tensor.py", "from .ops import *", []),
        ("candle/tensor.py", "from candle.starry import add", []),
        ("candle/tensor.py", "from candle.starry import nn", ["candle.starry.nn"]),
    ],
)
def test_scan_for_foreign_imports(path: str, statement: str, foreign: list[str]) -> None:
    core = {"candle/__init__.py": "from .ops import add", "candle/ops.py": "def add(x, y): ..."}
    core["candle/starry.py"] = "from candle.ops import *"
    assert foreign_imports(core | {path: statement}) == [f"{path}: {each}" for each in foreign]


def test_core_imports_no_sibling(wheels: dict[str, Wheel]) -> None:
    core = wheels["candle-core"]
    assert foreign_imports({path: core.read(path) for path in core.modules.values()}) == []


@each_package
def test_imports_with_declared_dependencies_only(
    package: str, wheels: dict[str, Wheel], installed: Callable[[str], Environment]
) -> None:
    modules = [module for module in wheels[package].modules if not module.startswith(TEST_ONLY)]
    assert modules
    code = f"for name in {modules}: print(__import__(name, fromlist=['']).__file__)"
    files = installed(package).run(code).splitlines()
    assert len(files) == len(modules)
    assert [file for file in files if not Path(file).is_relative_to(installed(package).path)] == []
