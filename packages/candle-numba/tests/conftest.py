"""Programs in a process of their own, since what is tested happens once in one."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from candle.numba import _compile

# What the machine that runs the tests has set must not decide them.
UNSET = {"CANDLE_NUMBA", "CANDLE_PLUGINS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS"}
UNSET |= {"NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER", "NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT"}


@pytest.fixture(params=["one thread", "two threads"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays of any size computed by one thread, and by several."""
    started = _compile._threads
    monkeypatch.setattr(_compile, "_threads", lambda: max(2, started()))
    monkeypatch.setattr(_compile, "LARGE", 0 if request.param == "two threads" else sys.maxsize)


Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def program() -> Program:
    """`program(source, NAME="value")` runs Python source to its end, which must be a good one."""

    def run(source: str, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if name not in UNSET}
        if path is not None:
            clean["PYTHONPATH"] = os.pathsep.join([str(path), *filter(None, [clean.get("PYTHONPATH")])])
        command = [sys.executable, "-W", "always", "-c", source]
        done = subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        return done

    return run
