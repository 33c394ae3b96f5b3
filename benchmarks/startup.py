"""Import: how long `import candle` takes

Whole processes, from the command to its end.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from functools import partial

from benchmarks import compare

TARGET = 40  # ms over `import numpy`


def clock() -> float:
    """Processor time of finished children, or the time on the wall."""
    if not compare.one_thread:
        return time.perf_counter()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def run(module: str) -> float:
    began = clock()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env={**os.environ, **compare.threads()})
    return clock() - began


def main() -> None:
    compare.in_turn(lambda: run("candle"), lambda: run("torch"))  # bring the files into memory
    compare.header("import candle", "the other")
    pairs = {  # candle imports NumPy when it is first needed, which is soon: it is counted on both sides
        "numpy": compare.in_turn(lambda: run("numpy, candle"), partial(run, "numpy")),
        "torch": compare.in_turn(lambda: run("candle"), partial(run, "torch")),
    }
    for other, pair in pairs.items():
        compare.show(f"next to `import {other}`", pair)
    over = statistics.median(ours - theirs for ours, theirs in zip(pairs["numpy"].ours, pairs["numpy"].theirs))
    verdict = "met" if 1000 * over <= TARGET else "**missed**"
    print(f"\n`import candle` takes {1000 * over:.0f} ms more than `import numpy`; target ≤ {TARGET} ms: {verdict}.")
