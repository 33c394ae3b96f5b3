"""The examples in the Markdown files, run."""

import doctest
import re
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
