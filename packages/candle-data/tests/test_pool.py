"""What a pool of workers is told, and what becomes of it when it is interrupted or changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import for_workers as make
import pytest

import candle
from candle.utils.data import DataLoader, _pool, _workers


def numbers(loader: Any) -> list[int]:
    return [int(batch) for batch in loader]


def half_of_it(connection: Any) -> Any:
    """Ctrl-C where a message has been read, and not the descriptor that follows it."""
    connection.recv_bytes()
    raise KeyboardInterrupt


def all_of_it(connection: Any) -> Any:
    """... and where all of it has been read."""
    _shared_receive(connection)
    raise KeyboardInterrupt


_shared_receive = _pool.receive


def test_an_interrupted_epoch_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = DataLoader(make.Numbers(6), num_workers=1, persistent_workers=True)
    for interrupted in (half_of_it, all_of_it):
        iterator = iter(loader)
        assert int(next(iterator)) == 0
        with monkeypatch.context() as patch:
            patch.setattr(_pool, "receive", interrupted)
            with pytest.raises(KeyboardInterrupt):
                next(iterator)
        with pytest.raises(RuntimeError, match="workers of this iterator have ended"):
            next(iterator)
        assert numbers(loader) == list(range(6))
    del loader, iterator


def test_an_interrupted_wait_costs_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    iterator = iter(DataLoader(make.Numbers(3), num_workers=1))
    with monkeypatch.context() as patch:
        patch.setattr(_pool, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(iterator)
    assert numbers(iterator) == [0, 1, 2]


def test_ctrl_c_is_not_lost_while_a_break_ends_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """That happens when the iterator is freed, where Python ignores exceptions."""
    iterators = [iter(DataLoader(make.Numbers(9), num_workers=1))]
    process = iterators[0].pool.processes[0]
    join, pid, times = process.join, process.pid, iter([KeyboardInterrupt, KeyboardInterrupt])

    def interrupted(timeout: float | None = None) -> None:
        for error in times:
            raise error
        join(timeout)

    def free_and_go_on() -> None:
        iterators.clear()
        time.sleep(5)

    monkeypatch.setattr(process, "join", interrupted)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        free_and_go_on()
    assert time.monotonic() - start < 4  # asleep or not
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks on this system")
def test_ctrl_c_waits_while_a_process_is_started() -> None:
    blocked = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    said: list[str] = []

    @_pool._uninterrupted()
    def start() -> None:
        signal.raise_signal(signal.SIGINT)
        said.append(subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True).stdout)

    with pytest.raises(KeyboardInterrupt):
        start()
    assert said == ["True\n"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_what_is_changed_between_epochs() -> None:
    loader = DataLoader(make.Numbers(4), 2)
    loader.num_workers = 1
    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3]]
    loader = DataLoader(make.Numbers(4), 2, num_workers=1, persistent_workers=True)
    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3]]
    loader.num_workers, loader.collate_fn = 2, make.as_list
    assert list(loader) == [[0, 1], [2, 3]]
    del loader


def test_streams_draw_their_own_numbers_and_end() -> None:
    a, b = DataLoader(make.OfItself(4), 4, num_workers=2)
    assert a[0].tolist() == b[0].tolist() == [3, 2, 1, 0]
    assert a[1][0] != b[1][0]  # what __iter__ drew


@pytest.fixture
def double() -> Iterator[None]:
    candle.set_default_dtype(candle.float64)
    yield
    candle.set_default_dtype(candle.float32)


def test_the_default_dtype_is_the_program_s(double: None) -> None:
    assert list(DataLoader(make.Numbers(1, make.kind_of_ones), None, num_workers=1)) == ["candle.float64"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_workers_of_one_loader_do_not_keep_those_of_another() -> None:
    first, second = (
        iter(DataLoader(make.Numbers(3), num_workers=1, multiprocessing_context="fork", batch_size=None))
        for _ in range(2)
    )
    start = time.monotonic()
    assert list(first) == list(second) == [0, 1, 2]
    assert time.monotonic() - start < _workers.GRACE / 2
