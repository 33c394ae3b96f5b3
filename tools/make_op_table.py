"""Writes `docs/operations.md`: every op with its formula, as the ops themselves tell them.

hatch run op-table            write it
hatch run op-table --check    fail if it is not up to date (run by the tests)
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from candle import ops
from candle.op import OPS, Op

TARGET = Path(__file__).parents[1] / "docs" / "operations.md"
HEAD = """\
# The operations

Every op of candle-core: what it computes, its derivative, and what must be kept for that (`out` is the op's own
result). An op without a derivative of its own is differentiated through its forward, or has none where it says so.
The functions that users call are made of these. This page is written by `hatch run op-table` from the ops
themselves; [architecture.md](architecture.md) shows how to add one.
"""


def families() -> list[ModuleType]:
    """The modules of `candle.ops` that define ops or functions, those loaded on first use among them."""
    names = (info.name for info in pkgutil.iter_modules(ops.__path__))
    return [importlib.import_module(f"candle.ops.{name}") for name in sorted(names) if name != "_common"]


def page() -> str:
    parts = [HEAD]
    for family in families():
        found = [op for op in OPS.values() if op.__module__ == family.__name__]
        functions = getattr(family, "__all__", [])
        if not found and not functions:
            continue
        title = family.__name__.rpartition(".")[2].strip("_")
        file, first = Path(family.__file__ or "").name, (family.__doc__ or "").strip().splitlines()[0]
        parts.append(f"\n## {title.replace('_', ' ').capitalize()}\n")
        parts.append(f"{first} ([`{file}`](../packages/candle-core/src/candle/ops/{file}))\n")
        if functions:
            parts.append(f"Functions: {', '.join(f'`{name}`' for name in sorted(functions))}.\n")
        if found:
            parts.append("| op | computes | derivative | keeps |\n|---|---|---|---|")
            parts += map(row, sorted(found, key=lambda op: op.name))
    return "\n".join(parts) + "\n"


def row(op: type[Op]) -> str:
    forward, _, derivative = op.formula.partition(";")
    kept = [f"{reads} for d{name}" for name, reads in op.reads.items() if reads]
    cells = [f"`{op.name}`", forward.strip(), derivative.strip() or "—", ", ".join(kept) or "—"]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> None:
    text = page()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text)
    elif not TARGET.exists() or TARGET.read_text() != text:
        sys.exit(f"{TARGET.name} is not up to date: run `hatch run op-table`")


if __name__ == "__main__":
    main()
