"""The suite can fail: each of six wrong backends is caught, by the test that names its mistake."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ..packaging.artifacts import ROOT

HERE = Path(__file__).parent

# The part of the suite that is enough; the full tier runs all of it.
ENOUGH = " or ".join(
    [
        *(
            "test_dtypes",
            "test_contract[ and float",
            "test_views_share_memory",
            "test_program",
            "test_index_out_of_range",
        ),
        *("single_precision[sum", "differences[exp", "test_losses"),
    ]
)

CAUGHT = {
    "TestNaming": {"test_dtypes[float32]"},
    "TestWidening": {"test_contract[sum-float32]", "test_op_in_single_precision[sum-float32]"},
    "TestCopying": {"test_views_share_memory[permute_dims]", "test_program[view_of_a_view]"},
    "TestWrapping": {"test_index_out_of_range[5-getitem]", "test_index_out_of_range[5-embedding]"},
    "TestSideways": {"test_contract[max-float64]", "test_contract[max-float32]"},
    "TestRounding": {"test_contract[exp-float64]", "test_op_against_differences[exp-0]"},
}
UNTOUCHED = {
    "TestNaming": "test_dtypes[float64]",
    "TestWidening": "test_views_share_memory[permute_dims]",
    "TestCopying": "test_contract[permute_dims-float64]",
    "TestWrapping": "test_contract[index-float64]",
    "TestSideways": "test_contract[min-float64]",
    "TestRounding": "test_contract[exp-float32]",
}


@pytest.fixture(scope="module")
def verdicts(full: bool, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool]]:
    """Class to test to whether it passed, from a run of pytest over `wrong`."""
    report = tmp_path_factory.mktemp("wrong") / "report.xml"
    command = [sys.executable, "-m", "pytest", "--tb=line", f"--junitxml={report}", HERE / "wrong.py"]
    select = [] if full else ["-k", ENOUGH]
    done = subprocess.run([*command, *select], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout[-3000:]
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for case in ET.parse(report).iter("testcase"):
        found[case.attrib["classname"].rpartition(".")[2]][case.attrib["name"]] = not len(case)
    return found


def test_a_sound_backend_passes(verdicts: dict[str, dict[str, bool]]) -> None:
    assert len(verdicts["TestSound"]) > 200
    assert [name for name, passed in verdicts["TestSound"].items() if not passed] == []


@pytest.mark.parametrize("backend", CAUGHT)
def test_a_wrong_one_does_not(backend: str, verdicts: dict[str, dict[str, bool]]) -> None:
    failed = {name for name, passed in verdicts[backend].items() if not passed}
    assert failed >= CAUGHT[backend]
    assert verdicts[backend][UNTOUCHED[backend]]  # the others say where the mistake is not
