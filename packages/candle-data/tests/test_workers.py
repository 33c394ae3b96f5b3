"""Workers: the same batches as without them, errors that arrive, deaths that are noticed, nothing left behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import for_workers as make
import pytest

import candle
from candle.utils.data import DataLoader, _workers

from .test_collate import described


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    if multiprocessing.active_children() or mappings():
        gc.collect()  # slow, and only an exception's traceback may need it
    assert multiprocessing.active_children() == []
    assert mappings() == []


def mappings() -> list[str]:
    maps = Path("/proc/self/maps")
    return [line for line in maps.read_text().splitlines() if "memfd:candle" in line] if maps.exists() else []


def seeded() -> candle.Generator:
    return candle.Generator().manual_seed(0)


def loaded(data: Any, num_workers: int = 2, **options: Any) -> list[Any]:
    return list(DataLoader(data, num_workers=num_workers, generator=seeded(), **options))


def test_batches_are_those_without_workers() -> None:
    data = make.Numbers(5, make.many_kinds)
    oracle = [described(batch) for batch in loaded(data, 0, batch_size=2, shuffle=True)]
    for num_workers in (1, 2):
        assert [described(batch) for batch in loaded(data, num_workers, batch_size=2, shuffle=True)] == oracle


def test_tensors_keep_their_kind() -> None:
    (item,) = loaded([candle.arange(9_000.0).requires_grad_()], batch_size=None)
    assert item.requires_grad
    item.detach().fill_(1)


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.full
def test_other_ways_to_start(method: str) -> None:
    data = make.Numbers(5, make.many_kinds)
    oracle = [described(batch) for batch in loaded(data, 0, batch_size=2)]
    assert [described(b) for b in loaded(data, batch_size=2, multiprocessing_context=method)] == oracle
    context = multiprocessing.get_context(method)
    assert [described(b) for b in loaded(data, batch_size=2, multiprocessing_context=context)] == oracle


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_inherits_what_cannot_be_sent() -> None:
    batches = loaded([1, 2, 3], batch_size=2, multiprocessing_context="fork", collate_fn=lambda batch: [sum(batch)])
    assert batches == [[3], [3]]


def test_random_numbers_belong_to_the_batch() -> None:
    data = make.Numbers(8, make.random_numbers)
    one = [described(batch) for batch in loaded(data, 1, shuffle=True, batch_size=2)]
    assert [described(batch) for batch in loaded(data, 2, shuffle=True, batch_size=2)] == one
    loader = DataLoader(
        data, num_workers=2, shuffle=True, batch_size=2, generator=seeded(), persistent_workers=True, prefetch_factor=1
    )
    assert [described(batch) for batch in loader] == one
    again = [described(batch) for batch in loader]
    assert again != one
    for kind in (1, 2, 3):  # candle's, Python's, NumPy's: different in each batch and epoch
        drawn = [x for epoch in (one, again) for batch in epoch for x in batch[1][kind][3]]
        assert len(set(drawn)) == 16
    del loader


def test_the_program_s_generator_gives_the_seed() -> None:
    data = make.Numbers(3, make.random_numbers)
    runs = []
    for seed in (1, 1, 2):
        candle.manual_seed(seed)
        runs.append([described(batch) for batch in DataLoader(data, num_workers=1)])
    assert runs[0] == runs[1] != runs[2]


def test_who_workers_are() -> None:
    batches = loaded(make.Numbers(6, make.who), batch_size=None)
    assert [batch[1:3] for batch in batches] == [[0, 2], [1, 2]] * 3
    assert batches[0][3] + 1 == batches[1][3]
    assert len({batch[0] for batch in batches}) == 2
    assert os.getpid() not in {batch[0] for batch in batches}
    assert make.who(0)[1] == -1  # here there is no worker


def test_persistent_workers_stay_and_others_do_not() -> None:
    for keep in (True, False):
        loader = DataLoader(make.Numbers(2, make.who), num_workers=1, persistent_workers=keep, collate_fn=make.as_list)
        processes = [{batch[0][0] for batch in loader} for _ in range(2)]
        assert (processes[0] == processes[1]) is keep
        del loader


def test_a_new_epoch_of_persistent_workers_ends_the_one_before() -> None:
    loader = DataLoader(make.Numbers(9), num_workers=2, persistent_workers=True)
    first = iter(loader)
    assert int(next(first)) == 0
    assert [int(batch) for batch in loader] == list(range(9))
    with pytest.raises(RuntimeError, match="begun another epoch"):
        next(first)
    del loader, first


def test_an_exception_keeps_its_type_and_tells_where() -> None:
    iterator = iter(DataLoader(make.Numbers(5, make.fails_at_3), num_workers=2))
    assert [int(next(iterator)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match=r"(?s)worker process 1.*Traceback.*in fails_at_3.*three is no good"):
        next(iterator)
    assert [int(batch) for batch in iterator] == [4]


@pytest.mark.parametrize(
    ("data", "options", "kind", "message"),
    [
        (make.Numbers(2, make.fails_with_key), {}, KeyError, r"(?s)^Caught KeyError.*\n.*fails_with_key"),
        (make.Numbers(2, make.fails_oddly), {}, RuntimeError, "(?s)Caught Odd in.*Traceback"),
        (make.Numbers(2, make.stops), {}, RuntimeError, "Numbers raised StopIteration"),
        (make.Numbers(2), {"worker_init_fn": make.fail_to_start}, PermissionError, "worker [01] may not"),
        (make.FailsToBegin(), {}, OSError, "no such stream"),
        (make.RefusesToArrive(), {}, AttributeError, "(?s)Can't get attribute 'Mine'.*notebook.*num_workers=0"),
        (make.Numbers(2, make.Numbers), {}, TypeError, "found.*Numbers"),
        ([1], {"collate_fn": make.unsendable}, TypeError, "(?s)Traceback.*pickle 'generator'"),
    ],
    ids=["key", "odd", "stop", "init", "stream", "notebook", "collate", "batch"],
)
def test_every_failure_arrives(data: Any, options: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        loaded(data, 1, **options)


def test_a_failed_epoch_spoils_no_other() -> None:
    loader = DataLoader(make.FailsOnce(), num_workers=1, batch_size=None, persistent_workers=True)
    with pytest.raises(OSError, match="not yet"):
        list(loader)
    assert list(loader) == [1, 2]
    del loader


class Local:
    def __reduce__(self) -> Any:
        raise TypeError("I stay here")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"collate_fn": lambda batch: batch}, r"collate_fn <function <lambda>.*multiprocessing_context='fork'"),
        ({"worker_init_fn": lambda worker: None}, "worker_init_fn <function <lambda>"),
        ({"dataset": [Local()]}, "(?s)dataset .*Local.*I stay here"),
        ({"dataset": [threading.Lock()]}, "Open files, sockets and the like in each worker"),
    ],
    ids=["collate_fn", "worker_init_fn", "dataset", "resource"],
)
def test_what_cannot_be_sent_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(pickle.PicklingError, match=message):
        iter(DataLoader(**{"dataset": [1], **given}, num_workers=1))


@pytest.mark.parametrize(
    ("what", "how"), [(make.dies_at_3, "code -9: killed by SIGKILL.*memory"), (make.leaves_at_3, "code 7")]
)
def test_a_death_is_noticed(what: Any, how: str) -> None:
    iterator = iter(DataLoader(make.Numbers(9, what), num_workers=2))
    pid, seen = iterator.pool.processes[1].pid, []
    with pytest.raises(RuntimeError, match=rf"worker 1 \(pid {pid}\) exited unexpectedly with exit {how}"):
        list(map(seen.append, iterator))
    assert seen == list(range(3))[: len(seen)]  # at once, so perhaps before what another worker has not yet made
    with pytest.raises(RuntimeError, match="workers of this iterator have ended"):
        next(iterator)


def test_a_death_in_the_first_batch_is_no_missing_guard() -> None:
    """It is told from the death of a worker that could not begin, also where asking it fails before it is heard."""
    for prefetch in (1, 500):
        with pytest.raises(RuntimeError, match="exit code 7$"):
            list(DataLoader(make.Numbers(1000, make.leaves), num_workers=1, prefetch_factor=prefetch))


def test_a_death_is_noticed_while_another_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_workers, "GRACE", 0.2)  # for the one that sleeps
    iterator = iter(DataLoader(make.Numbers(4, make.sleeps_at_1_dies_at_2), num_workers=2))
    assert int(next(iterator)) == 0
    with pytest.raises(RuntimeError, match="worker 0 .*SIGKILL"):
        next(iterator)


def test_persistent_workers_are_replaced_after_a_death() -> None:
    loader = DataLoader(make.Numbers(3), num_workers=1, persistent_workers=True)
    iterator = iter(loader)
    os.kill(iterator.pool.processes[0].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="worker 0 .*SIGKILL"):
        list(iterator)
    assert [int(batch) for batch in loader] == [0, 1, 2]
    del loader, iterator


def test_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_workers, "GRACE", 0.1)
    iterator = iter(DataLoader(make.Numbers(2, make.sleeps_at_1_dies_at_2), num_workers=1, timeout=0.4))
    pid = iterator.pool.processes[0].pid
    next(iterator)
    with pytest.raises(RuntimeError, match=rf"timed out after 0.4 seconds, waiting for worker 0 \(pid {pid}\)"):
        next(iterator)


def test_a_break_ends_the_workers() -> None:
    seen = []
    for batch in DataLoader(make.Numbers(100, make.who), num_workers=2, collate_fn=make.as_list):
        seen.append(batch[0][0])
        if len(seen) == 2:
            break
    for pid in set(seen):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_end_ends_the_workers() -> None:
    iterator = iter(DataLoader(make.Numbers(2), num_workers=2))
    assert [int(next(iterator)), int(next(iterator))] == [0, 1]
    start = time.monotonic()
    assert list(iterator) == []
    assert multiprocessing.active_children() == []
    assert time.monotonic() - start < _workers.GRACE / 2  # they went by themselves
    assert list(iterator) == []


def test_out_of_order_the_late_one_comes_late() -> None:
    batches = [int(batch) for batch in DataLoader(make.Numbers(8, make.late_at_0), num_workers=2, in_order=False)]
    assert sorted(batches) == list(range(8))
    assert batches.index(0) > 2


def test_streams_take_turns() -> None:
    assert loaded(make.Shards(5, 2), batch_size=None) == [0, 100, 1, 101, 2, 3, 4]
    assert [batch.tolist() for batch in loaded(make.Shards(5, 2), batch_size=2)] == [[0, 1], [100, 101], [2, 3], [4]]
    assert [batch.tolist() for batch in loaded(make.Shards(3, 1), batch_size=2, drop_last=True)] == [[0, 1]]
    assert sorted(loaded(make.Shards(5, 2), batch_size=None, in_order=False)) == [0, 1, 2, 3, 4, 100, 101]
    assert loaded(make.Shards(2, 0), batch_size=None) == [0, 1]


def test_a_stream_without_shards_comes_once_from_each_and_warns() -> None:
    loader = DataLoader(make.Unsharded(), num_workers=2, batch_size=None)
    assert list(loader) == [0, 0, 1, 1, 2, 2]
    assert len(loader) == 3
    with pytest.warns(UserWarning, match="reported to be 3.*get_worker_info"):
        list(loader)


def test_random_streams_repeat_with_as_many_workers() -> None:
    runs = [[described(batch) for batch in loaded(make.Shards(4, 4, noisy=True), batch_size=2)] for _ in range(2)]
    assert runs[0] == runs[1]
    assert len({x for batch in runs[0] for x in batch[1][1][3]}) == 8
