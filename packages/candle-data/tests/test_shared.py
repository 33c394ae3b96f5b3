"""Parcels: objects that go through a socket, with memory beside it or without."""

from __future__ import annotations

import multiprocessing
import os
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import candle
from candle.utils.data import _shared
from candle.utils.data._shared import Parcel, receive

from .test_collate import described


def sent(obj: Any, files: bool = False, **options: Any) -> Any:
    here, there = multiprocessing.Pipe()
    parcel = Parcel(obj, files)
    thread = threading.Thread(target=parcel.send, args=(here,))
    thread.start()
    unpack = receive(there, **options)
    thread.join()
    return unpack()


OBJECTS = {
    "nothing": None,
    "small": {"a": [1, 2.5, "three"], "b": np.arange(3)},
    "large": [np.arange(100_000), np.ones((300, 300), np.float32), "text"],
    "odd sizes": [np.arange(20_001, dtype=np.uint8), np.arange(16_384, dtype=np.int8), np.arange(5_000.0)],
    "long text": "x" * 100_000,
    "no order": np.arange(40_000).reshape(200, 200)[::2, ::-3],
    "columns first": np.asfortranarray(np.arange(40_000).reshape(200, 200)),
    "objects": np.array([{"a": 1}, None] * 10_000, dtype=object),
    "complex": np.arange(9_000) * 1j,
    "tensors": [
        candle.arange(9_000.0),
        candle.arange(90_000).reshape(300, 300).T,
        candle.zeros(0),
        candle.ones(9_000).bfloat16(),
    ],
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("by_descriptor", [True, False])
def test_what_arrives_is_what_was_sent(name: str, by_descriptor: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if by_descriptor and not _shared.BY_DESCRIPTOR:
        pytest.skip("this system has no memfd_create")
    monkeypatch.setattr(_shared, "BY_DESCRIPTOR", by_descriptor)
    assert described([sent(OBJECTS[name])]) == described([OBJECTS[name]])


@pytest.mark.parametrize("by_descriptor", [True, False])
def test_memory_mapped_arrays_stay_in_their_files(
    tmp_path: Path, by_descriptor: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shared, "BY_DESCRIPTOR", by_descriptor and _shared.BY_DESCRIPTOR)
    path, numbers = tmp_path / "numbers", np.arange(60_000, dtype=np.int32)
    numbers.tofile(path)
    mapped = np.memmap(path, np.int32, "r", offset=8_000)
    wide = mapped[8_000:].reshape(100, 500)[80:20:-7, ::3]
    views = [mapped, mapped[30_000:], wide, np.asarray(wide), np.memmap(path, np.int32, "r+")[:0]]
    tensor = candle.from_numpy(mapped)
    parcel = Parcel([views, tensor], files=True)
    assert parcel.sizes == []
    assert len(parcel.text) < 3_000
    arrived, arrived_tensor = sent([views, tensor], files=True)
    for ours, theirs in zip(arrived, views, strict=True):
        assert type(ours) is type(theirs)
        assert np.array_equal(ours, theirs)
        assert not ours.flags.writeable or not ours.size
    assert (arrived_tensor == tensor).all()
    writer = np.memmap(path, np.int32, "r+")
    writer[-1] = -5
    assert arrived[0][-1] == arrived[1][-1] == arrived_tensor[-1] == -5  # it is that file, not a copy


def test_memory_mapped_arrays_without_a_file_are_copied(tmp_path: Path) -> None:
    """What is written into a mapping of mode "c" is in no file; and a batch is the receiver's own."""
    np.arange(60_000).tofile(tmp_path / "numbers")
    private = np.memmap(tmp_path / "numbers", np.int64, "c")
    private[0] = 7
    (arrived,) = sent([private], files=True)
    assert arrived[0] == 7
    kept = np.memmap(tmp_path / "numbers", np.int64, "r+")
    (batch,) = sent([kept])
    batch[:] = -1
    assert kept[3] == 3
    (tmp_path / "numbers").unlink()
    assert (sent([kept], files=True)[0] == np.arange(60_000)).all()


@pytest.mark.skipif(not _shared.BY_DESCRIPTOR, reason="this system has no memfd_create")
def test_what_is_small_does_not_keep_what_is_large() -> None:
    large, small = sent([np.ones(1_000_000), np.ones(5_000)])
    gone = weakref.ref(large)
    mappings = Path("/proc/self/maps").read_text().count("memfd:candle")
    del large
    assert gone() is None
    assert Path("/proc/self/maps").read_text().count("memfd:candle") == mappings - 1
    small += 1
    assert (small == 2).all()


@pytest.mark.skipif(not _shared.BY_DESCRIPTOR, reason="this system has no memfd_create")
def test_only_what_is_large_goes_beside_the_socket() -> None:
    wide = np.zeros((200, 200))
    parcel = Parcel([wide, wide[::2, ::-3], wide.T, np.zeros(10), "text"])
    assert sorted(parcel.sizes) == [100 * 67 * 8, 200 * 200 * 8, 200 * 200 * 8]
    assert len(parcel.text) < 1000


@pytest.mark.parametrize("by_descriptor", [True, False])
def test_arrays_can_be_written(by_descriptor: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shared, "BY_DESCRIPTOR", by_descriptor and _shared.BY_DESCRIPTOR)
    for n in (3, 30_000):
        array = np.zeros(n)
        array_sent, tensor = sent([array, candle.zeros(n)])
        array_sent += 1
        tensor += 1
        assert array.sum() == 0


def test_a_private_parcel_can_be_opened_by_many() -> None:
    here, there = multiprocessing.Pipe()
    parcel = Parcel(np.zeros(30_000))
    parcel.send(here)
    parcel.send(here)
    first, second = (receive(there, private=True)() for _ in range(2))
    first += 1
    assert (first == 1).all()
    assert (second == 0).all()


@pytest.mark.skipif(not _shared.BY_DESCRIPTOR, reason="this system has no memfd_create")
def test_where_no_mapping_is_left_the_memory_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        @staticmethod
        def mmap(*arguments: Any) -> int:
            return 2 ** (8 * np.dtype(np.intp).itemsize) - 1

    monkeypatch.setattr(_shared, "_libc", Full)
    array = np.arange(30_000)
    assert (sent(array) == array).all()


@pytest.mark.skipif(not _shared.BY_DESCRIPTOR, reason="this system has no memfd_create")
def test_descriptors_are_closed() -> None:
    before = len(os.listdir("/proc/self/fd"))
    kept = [sent(np.arange(30_000)) for _ in range(10)]
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(kept) == 10


@pytest.mark.full
def test_more_than_one_call_can_write() -> None:
    array = np.zeros(2**31 + 10_000, np.uint8)
    array[-1] = 7
    arrived = sent(array)
    assert arrived.nbytes == array.nbytes
    assert arrived[-1] == 7
