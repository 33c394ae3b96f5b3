"""One test per op, kind, dtype and device: `test_gradient[add-float64-cpu]`.

What is recorded as differing in expected.json is an expected failure; anything worse
than the record fails.
"""

from __future__ import annotations

from functools import cache

import pytest

from . import ratchet
from .checks import Check, candle, checks_of, run
from .oracle import OPS
from .subject import Subject

CHECKS = [check for op in OPS.values() for check in checks_of(op, candle())]
EXPECTED = ratchet.load()


def each(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("check", [pytest.param(c, id=c.id) for c in CHECKS if c.kind == kind])


@cache
def subject_on(device: str) -> Subject:
    return candle(device)


def judge(check: Check, full: bool) -> None:
    entry = EXPECTED.get(check.op, ratchet.UNCOVERED)
    outcome = run(check, subject_on(check.device), full)
    loss = ratchet.worsened(check, outcome, entry)
    if loss:
        pytest.fail(loss, pytrace=False)
    known = entry.get("differs", {}).get(check.key)
    if known and outcome.failures:
        pytest.xfail(f"recorded in expected.json: {known}")
    if known and full:
        pytest.fail(f"agrees now: run `python -m tests.parity.report {check.op}`", pytrace=False)
    if not outcome.compared:
        pytest.skip(
            "; ".join(sorted(outcome.unsupported))
            or "torch has nothing to compare: no error inputs, or no tensor to promote"
        )


@each("forward")
def test_forward(check: Check, full: bool) -> None:
    judge(check, full)


@each("gradient")
def test_gradient(check: Check, full: bool) -> None:
    judge(check, full)


@each("second")
def test_second(check: Check, full: bool) -> None:
    judge(check, full)


@each("errors")
def test_errors(check: Check, full: bool) -> None:
    judge(check, full)


@each("inplace")
def test_inplace(check: Check, full: bool) -> None:
    judge(check, full)


@each("method")
def test_method(check: Check, full: bool) -> None:
    judge(check, full)


@each("promotion")
def test_promotion(check: Check, full: bool) -> None:
    judge(check, full)
