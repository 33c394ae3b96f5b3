"""How kernels are compiled, kept on disk, and spread over threads."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.caching import FunctionCache

FLOATS = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


def accepts(*arrays: Any) -> bool:
    """Whether these are arrays that kernels are compiled for: of one floating dtype, contiguous, not empty."""
    dtype = arrays[0].dtype
    if dtype not in FLOATS:
        return False
    # carray: C-contiguous, aligned and writable; anything else would be compiled for anew
    for x in arrays:  # noqa: SIM110 (a generator would take longer than the rest of this)
        if not (x.dtype == dtype and x.flags.carray and x.ndim and x.size):
            return False
    return True


# Compiling


class Cache(FunctionCache):  # type: ignore[misc]
    """Compiled code on disk; that the disk is full, or a file damaged, is no reason not to compute."""

    def load_overload(self, *args: Any) -> Any:
        try:
            return super().load_overload(*args)
        except Exception:  # whatever reading half a pickle raises
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, *args: Any) -> None:
        with contextlib.suppress(OSError):
            super().save_overload(*args)


@functools.cache
def _folder() -> str:
    """A cache folder for this state of this package's sources: Numba itself would look at one file only.

    It is the user's, for the package may be installed where nobody can write; NUMBA_CACHE_DIR moves it.
    """
    here = Path(__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(here.rglob("*.py")))
    user = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    base = Path(numba.config.CACHE_DIR or Path(user).expanduser() / "candle")
    return str(base / f"candle-numba-{hashlib.sha256(sources).hexdigest()[:16]}")


def compiled(function: Callable[..., Any] | None = None, *, flags: str = "contract", parallel: bool = False) -> Any:
    """Compile on first use, for whatever types that brings. `flags` say what may be done to the arithmetic.

    They never include `nnan` and `ninf`: NaN and infinities have to come out as from the reference.
    """
    assert not {"nnan", "ninf", "fast"} & set(flags.split())
    if function is None:
        return functools.partial(compiled, flags=flags, parallel=parallel)
    options = {"nogil": True, "error_model": "numpy", "fastmath": set(flags.split()), "parallel": parallel}
    made = numba.njit(**options)(function)
    before = numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = _folder()
        cache = Cache(function)
        if cache.cache_path.startswith(_folder()):  # not where Numba goes otherwise
            made._cache = cache
    except RuntimeError:
        pass  # no home, or nothing that can be written: compiled again in every process
    finally:
        numba.config.CACHE_DIR = before
    return made


# Threads

LARGE = 1 << 18  # elements from which on a second thread gains more than the 40 µs it takes to wake it

_pool: int | None = None  # the process that started it
_imported_by = os.getpid()
_turn = threading.Lock()


def run(serial: Callable[..., Any], parallel: Callable[..., Any], size: int, *args: Any) -> Any:
    """serial(*args); or parallel(*args, pieces) where there are elements enough to wake other threads for.

    One Python thread at a time has the pool; others, which find it busy, do their work alone. (All at once
    they would only get in each other's way, and Numba's `workqueue` layer would end the process.)
    """
    if size >= LARGE and (threads := _threads()) > 1 and _turn.acquire(blocking=False):
        try:
            return parallel(*args, threads)
        finally:
            _turn.release()
    return serial(*args)


def _threads() -> int:
    """As Numba is set. In a forked child one: OpenMP's threads stay behind, and GNU's would end the process."""
    global _pool
    if _pool is None:
        with _turn:
            _pool = _pool or _start()
    return numba.get_num_threads() if os.getpid() == _pool else 1


def _start() -> int:
    """Start Numba's pool, whichever layer is installed and chosen, unless it runs already."""
    with contextlib.suppress(ValueError):
        numba.threading_layer()  # raises unless it runs
        return _imported_by
    with _passive(), _start_method_kept():
        numba.get_num_threads()
    return os.getpid()


@contextlib.contextmanager
def _passive() -> Iterator[None]:
    """Let OpenMP's threads sleep between kernels: spinning, they take the cores from NumPy's matrix products.

    The library reads the environment when it is loaded. What the user has set stays; what is set here goes
    again, and reaches neither other processes nor other OpenMP libraries.
    """
    if os.environ.keys() & {"OMP_WAIT_POLICY", "KMP_BLOCKTIME"}:  # (GOMP_SPINCOUNT goes before either)
        yield
        return
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    try:
        yield
    finally:
        del os.environ["OMP_WAIT_POLICY"]


@contextlib.contextmanager
def _start_method_kept() -> Iterator[None]:
    """Numba asks how processes are started, which decides it; the program may still want to."""
    before: Any = multiprocessing.get_start_method(allow_none=True)
    try:
        yield
    finally:
        if before is None:
            multiprocessing.set_start_method(None, force=True)
