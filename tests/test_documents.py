"""The examples in the Markdown files, run."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [path for pattern in ["*.md", "docs/**/*.md", "packages/*/*.md"] for path in sorted(ROOT.glob(pattern))]
WITH_EXAMPLES = [path for path in DOCUMENTS if ">>> " in path.read_text()]


@pytest.mark.parametrize("document", WITH_EXAMPLES, ids=[str(path.relative_to(ROOT)) for path in WITH_EXAMPLES])
def test_examples(document: Path) -> None:
    text = re.sub(r"^```.*$", "", document.read_text(), flags=re.MULTILINE)  # else a fence is expected as output
    examples = doctest.DocTestParser().get_doctest(text, {}, document.name, str(document), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert examples.examples
    assert runner.run(examples).failed == 0


def test_the_files_to_read_are_as_long_as_told() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\|(.*\]\(\.\./packages/.*)\|.*\| (\d+) \|$", text, re.MULTILINE)
    assert len(rows) >= 10
    for files, told in rows:
        paths = re.findall(r"\]\((.*?)\)", files)
        lines = sum(len((ROOT / "docs" / path).read_text().splitlines()) for path in paths)
        assert abs(lines - int(told)) <= 0.15 * lines, f"{paths}: {told} lines told, there are {lines}"


def test_the_table_of_operations_is_up_to_date() -> None:
    command = [sys.executable, ROOT / "tools" / "make_op_table.py", "--check"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
