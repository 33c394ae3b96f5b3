"""Datasets and functions that tests send to workers, which import this module by its name."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import candle
from candle.utils.data import Dataset, IterableDataset, get_worker_info


class Numbers(Dataset[Any]):
    """i -> what(i)"""

    def __init__(self, n: int, what: Any = int):
        self.n, self.what = n, what

    def __getitem__(self, i: int) -> Any:
        return self.what(i)

    def __len__(self) -> int:
        return self.n


class Heavy(Numbers):
    """With a large array of its own."""

    def __init__(self, n: int, what: Any):
        super().__init__(n, what)
        self.memory = np.zeros(10_000)


class Odd(Exception):
    """Made from two things, so not from a message."""

    def __init__(self, a: int, b: int):
        super().__init__(a, b)


def many_kinds(i: int) -> dict[str, Any]:
    wide = candle.arange(20_000.0).reshape(100, 200) + i
    return {
        "large": wide,
        "half": wide.bfloat16(),
        "columns": wide[:, ::2],
        "flags": wide > 5,
        "nothing": candle.zeros(0, 3),
        "small": [i, float(i)],
        "array": np.full(9_000, i),
        "text": ("x" * 30_000, str(i)),
    }


def random_numbers(i: int) -> list[float]:
    return [i, float(candle.rand(())), random.random(), np.random.rand()]


def who(i: int) -> tuple[int, int, int, int]:
    info = get_worker_info()
    return (os.getpid(), info.id, info.num_workers, info.seed) if info else (os.getpid(), -1, 0, -1)


def fails_at_3(i: int) -> int:
    if i == 3:
        raise ValueError("three is no good")
    return i


def fails_with_key(i: int) -> int:
    return {}["a\nb"]


def fails_oddly(i: int) -> int:
    raise Odd(1, 2)


def stops(i: int) -> int:
    raise StopIteration


def dies_at_3(i: int) -> int:
    if i == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return i


def leaves_at_3(i: int) -> int:
    if i == 3:
        os._exit(7)
    return i


def leaves(i: int) -> int:
    os._exit(7)


def sleeps_at_1_dies_at_2(i: int) -> int:
    if i == 1:
        time.sleep(60)
    return dies_at_3(3 if i == 2 else i)


def late_at_0(i: int) -> int:
    time.sleep(0.5 if i == 0 else 0)
    return i


def write_into(i: int) -> candle.Tensor:
    """The dataset's own tensor, counted up by whoever is asked."""
    dataset = get_worker_info().dataset
    dataset.memory += 1
    return dataset.memory[:2].clone()


class Shards(IterableDataset[Any]):
    """`sizes[k]` items of worker k; without workers all of them; random numbers beside them."""

    def __init__(self, *sizes: int, noisy: bool = False):
        self.sizes, self.noisy = sizes, noisy

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        for k in range(len(self.sizes)) if info is None else [info.id]:
            start = candle.rand(()).item() if self.noisy else 0.0
            for i in range(self.sizes[k]):
                yield [100 * k + i, start + random.random()] if self.noisy else 100 * k + i


class Unsharded(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(3))

    def __len__(self) -> int:
        return 3


class OfItself(IterableDataset[int]):
    """Its own iterator, as many people's are; iter() begins again, at an item that is drawn."""

    def __init__(self, n: int):
        self.n = n

    def __iter__(self) -> OfItself:
        self.left, self.drawn = self.n, random.random()
        return self

    def __next__(self) -> Any:
        if not self.left:
            raise StopIteration
        self.left -= 1
        return [self.left, self.drawn]


class FailsToBegin(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        raise OSError("no such stream")


class FailsOnce(IterableDataset[int]):
    tries = 0

    def __iter__(self) -> Iterator[int]:
        self.tries += 1
        if self.tries == 1:
            raise OSError("not yet")
        return iter([1, 2])


class RefusesToArrive:
    def __len__(self) -> int:
        return 4

    def __getitem__(self, i: int) -> int:
        return i

    def __setstate__(self, state: Any) -> None:
        raise AttributeError("Can't get attribute 'Mine' on <module '__main__'>")

    def __getstate__(self) -> dict[str, int]:
        return {"a": 1}


def fail_to_start(worker: int) -> None:
    raise PermissionError(f"worker {worker} may not")


def kind_of_ones(i: int) -> str:
    return str(candle.ones(1).dtype)


def as_list(batch: list[Any]) -> list[Any]:
    return list(batch)


def unsendable(batch: list[Any]) -> Any:
    return (each for each in batch)


def mapped_files(i: int) -> str:
    return Path("/proc/self/maps").read_text()
