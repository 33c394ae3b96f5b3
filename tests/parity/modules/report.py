"""Look at every layer again and write down how it stands.

    python -m tests.parity.modules.report                 every entry, all samples
    python -m tests.parity.modules.report Linear GRU      these; the rest stays as recorded
    python -m tests.parity.modules.report --dry-run GRU   look, write nothing

Writes tests/parity/modules/expected.json and docs/modules.md, and prints the failures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import ratchet, render
from ..checks import candle
from ..report import grouped, oracle_version
from .checks import checks_of, run
from .pairs import MODULES

EXPECTED = Path(__file__).with_name("expected.json")
PAGE = Path(__file__).parents[3] / "docs" / "modules.md"

HEAD = """# Parity with PyTorch, layer by layer

PyTorch describes its layers to its own test suite. Each of these descriptions is
put to `candle.nn` as well, with PyTorch {version} as the judge: outputs and buffers,
gradients by inputs and parameters to 1e-9, in training and in evaluation; state
dicts in both directions, `repr`, and that a call which must fail does fail. This page
is written by `python -m tests.parity.modules.report`; CI fails when a count gets worse.

| status | layers | meaning |
|---|---:|---|
| mapped | {mapped} | every sample that was compared agrees |
| differing | {differing} | at least one check does not agree |
| uncovered | {uncovered} | candle has no such layer, or supports none of its samples |
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.parity.modules.report", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="LAYER", help="names of classes, such as Linear")
    parser.add_argument("--dry-run", action="store_true", help="print, write nothing")
    options = parser.parse_args()
    unknown = sorted(set(options.modules) - set(MODULES))
    if unknown:
        parser.error(f"no such entry in module_db: {', '.join(unknown)}")
    old, failures = ratchet.load(EXPECTED), []
    records = {name: old.get(name, dict(ratchet.UNCOVERED)) for name in MODULES}
    for name in options.modules or MODULES:
        outcomes = {check: run(check, candle(), full=True) for check in checks_of(name, candle())}
        records[name] = ratchet.entry_of(outcomes) if outcomes else dict(ratchet.UNCOVERED)
        failures += [(f"{check.kind}[{check.id}]", text) for check, o in outcomes.items() for text in o.failures]
    for line in grouped(failures):
        print(line)
    print(*(f"{status} {count}" for status, count in render.counts(records).items()), sep=", ")
    if not options.dry_run:
        ratchet.save(records, EXPECTED)
        PAGE.write_text(page(records, oracle_version()))


def page(records: dict[str, ratchet.Record], version: str) -> str:
    """The whole page: a function of the records alone."""
    return render.assembled(HEAD.format(version=version, **render.counts(records)), records, "layer")


if __name__ == "__main__":
    main()
