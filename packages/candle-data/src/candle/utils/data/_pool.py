"""The loader's side of its workers: starting them, asking, waiting for answers, noticing a death, ending them."""

from __future__ import annotations

import _thread
import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, Any, NoReturn

import candle
from candle.utils.data import _workers
from candle.utils.data._fetch import Recipe
from candle.utils.data._shared import Parcel, receive

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

GUARD = (
    "it ended before it had begun. A worker imports your program again, so what the program does must stand behind\n"
    '    if __name__ == "__main__":\n'
    "The worker's own traceback, if it left one, is above"
)
NO_FILE = (
    "it ended before it had begun. A worker imports your program again, and {!r} is no file: put the program into one, "
    "or use num_workers=0 or multiprocessing_context='fork'"
)
FUNCTIONS = "Define functions and classes at the top of a module (no lambda, nothing inside a function)"
RESOURCES = "Open files, sockets and the like in each worker: with the first item, or in worker_init_fn"

_ours: weakref.WeakSet[Connection] = weakref.WeakSet()  # the ends of all pools, of which a forked worker gets copies


def chosen_context(given: BaseContext | None) -> BaseContext:
    """forkserver on Linux, spawn elsewhere: a plain fork copies locks that other threads hold, and then hangs."""
    context = given or multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    if context.get_start_method() == "forkserver":
        from multiprocessing.forkserver import _forkserver

        already = _forkserver._preload_modules  # type: ignore[attr-defined]
        context.set_forkserver_preload([*{*already, "candle.utils.data._server"}])
    return context


class Pool:
    """`num_workers` processes with a socket to each."""

    def __init__(
        self,
        num_workers: int,
        recipe: Recipe,
        init_fn: Any,
        context: BaseContext | None,
        timeout: float,
        base_seed: int,
    ):
        self.timeout, self.epoch = timeout or None, -1
        self.connections: list[Connection] = []
        self.processes: list[BaseProcess] = []
        self.heard = [False] * num_workers
        self.close = weakref.finalize(self, _end, os.getpid(), self.connections, self.processes)
        context = chosen_context(context)
        inherits = context.get_start_method() == "fork"
        parcel = None if inherits else _packed(recipe, init_fn)
        for worker in range(num_workers):
            here, there = context.Pipe()
            self.connections.append(here)
            _ours.add(here)
            arguments = (there, worker, num_workers, base_seed)
            if inherits:
                job = recipe, init_fn, candle.get_default_dtype()
                arguments += (job, list(_ours))  # type: ignore[assignment]
            process = context.Process(target=_workers.run, args=arguments, daemon=True)  # type: ignore[attr-defined]
            with _uninterrupted():
                process.start()
                self.processes.append(process)
            there.close()
        if parcel is not None:
            for worker in range(num_workers):
                self._tell(worker, parcel.send)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        """An exchange that is left in its middle (Ctrl-C) puts the two sides out of step: then the workers end."""
        if kind is not None:
            self.close()

    def begin(self, base_seed: int, skipped: list[int]) -> None:
        """A new epoch: what was asked before is no longer wanted."""
        self.epoch += 1
        for worker, count in enumerate(skipped):
            self._tell(worker, lambda c, count=count: c.send(("begin", self.epoch, base_seed, count)))

    def ask(self, worker: int, number: int, index: Any) -> None:
        self._tell(worker, lambda connection: connection.send(("fetch", self.epoch, number, index)))

    def _tell(self, worker: int, send: Any) -> None:
        try:
            send(self.connections[worker])
        except OSError:
            self._report_death(worker)

    def ready(self, workers: list[int]) -> int:
        """The first of these workers to have answered."""
        ours = {self.connections[worker]: worker for worker in workers}
        lives = {process.sentinel: worker for worker, process in enumerate(self.processes)}
        found = wait([*ours, *lives], self.timeout)
        answered = [ours[each] for each in ours if each in found]
        if not found:
            waited = ", ".join(f"{worker} (pid {self.processes[worker].pid})" for worker in workers)
            self.close()
            raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds, waiting for worker {waited}")
        if not answered:
            self._report_death(next(lives[each] for each in found if isinstance(each, int)))
        return answered[0]

    def answer(self, worker: int) -> tuple[int, int, Any]:
        """What a worker that is ready says: to which epoch it belongs, its kind, its content."""
        try:
            unpack = receive(self.connections[worker])
        except (EOFError, OSError):
            self._report_death(worker)
        self.heard[worker] = True
        return unpack()  # type: ignore[no-any-return]

    def _report_death(self, worker: int) -> NoReturn:
        process = self.processes[worker]
        process.join(_workers.GRACE)
        what = f"DataLoader worker {worker} (pid {process.pid}) exited unexpectedly with exit code {process.exitcode}"
        code, begun = process.exitcode or 0, self._has_begun(worker)
        self.close()
        if code < 0:
            memory = "; the system kills processes when memory runs out" if -code == signal.SIGKILL else ""
            name = next((each.name for each in signal.Signals if each == -code), f"signal {-code}")
            raise RuntimeError(f"{what}: killed by {name}{memory}")
        raise RuntimeError(what if begun else f"{what}: {_why_at_once()}")

    def _has_begun(self, worker: int) -> bool:
        """Whether a dead worker has ever said something, though perhaps nobody listened yet."""
        try:
            return self.heard[worker] or bool(self.connections[worker].recv_bytes())
        except (EOFError, OSError):
            return False


def _why_at_once() -> str:
    file = getattr(sys.modules["__main__"], "__file__", None)
    return NO_FILE.format(file) if file is not None and not os.path.exists(file) else GUARD


def _packed(recipe: Recipe, init_fn: Any) -> Parcel:
    try:
        return Parcel((recipe, init_fn, candle.get_default_dtype()), files=True)
    except Exception as error:
        parts = {"dataset": recipe.dataset, "collate_fn": recipe.collate_fn, "worker_init_fn": init_fn}
        culprits = [f"{name} {part!r}" for name, part in parts.items() if not _can_be_sent(part)]
        raise pickle.PicklingError(
            f"DataLoader: {' and '.join(culprits) or 'the dataset'} cannot be sent to worker processes: {error}. "
            + (RESOURCES if isinstance(error, TypeError) else FUNCTIONS)
            + "; or use num_workers=0"
            + (", or multiprocessing_context='fork'" if hasattr(os, "fork") else "")
        ) from error


def _can_be_sent(part: Any) -> bool:
    try:
        Parcel(part)
    except Exception:
        return False
    return True


def _end(owner: int, connections: list[Connection], processes: list[BaseProcess]) -> None:
    """Close the sockets, which is what workers wait for; then insist. Ctrl-C shortens that, and is raised after it."""
    if os.getpid() != owner:
        return  # a forked copy of this program, whose workers they are not
    patience, interrupted = _workers.GRACE, False
    while connections or processes:
        try:
            _end_within(patience, connections, processes)
        except KeyboardInterrupt:
            patience, interrupted = 0.0, True
    if interrupted:
        with contextlib.suppress(RuntimeError):  # the program is ending as it is
            threading.Thread(target=_interrupt_outside, daemon=True).start()


def _end_within(seconds: float, connections: list[Connection], processes: list[BaseProcess]) -> None:
    while connections:
        connections[-1].close()
        connections.pop()
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    while processes:
        process = processes[-1]
        if process.is_alive():
            process.terminate()
            process.join(1)
        if process.is_alive():
            process.kill()
            process.join()
        processes.pop().close()


def _interrupt_outside() -> None:
    """Raise KeyboardInterrupt in the main thread once it has left its finalizers, in which exceptions are lost."""
    main, finalizer = threading.main_thread().ident or 0, weakref.finalize.__call__.__code__
    while any(frame.f_code is finalizer for frame, _ in traceback.walk_stack(sys._current_frames().get(main))):
        time.sleep(0.001)
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main, signal.SIGINT)  # wakes it, too
    else:
        _thread.interrupt_main()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C is heard afterwards; a process that is started meanwhile, and all that it starts, never hears of it."""
    in_main, before = threading.current_thread() is threading.main_thread(), signal.getsignal(signal.SIGINT)
    if not (in_main and callable(before) and hasattr(signal, "pthread_sigmask")):
        yield
        return
    resource_tracker.ensure_running()  # else it is started meanwhile, and lets Ctrl-C through in Python 3.11
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))  # another thread may receive it
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
        if heard:
            signal.raise_signal(signal.SIGINT)
