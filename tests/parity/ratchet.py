"""expected.json: how every entry of op_db stood when it was last looked at.

An entry is `mapped` when every check agreed, `differing` when one did not (each such
check is named, with the reason) and `uncovered` when candle has no such name, or
raises NotImplementedError for every sample. Nothing may get worse than its record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.testing._internal.opinfo.core import OpInfo

from . import mapping
from .checks import Check, Outcome
from .subject import Subject
from .tables import never_predictable

EXPECTED = Path(__file__).with_name("expected.json")
STATUSES = ("mapped", "differing", "uncovered")
UNCOVERED: dict[str, Any] = {"status": "uncovered"}

Record = dict[str, Any]


def load(path: Path = EXPECTED) -> dict[str, Record]:
    return json.loads(path.read_text()) if path.exists() else {}


def save(records: dict[str, Record], path: Path = EXPECTED) -> None:
    """One line per entry, sorted, so that two branches that add ops merge."""
    lines = [f"  {json.dumps(name)}: {json.dumps(records[name], sort_keys=True)}" for name in sorted(records)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def record(op: OpInfo, subject: Subject, outcomes: dict[Check, Outcome]) -> Record:
    """The entry that these outcomes amount to; what is empty is left out."""
    mapped = mapping.find(op, subject)
    if mapped is None:
        return dict(UNCOVERED)
    judged = "by shape and dtype" if never_predictable(op) else ""
    return entry_of(outcomes, missing=sorted(mapped.missing), judged=judged)


def entry_of(outcomes: Mapping[Any, Outcome], **more: Any) -> Record:
    """What these outcomes amount to, by the keys of their checks."""
    compared = any(outcome.compared for check, outcome in outcomes.items() if check.kind == "forward")
    differs = {check.key: ", ".join(sorted(o.reasons)) for check, o in outcomes.items() if o.failures}
    entry = {
        "status": "differing" if differs else "mapped" if compared else "uncovered",
        "differs": differs,
        "unsupported": sorted(set().union(*(o.unsupported for o in outcomes.values()))),
        **more,
    }
    return {key: value for key, value in entry.items() if value}


def worsened(check: Any, outcome: Outcome, entry: Record) -> str | None:
    """What this outcome lost against the record, or None."""
    if outcome.failures and check.key not in entry.get("differs", {}):
        return "\n\n".join(outcome.failures)
    if entry["status"] != "uncovered":
        fresh = outcome.unsupported - set(entry.get("unsupported", ()))
        if fresh:
            return "was supported, or never met, before: " + "; ".join(sorted(fresh))
    return None
