"""A worker: a process that is asked for batches through a socket and answers in order.

    asked:     ("begin", epoch, base seed, batches to skip), then ("fetch", epoch, number, index) for each batch
    answered:  (epoch, kind, batch or failure) to each fetch; no answer where a later epoch has begun already
               and before all that, of epoch -1: it has begun

It ends when the other end of the socket is closed, by the loader or by the death of its process.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import candle
from candle.utils.data._fetch import Recipe, Stream, seed_everything
from candle.utils.data._shared import Parcel, receive

BATCH, END, FAILURE = range(3)
GRACE = 5.0  # seconds that a batch in the making is given to end in peace


@dataclass(frozen=True)
class WorkerInfo:
    """What `get_worker_info()` tells: `dataset` is this worker's copy."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Who this worker is, among how many; None in the user's own process."""
    return _info


@dataclass(frozen=True)
class Failure:
    """An exception on its way to another process: its type and its traceback as text."""

    kind: type[BaseException]
    text: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        return cls(type(error), "".join(traceback.format_exception(error)))

    def again(self, worker: int) -> BaseException:
        """The same type of exception, with the worker's traceback in its message."""
        text = f"Caught {self.kind.__name__} in DataLoader worker process {worker}.\nOriginal {self.text}"
        try:
            return self.kind(_Verbatim(text) if issubclass(self.kind, KeyError) else text)
        except Exception:  # its constructor wants something else
            return RuntimeError(text)


class _Verbatim(str):
    """KeyError shows the repr of its argument."""

    __slots__ = ()
    __repr__ = str.__str__


class Worker:
    """What a worker knows: its recipe, or what is wrong with it, and the epoch it is in."""

    def __init__(self, connection: Connection, worker: int, num_workers: int):
        self.connection, self.id, self.num_workers = connection, worker, num_workers
        self.recipe: Recipe | None = None
        self.stream: Stream | None = None
        self.failure: Failure | None = None  # of this epoch
        self.unprepared: Failure | None = None  # and for good
        self.epoch, self.base_seed, self.fetched = -1, 0, 0

    def prepare(self, unpack: Callable[[], Any], base_seed: int) -> None:
        global _info
        try:
            self.recipe, init_fn, default_dtype = _unpacked(unpack)
            candle.set_default_dtype(default_dtype)
            _info = WorkerInfo(self.id, self.num_workers, base_seed + self.id, self.recipe.dataset)
            seed_everything(_info.seed)
            if init_fn is not None:
                init_fn(self.id)
        except Exception as error:
            self.unprepared = Failure.of(error)

    def begin(self, epoch: int, base_seed: int, skipped: int) -> None:
        """A new epoch. Of a stream, the batches that were seen before an interruption are read and passed over."""
        self.epoch, self.base_seed, self.fetched, self.stream = epoch, base_seed, 0, None
        self.failure = self.unprepared
        if self.recipe is None or not self.recipe.streams or self.failure is not None:
            return
        try:
            seed_everything(self.base_seed, self.id, 0)
            self.stream = Stream(self.recipe)
            for _ in range(skipped):
                self.seed(0)
                self.stream.take()
        except StopIteration:
            pass
        except Exception as error:
            self.failure = Failure.of(error)

    def seed(self, number: int) -> None:
        """A batch's random numbers are its own: who made it, when and after what must not matter."""
        self.fetched += 1
        seed_everything(self.base_seed, *((number,) if self.stream is None else (self.id, self.fetched)))

    def answer(self, number: int, index: Any) -> None:
        try:
            parcel = Parcel((self.epoch, *self.make(number, index)))
        except Exception as error:
            parcel = self.parcel_of(Failure.of(error))
        parcel.send(self.connection)

    def make(self, number: int, index: Any) -> tuple[int, Any]:
        if self.failure is not None or self.recipe is None:
            return FAILURE, self.failure
        self.seed(number)
        if self.stream is None:
            return BATCH, self.recipe.load(index)
        try:
            return BATCH, self.stream.load()
        except StopIteration:
            return END, None

    def parcel_of(self, failure: Failure) -> Parcel:
        try:
            return Parcel((self.epoch, FAILURE, failure))
        except Exception:  # an exception whose type no other process can import
            return Parcel((self.epoch, FAILURE, Failure(RuntimeError, failure.text)))


def _unpacked(unpack: Callable[[], Any]) -> Any:
    try:
        return unpack()
    except AttributeError as error:
        error.add_note(
            "A worker imports the module of a dataset or a function again. What was defined in an interactive session, "
            "in a notebook or behind the guard is not found there: move it into a file, or use num_workers=0 or "
            "multiprocessing_context='fork'"
        )
        raise


def run(
    connection: Connection,
    worker: int,
    num_workers: int,
    base_seed: int,
    job: Any = None,
    inherited: Sequence[Connection] = (),
) -> None:
    """The life of a worker. A forked one inherits its `job`, and the loaders' ends of sockets; others receive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the user's process, which then closes the socket
    for each in inherited:
        each.close()
    me = Worker(connection, worker, num_workers)
    try:
        Parcel((-1, BATCH, None)).send(connection)
        me.prepare(receive(connection, private=True) if job is None else lambda: job, base_seed)
        inbox = Inbox(connection)
        for what, epoch, *details in inbox:
            if what == "begin":
                me.begin(epoch, *details)
            elif epoch == inbox.epoch:
                me.answer(*details)
    except (EOFError, ConnectionError):
        pass  # nobody listens any more


class Inbox:
    """What this worker is asked, read by a thread: so asking never waits for it, and it learns when nobody will.

    When the loader is gone a batch in the making is given some time, and then the process ends.
    """

    def __init__(self, connection: Connection):
        self.tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.connection, self.open, self.epoch = connection, True, -1
        threading.Thread(target=self._read, daemon=True).start()

    def __iter__(self) -> Iterator[Any]:
        while (task := self.tasks.get()) is not None and self.open:
            yield task

    def _read(self) -> None:
        parent = os.getppid()
        try:
            while self.connection.poll(GRACE) or os.getppid() == parent:
                if self.connection.poll():
                    task = self.connection.recv()
                    self.epoch = task[1]
                    self.tasks.put(task)
        except (EOFError, OSError):
            pass
        finally:
            self.open = False
            self.tasks.put(None)
        time.sleep(GRACE)
        os._exit(1)
