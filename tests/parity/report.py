"""Look at everything again and write down how it stands.

    python -m tests.parity.report             every entry, all samples
    python -m tests.parity.report add sum     these entries; the rest stays as recorded
    python -m tests.parity.report --new       entries not recorded as mapped
    python -m tests.parity.report --dry-run --device cpu add     look, write nothing

Writes tests/parity/expected.json and docs/parity.md, and prints the failures, those of
one kind together.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import torch

from . import ratchet, render
from .checks import DEVICES, Check, Outcome, candle, checks_of, run
from .oracle import OPS
from .ratchet import Record

PAGE = Path(__file__).parents[2] / "docs" / "parity.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.parity.report", description=__doc__.splitlines()[0])
    parser.add_argument("ops", nargs="*", metavar="OP", help="full names of entries, such as max.binary")
    parser.add_argument("--new", action="store_true", help="only entries that are not recorded as mapped")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one per core)")
    parser.add_argument("--dry-run", action="store_true", help="print, write nothing")
    parser.add_argument("--device", choices=DEVICES, help="with --dry-run: this device only")
    options = parser.parse_args()
    unknown = sorted(set(options.ops) - set(OPS))
    if unknown:
        parser.error(f"no such entry in op_db: {', '.join(unknown)}")
    if options.device and not options.dry_run:
        parser.error("a record of one device alone is not written: add --dry-run")
    old = ratchet.load()
    names = options.ops or [name for name in OPS if not options.new or old.get(name, {}).get("status") != "mapped"]
    new = dict.fromkeys(OPS, ratchet.UNCOVERED) | {name: entry for name, entry in old.items() if name in OPS}
    new |= evaluate_all(names, options.jobs, [options.device] if options.device else DEVICES)
    print(*(f"{status} {count}" for status, count in render.counts(new).items()), sep=", ")
    if not options.dry_run:
        ratchet.save(new)
        PAGE.write_text(render.page(new, oracle_version()))


def evaluate_all(names: list[str], jobs: int, devices: Sequence[str]) -> dict[str, Record]:
    records, failures = {}, []
    with ProcessPoolExecutor(jobs) as pool:
        for name, (entry, failed) in zip(names, pool.map(partial(evaluate, devices=devices), names, chunksize=4)):
            records[name] = entry
            failures += failed
    for line in grouped(failures):
        print(line)
    return records


def evaluate(name: str, devices: Sequence[str]) -> tuple[Record, list[tuple[str, str]]]:
    """All checks of one entry: its record, and (check, failure) for every failing sample."""
    op, subject = OPS[name], candle()
    outcomes: dict[Check, Outcome] = {}
    for check in checks_of(op, subject):
        if check.device in devices:
            outcomes[check] = run(check, candle(check.device), full=True)
    failed = [(f"{check.kind}[{check.id}]", text) for check, outcome in outcomes.items() for text in outcome.failures]
    return ratchet.record(op, subject, outcomes), failed


def grouped(failures: list[tuple[str, str]]) -> Iterator[str]:
    """Failures that say the same but for numbers and dtypes, as one; most frequent first."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for check, text in failures:
        message = text.partition("\n")[2]
        kind = re.sub(r"[-+.\w]*\d[-+.\w]*|bool|\([-\d, ]*\)|^\s*\w+:", "", message)[:60]
        if "values differ" in message:  # each op has reasons of its own
            kind += text.partition(", sample")[0]
        groups.setdefault(kind, []).append((check, text))
    for group in sorted(groups.values(), key=len, reverse=True):
        checks = list(dict.fromkeys(check for check, _ in group))
        yield f"{len(group)} samples of {len(checks)} checks, such as\n  {group[0][1]}"
        yield f"  {' '.join(checks[:12])}{' ...' if len(checks) > 12 else ''}\n"


def oracle_version() -> str:
    return torch.__version__.partition("+")[0]


if __name__ == "__main__":
    main()
