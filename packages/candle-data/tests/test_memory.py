"""The memory that batches and datasets share with workers: where it lies, and that it goes with them."""

from __future__ import annotations

import os
from pathlib import Path

import for_workers as make
import pytest

import candle
from candle.utils.data import DataLoader, TensorDataset

from .test_workers import loaded, mappings, nothing_is_left_behind  # noqa: F401

ON_LINUX = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")


@ON_LINUX
def test_large_arrays_arrive_in_shared_memory_and_it_goes_with_them() -> None:
    loader = DataLoader(make.Numbers(3, make.many_kinds), num_workers=1, batch_size=None)
    batches = list(loader)
    assert len(mappings()) == 3
    address = batches[0]["large"].numpy().ctypes.data
    spans = [[int(end, 16) for end in line.split()[0].split("-")] for line in mappings()]
    assert any(start <= address < end for start, end in spans)
    view = batches[0]["large"][3:5]
    view += 1
    del batches[1:], batches[0]
    assert len(mappings()) == 1  # the view's
    assert view[0, 0].item() == 601
    del view
    assert mappings() == []


@ON_LINUX
def test_nothing_in_dev_shm_is_used() -> None:
    """A container has 64 MB there, and what a killed process leaves there stays."""
    batches = loaded(make.Heavy(2, make.mapped_files), 1, batch_size=None)
    assert any("memfd:candle" in batch for batch in batches)  # the dataset's own memory
    assert not any("/dev/shm" in batch for batch in batches)
    mine = Path("/proc/self/maps").read_text().replace("/dev/shm/sem.", "")  # other libraries' semaphores
    assert "/dev/shm" not in mine


@ON_LINUX
def test_batches_that_are_kept_keep_no_files_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    batches = list(DataLoader(make.Numbers(20, make.many_kinds), num_workers=1, batch_size=None))
    assert len(mappings()) == 20
    assert len(os.listdir("/proc/self/fd")) <= before + 5  # the fork server's, once
    del batches


def test_a_dataset_is_shared_until_somebody_writes_into_it() -> None:
    data = make.Numbers(4, make.write_into)
    data.memory = candle.zeros(10_000)
    batches = [batch.tolist() for batch in DataLoader(data, num_workers=2, batch_size=None)]
    assert batches == [[1, 1], [1, 1], [2, 2], [2, 2]]
    assert data.memory.sum() == 0


def test_an_epoch_of_tensors() -> None:
    data = TensorDataset(candle.arange(40_000).reshape(100, 400), candle.arange(100))
    x, y = (candle.cat(parts) for parts in zip(*loaded(data, batch_size=32, shuffle=True), strict=True))
    assert (x[:, 0] == 400 * y).all()
    assert sorted(y.tolist()) == list(range(100))
