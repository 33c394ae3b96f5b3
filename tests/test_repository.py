"""What the repository promises about itself: cheap, static, no candle imported."""

import ast
import io
import re
import subprocess
import tokenize
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))
SOURCES = sorted(ROOT.glob("packages/*/src/**/*.py"))

ENGINE = ROOT / "packages/candle-core/src/candle"
ON_TOP = {  # of the engine, which imports none of it when it is loaded, or (numerics) mathematics beside it, or speed
    *("special", "signal", "numerics", "distributions", "_numpy_kernels"),
    *("ops", "testing", "func", "autograd", "utils", "array_api", "serialization.py", "random.py", "amp.py"),
    *(
        "_picture.py",
        "_drawing.py",
        "_explanation.py",
        "_printing.py",
        "__init__.py",
        "linalg.py",
        "fft.py",
        "masked.py",
    ),
}
ENGINE_LINES = 2_500
FILE_LINES = 400


def relative(paths: list[Path]) -> list[str]:
    """As ids of tests."""
    return [str(path.relative_to(ROOT)) for path in paths]


def project_files() -> list[Path]:
    """Every file that is or could be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(path for name in listing.split("\0") if (path := ROOT / name).is_file())


def code_lines(path: Path) -> int:
    """Lines that hold code: no blank ones, comments or docstrings."""
    source = path.read_text()
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in nothing]
    code = {line for t in tokens for line in range(t.start[0], t.end[0] + 1)}
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, owners) and ast.get_docstring(node, clean=False) is not None:
            code -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(code)


def line_count(path: Path) -> int:
    return len(path.read_text().splitlines())


MARKDOWN = [path for path in project_files() if path.suffix == ".md"]


# --- the commands -----------------------------------------------------------


def readme_commands() -> list[str]:
    """The lines of the README's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def test_ci_runs_the_readme_test_command() -> None:
    script = (ROOT / ".ci/run").read_text()
    (command,) = re.findall(r"^test_command='(.*?)'", script, re.MULTILINE)
    assert command in readme_commands()
    assert re.search(r'^bash -c "\$test_command"$', script, re.MULTILINE)


def test_readme_installs_every_package_by_path() -> None:
    (command,) = [line for line in readme_commands() if line.startswith("pip install ./")]
    assert command.split()[2:] == [f"./packages/{package.name}" for package in PACKAGES]


@pytest.mark.parametrize("document", MARKDOWN, ids=relative(MARKDOWN))
def test_documented_hatch_commands_exist(document: Path) -> None:
    environments = tomllib.loads((ROOT / "hatch.toml").read_text())["envs"]
    for command in re.findall(r"hatch run ([\w:-]*\w)", document.read_text()):
        environment, _, script = command.rpartition(":")
        assert script in environments[environment or "default"]["scripts"] or script in {"python", "pytest"}


def test_mypy_sees_every_package() -> None:
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert mypy["mypy_path"] == relative([package / "src" for package in PACKAGES])


# --- the documents ----------------------------------------------------------


@pytest.mark.parametrize("document", MARKDOWN, ids=relative(MARKDOWN))
def test_relative_links_resolve(document: Path) -> None:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\((?![a-z]+:)([^)#\s]+)", prose)
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_no_package_registry_is_named() -> None:
    """Which index serves a machine is that machine's business, not the repository's."""
    # In pieces, so that this file is not the one found.
    hosts = [".".join(parts) for parts in [("pypi", "org"), ("pythonhosted", "org"), ("download", "pytorch", "org")]]
    naming = [path for path in project_files() if any(host in path.read_text(errors="ignore") for host in hosts)]
    assert relative(naming) == []


@pytest.mark.parametrize("package", PACKAGES, ids=relative(PACKAGES))
def test_packages_carry_the_license(package: Path) -> None:
    assert (package / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


# --- the sources ------------------------------------------------------------


def test_the_engine_reads_in_an_afternoon() -> None:
    engine = [path for path in ENGINE.rglob("*.py") if path.relative_to(ENGINE).parts[0] not in ON_TOP]
    assert engine
    assert sum(map(code_lines, engine)) <= ENGINE_LINES


@pytest.mark.parametrize("source", SOURCES, ids=relative(SOURCES))
def test_a_file_is_one_idea(source: Path) -> None:
    assert line_count(source) <= FILE_LINES


OPS = [source for source in SOURCES if "ops" in source.parts]


@pytest.mark.parametrize("source", OPS, ids=relative(OPS))
def test_public_functions_of_ops_are_typed(source: Path) -> None:
    """mypy is told to let an op's `forward(xp, x)` pass untyped; what users call is held to it here."""
    functions = [node for node in ast.parse(source.read_text()).body if isinstance(node, ast.FunctionDef)]
    untyped = [each.name for each in functions if each.returns is None and not each.name.startswith("_")]
    assert untyped == []
