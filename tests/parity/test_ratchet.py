"""The record itself: complete, shown as it is, and never behind what candle can do."""

from __future__ import annotations

import warnings

import pytest

from . import mapping, ratchet, render
from .checks import candle
from .oracle import OPS
from .report import PAGE, oracle_version

PINNED = "2.13.0"
EXPECTED = ratchet.load()


def test_the_oracle_is_the_pinned_torch() -> None:
    assert oracle_version() == PINNED, "op_db is internal to torch: another version has other samples"


def test_every_entry_is_recorded() -> None:
    assert sorted(EXPECTED) == sorted(OPS)


def test_the_page_shows_the_record() -> None:
    assert PAGE.read_text() == render.page(EXPECTED, PINNED), "run `python -m tests.parity.report`"


COVERED = {name: entry for name, entry in EXPECTED.items() if entry["status"] != "uncovered"}


def test_no_covered_op_is_lost() -> None:
    lost = [name for name in COVERED if mapping.find(OPS[name], candle()) is None]
    assert not lost, f"no longer in candle: {lost}"


def test_no_name_of_a_covered_op_is_lost() -> None:
    """Functions, methods, in-place methods and aliases, down to the last one."""
    lost = {}
    for name, entry in COVERED.items():
        found = mapping.find(OPS[name], candle())
        lost[name] = set(found.missing if found else ()) - set(entry.get("missing", ()))
    assert not {name: names for name, names in lost.items() if names}


def test_what_is_new_is_recorded(full: bool) -> None:
    """Ops that arrived since: to be recorded by the full tier at the latest. An entry may be of no dtype on a CPU."""
    recorded = {name for name, entry in EXPECTED.items() if entry != ratchet.UNCOVERED}
    here = {name: op for name, op in OPS.items() if op.dtypes}
    new = [name for name, op in here.items() if name not in recorded and mapping.find(op, candle())]
    if new:
        message = f"new in candle, run `python -m tests.parity.report {' '.join(new)}`"
        pytest.fail(message) if full else warnings.warn(message, stacklevel=1)
