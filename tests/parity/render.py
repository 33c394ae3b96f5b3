"""docs/parity.md: expected.json for people."""

from __future__ import annotations

from collections import Counter

from .ratchet import STATUSES, Record

HEAD = """# Parity with PyTorch, op by op

PyTorch describes its operators to its own test suite. Each of these descriptions
is put to candle as well, with PyTorch {version} as the judge: values, dtypes and
shapes of the results, first derivatives to 1e-9, second derivatives, type
promotion, methods, in-place methods, and that a call which must fail does fail.
This page is written by `python -m tests.parity.report`; CI fails when a count
gets worse.

| status | entries | meaning |
|---|---:|---|
| mapped | {mapped} | every sample that was compared agrees |
| differing | {differing} | at least one check does not agree |
| uncovered | {uncovered} | candle has no such name, or supports none of its samples |

{options} of the covered entries raise `NotImplementedError` for some option; such
a call is neither a pass nor a difference, and is listed. {shapes} are random or
uninitialized, and judged by shape and dtype alone.
"""


def counts(records: dict[str, Record]) -> dict[str, int]:
    found = Counter(entry["status"] for entry in records.values())
    return {status: found[status] for status in STATUSES}


def page(records: dict[str, Record], version: str) -> str:
    """The whole page: a function of the records alone."""
    covered = {name: entry for name, entry in sorted(records.items()) if entry["status"] != "uncovered"}
    head = HEAD.format(
        version=version,
        options=sum("unsupported" in entry for entry in covered.values()),
        shapes=sum("judged" in entry for entry in covered.values()),
        **counts(records),
    )
    return assembled(head, records)


def assembled(head: str, records: dict[str, Record], what: str = "op") -> str:
    """A head and the tables of the records, one of each kind of entry."""
    covered = {name: entry for name, entry in sorted(records.items()) if entry["status"] != "uncovered"}
    sections = [head, _differing(covered, what), _covered(covered, what), _missing(covered), _uncovered(records)]
    return "\n".join(section for section in sections if section)


def _differing(covered: dict[str, Record], what: str) -> str:
    rows = [
        f"| `{name}` | {reason} | {', '.join(checks)} |"
        for name, entry in covered.items()
        for reason, checks in _by_reason(entry.get("differs", {})).items()
    ]
    return _table("Differing", f"| {what} | reason | checks |\n|---|---|---|", rows)


def _by_reason(differs: dict[str, str]) -> dict[str, list[str]]:
    return {why: sorted(c for c, reason in differs.items() if reason == why) for why in sorted(set(differs.values()))}


def _covered(covered: dict[str, Record], what: str) -> str:
    rows = [f"| `{name}` | {_status(entry)} | {_options(entry)} |" for name, entry in covered.items()]
    return _table("Covered", f"| {what} | status | unsupported options |\n|---|---|---|", rows)


def _missing(covered: dict[str, Record]) -> str:
    rows = [
        f"| `{name}` | {', '.join(f'`{each}`' for each in entry['missing'])} |"
        for name, entry in covered.items()
        if "missing" in entry
    ]
    return _table("Other names of covered ops that candle does not have", "| op | missing |\n|---|---|", rows)


def _uncovered(records: dict[str, Record]) -> str:
    lines = ["## Uncovered", ""]
    lines += [
        f"- `{name}`" + (f": {_options(entry)}" if "unsupported" in entry else "")
        for name, entry in sorted(records.items())
        if entry["status"] == "uncovered"
    ]
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _status(entry: Record) -> str:
    return f"{entry['status']} {entry['judged']}" if "judged" in entry else entry["status"]


def _options(entry: Record) -> str:
    return "<br>".join(each.replace("|", "\\|") for each in entry.get("unsupported", ()))


def _table(title: str, header: str, rows: list[str]) -> str:
    return "\n".join([f"## {title}", "", header, *rows]) + "\n" if rows else ""
