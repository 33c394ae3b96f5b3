"""Two snippets side by side.

They run in fresh processes in turn, `rounds` times. A process reports its fastest call, since what
disturbs a measurement only ever slows it; each pair of neighbours gives a ratio; a row shows the median
of the ratios, and the quarter and three-quarter marks between which half of them lie.

On a machine that is busy with other work, wall clocks tell more of that work. There `one_thread` gives
every process one thread and counts the processor time it gets.
"""

import json
import os
import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
rounds = 9
only = ""  # rows whose name has this in it
one_thread = False


@dataclass
class Snippet:
    """What is timed is `statement`, after `setup`, in a process with `env` on top of this one's."""

    statement: str
    setup: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Pair:
    """What `ours` and `theirs` took, round by round."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.ours, self.theirs)]


def threads() -> dict[str, str]:
    """What a process's environment is to say of the number of threads."""
    return {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA") if one_thread}


def seconds(snippet: Snippet) -> float:
    """The fastest call of a snippet, in a fresh process."""
    task = json.dumps({"statement": snippet.statement, "setup": snippet.setup, "one_thread": one_thread})
    command = [sys.executable, "-m", "benchmarks.compare"]
    env = {**os.environ, **threads(), **snippet.env}
    done = subprocess.run(command, input=task, env=env, cwd=ROOT, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{snippet.statement}\n{done.stderr}")
    return float(done.stdout)


def fastest_call(
    statement: str, setup: str, one_thread: bool = False, repeats: int = 15, at_least: float = 0.02
) -> float:
    """The same in this process, with the garbage collector on as in a user's program."""
    clock = time.process_time if one_thread else time.perf_counter
    timer = timeit.Timer(statement, f"import gc\ngc.enable()\n{setup}", clock)
    timer.timeit(3)  # caches fill, kernels compile
    number, took = 1, timer.timeit(1)
    while took < at_least:
        number = max(2 * number, int(number * at_least / max(took, 1e-9)))
        took = timer.timeit(number)
    return min(timer.repeat(repeats, number)) / number


def in_turn(ours: Callable[[], float], theirs: Callable[[], float]) -> Pair:
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Pair([a for a, _ in pairs], [b for _, b in pairs])


# The tables


def header(ours: str = "candle", theirs: str = "torch") -> None:
    print(f"| | {ours} | {theirs} | ratio | half of the ratios | target | |\n|---|--:|--:|--:|:-:|--:|---|")


def row(what: str, ours: Snippet, theirs: Snippet, target: float | None = None) -> None:
    if only in what:
        show(what, in_turn(lambda: seconds(ours), lambda: seconds(theirs)), target)


def show(what: str, pair: Pair, target: float | None = None) -> None:
    ratio, ours, theirs = (statistics.median(each) for each in (pair.ratios, pair.ours, pair.theirs))
    low, _, high = statistics.quantiles(pair.ratios, n=4, method="inclusive") if rounds > 1 else [ratio] * 3
    goal = "" if target is None else f"≤ {target:.2f}"
    verdict = "" if target is None else "met" if ratio <= target else "**missed**"
    cells = [what, readable(ours), readable(theirs), f"{ratio:.2f}", f"{low:.2f}–{high:.2f}", goal, verdict]
    print(f"| {' | '.join(cells)} |", flush=True)


def readable(took: float) -> str:
    """
    >>> readable(0.0123), readable(4.5e-6)
    ('12.3 ms', '4.50 µs')
    """
    scale, unit = (1e3, "ms") if took >= 1e-3 else (1e6, "µs")
    return f"{took * scale:.0f} {unit}" if took * scale >= 100 else f"{took * scale:#.3g} {unit}"


if __name__ == "__main__":
    print(fastest_call(**json.load(sys.stdin)))
