"""What the kernels share: code kept on disk, threads, and what these leave alone."""

import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from candle.numba import _compile
from candle.numba._compile import LARGE
from candle.numba._kernels import gelu

START = """
import multiprocessing, os, sys
import numpy as np
from candle.numba._compile import LARGE
from candle.numba._kernels import gelu
x = np.linspace(-3, 3, LARGE, dtype=np.float32)
def run():
    return gelu.kernel.forward(x, approximate="tanh")[0]
"""
TWO = {"NUMBA_NUM_THREADS": "2"}  # whatever the machine has
OMP = TWO | {"NUMBA_THREADING_LAYER": "omp"}


# The disk


def test_the_second_process_does_not_compile(program, tmp_path: Path) -> None:
    source = START + "run(); print(sum(gelu.forward.stats.cache_hits.values()), gelu.forward_parallel.stats.cache_hits)"
    program(source, XDG_CACHE_HOME=str(tmp_path), **TWO)
    hits = program(source, XDG_CACHE_HOME=str(tmp_path), **TWO).stdout
    assert "{}" not in hits
    assert list(tmp_path.glob("candle/candle-numba-*/*/gelu.forward*.nbi"))


def test_numba_cache_dir_is_respected(program, tmp_path: Path) -> None:
    program(START + "run()", NUMBA_CACHE_DIR=str(tmp_path), **TWO)
    assert list(tmp_path.glob("candle-numba-*/*/gelu.forward*.nbi"))


def test_users_own_cached_functions_are_elsewhere(program, tmp_path: Path) -> None:
    source = "import numba; before = numba.config.CACHE_DIR" + START + "run(); print(numba.config.CACHE_DIR == before)"
    assert program(source, XDG_CACHE_HOME=str(tmp_path)).stdout == "True\n"


@pytest.mark.parametrize("place", ["a file", "nowhere"])
def test_without_a_place_to_write(program, tmp_path: Path, place: str) -> None:
    file = tmp_path / "file"
    file.touch()
    home = {"a file": str(file), "nowhere": "/proc/nowhere"}[place]
    source = START + "print(run().size == x.size, type(gelu.forward._cache).__name__)"
    assert program(source, XDG_CACHE_HOME=home, **TWO).stdout == "True NullCache\n"


def test_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", lost)
    monkeypatch.setattr(_compile, "_folder", _compile._folder.__wrapped__)
    monkeypatch.setattr(_compile.numba.config, "CACHE_DIR", "")
    assert type(_compile.compiled(lambda x: x)._cache).__name__ == "NullCache"
    assert _compile.numba.config.CACHE_DIR == ""


def test_a_damaged_cache_is_as_none(program, tmp_path: Path) -> None:
    source = START + "print(run().sum())"
    first = program(source, XDG_CACHE_HOME=str(tmp_path), **TWO).stdout
    for path in tmp_path.rglob("*.nb?"):
        path.write_bytes(path.read_bytes()[:100])
    assert program(source, XDG_CACHE_HOME=str(tmp_path), **TWO).stdout == first


def test_an_edited_source_is_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba looks at the file of the function alone, and not at those that it calls."""
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(_compile, "__file__", str(tmp_path / "one.py"))
    before = _compile._folder.__wrapped__()
    (tmp_path / "two.py").write_text("x = 1")
    assert _compile._folder.__wrapped__() != before


# Threads


@pytest.mark.skipif(sys.platform != "linux", reason="asks GNU's OpenMP")
def test_idle_threads_sleep(program) -> None:
    """libgomp says what it understood, when asked to: how often a thread looks for work before it sleeps."""
    done = program(START + "run(); print('OMP_WAIT_POLICY' in os.environ)", OMP_DISPLAY_ENV="verbose", **OMP)
    assert "GOMP_SPINCOUNT = '0'" in done.stderr
    assert done.stdout == "False\n"


@pytest.mark.skipif(sys.platform != "linux", reason="asks GNU's OpenMP")
@pytest.mark.parametrize(
    ("name", "value", "count"), [("OMP_WAIT_POLICY", "ACTIVE", "30000000000"), ("GOMP_SPINCOUNT", "7", "7")]
)
def test_what_the_user_set_stays(program, name: str, value: str, count: str) -> None:
    done = program(START + f"run(); print(os.environ[{name!r}])", OMP_DISPLAY_ENV="verbose", **OMP, **{name: value})
    assert f"GOMP_SPINCOUNT = '{count}'" in done.stderr
    assert done.stdout == f"{value}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_small_arrays_start_no_threads(program) -> None:
    source = START + "x = x[:1000]; run(); print(len(os.listdir('/proc/self/task')), gelu.forward_parallel.signatures)"
    assert program(source, OPENBLAS_NUM_THREADS="1", **TWO).stdout == "1 []\n"


def test_as_many_threads_as_numba_is_set_to(program) -> None:
    source = START + "import numba; numba.set_num_threads(1); run(); print(gelu.forward_parallel.signatures)\n"
    source += "numba.set_num_threads(2); run(); print(len(gelu.forward_parallel.signatures), numba.get_num_threads())"
    assert program(source, **TWO).stdout == "[]\n1 2\n"


def test_how_processes_start_stays_open(program) -> None:
    source = START + "run(); multiprocessing.set_start_method('spawn'); print(multiprocessing.get_start_method())"
    assert program(source, **TWO).stdout == "spawn\n"


FORK = """
child = os.fork()
if not child:
    os._exit(0 if (run() == before).all() else 1)
print(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_forked_children_compute(program, layer: str) -> None:
    """GNU's OpenMP ends a child that uses the pool of its parent, as a data loader's worker might."""
    source = START + "before = run()" + FORK
    assert program(source, NUMBA_THREADING_LAYER=layer, **TWO).stdout == "0\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_children_compute_where_others_started_the_pool(program) -> None:
    source = f"""{START}
import numba
@numba.njit(parallel=True)
def others(x):
    return np.exp(x)
others(x)
before = x.copy()
gelu.forward(x, before, True)
"""
    assert program(source + FORK, **OMP).stdout == "0\n"


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_python_threads_at_the_same_time(program, layer: str) -> None:
    """Numba's workqueue ends the process if two use it at once."""
    source = f"""{START}
import threading
right, wrong = run(), []
def often():
    for _ in range(100):
        if (run() != right).any():
            wrong.append(1)
threads = [threading.Thread(target=often) for _ in range(3)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(wrong)
"""
    assert program(source, NUMBA_THREADING_LAYER=layer, **TWO).stdout == "[]\n"


def test_who_finds_the_pool_busy_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compile, "_threads", lambda: 2)
    asked: list[str] = []

    def parallel(pieces: int) -> None:
        asked.append(f"parallel {pieces}")
        other = threading.Thread(target=_compile.run, args=(serial, parallel, LARGE))
        other.start()
        other.join()

    def serial() -> None:
        asked.append("serial")

    _compile.run(serial, parallel, LARGE)
    _compile.run(serial, parallel, LARGE - 1)
    assert asked == ["parallel 2", "serial", "serial"]


def test_the_pool_is_free_again_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compile, "_threads", lambda: 2)

    def fails(pieces: int) -> None:
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            _compile.run(print, fails, LARGE)


def test_the_same_bits_every_time() -> None:
    x = np.random.default_rng(5).normal(size=2 * LARGE)
    results = {gelu.kernel.forward(x, approximate="none")[0].tobytes() for _ in range(20)}
    assert len(results) == 1
