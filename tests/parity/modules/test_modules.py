"""One test per layer, kind and mode: `test_gradient[BatchNorm1d-eval]`; nothing may get worse than its record."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from .. import ratchet
from ..checks import candle
from .checks import KINDS, Check, checks_of, run
from .pairs import MODULES
from .report import EXPECTED, PAGE, oracle_version, page

RECORDS = ratchet.load(EXPECTED)
CHECKS = [check for name in MODULES for check in checks_of(name, candle())]


@cache
def subject() -> Any:
    return candle()


@pytest.mark.parametrize("check", [pytest.param(c, id=f"{c.kind}-{c.id}") for c in CHECKS])
def test_layer(check: Check, full: bool) -> None:
    entry = RECORDS.get(check.module, ratchet.UNCOVERED)
    outcome = run(check, subject(), full)
    if loss := ratchet.worsened(check, outcome, entry):
        pytest.fail(loss, pytrace=False)
    known = entry.get("differs", {}).get(check.key)
    if known and outcome.failures:
        pytest.xfail(f"recorded in expected.json: {known}")
    if known and full:
        pytest.fail(f"agrees now: run `python -m tests.parity.modules.report {check.module}`", pytrace=False)
    if not outcome.compared:
        pytest.skip("; ".join(sorted(outcome.unsupported)) or "torch has nothing to compare")


def test_no_layer_got_lost() -> None:
    """What was covered once still has its name."""
    covered = {name for name, entry in RECORDS.items() if entry["status"] != "uncovered"}
    assert covered <= {check.module for check in CHECKS}


def test_the_page_is_that_of_the_records() -> None:
    assert PAGE.read_text() == page(RECORDS, oracle_version())


def test_every_kind_of_check_is_asked() -> None:
    assert {check.kind for check in CHECKS} == set(KINDS)
