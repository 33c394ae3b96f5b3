"""Size: what lies on the disk once it is installed

The files of each distribution without compiled bytecode, and with what it requires.
"""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from benchmarks.compare import ROOT

SUBJECTS = ["candle-core", "candle-numba", "torch"]


def files(name: str) -> list[Path]:
    """An editable install lists no sources of its own: those of this repository then."""
    source = ROOT / "packages" / name / "src"
    if source.exists():
        found = [path for path in source.rglob("*") if path.is_file()]
    else:
        found = [Path(path.locate()) for path in distribution(name).files or []]
    return [path for path in found if "__pycache__" not in path.parts and path.exists()]


def megabytes(name: str) -> float:
    return sum(path.stat().st_size for path in files(name)) / 1e6


def requirements(name: str) -> set[str]:
    """The installed distributions that `name` needs, itself among them, however indirectly."""
    found, stack = set(), [name]
    while stack:
        try:
            dist: Distribution = distribution(stack.pop())
        except PackageNotFoundError:
            continue  # required on other machines only
        if (each := dist.name.lower()) not in found:
            found.add(each)
            required = [line for line in dist.requires or [] if "extra ==" not in line]
            stack += [re.match(r"[\w.-]+", line)[0] for line in required]
    return found


def main() -> None:
    print("| | itself | with what it requires | which is |\n|---|--:|--:|---|")
    for name in SUBJECTS:
        try:
            others = sorted(requirements(name) - {name})
        except PackageNotFoundError:
            continue
        total = megabytes(name) + sum(map(megabytes, others))
        print(f"| {name} | {megabytes(name):.2f} MB | {total:.1f} MB | {', '.join(others)} |")
