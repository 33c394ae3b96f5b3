"""Parcels: objects that go through a socket, with memory beside it or without."""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import Any

import numpy as np
import pytest

import candle
from candle.utils.data import _shared
from candle.utils.data._shared import Parcel, receive

from .test_collate import described


def sent(obj: Any, **options: Any) -> Any:
    here, there = multiprocessing.Pipe()
    parcel = Parcel(obj)
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
