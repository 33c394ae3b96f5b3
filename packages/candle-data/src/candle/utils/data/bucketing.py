"""Batches of sequences of like lengths, so that little of what is computed is padding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

import candle
from candle.random import Generator
from candle.utils.data.sampler import Sampler


class BucketBatchSampler(Sampler[list[int]]):
    """Batches of items of like lengths, each item once: a `batch_sampler` for token sequences.

    A batch, padded to its longest item, has at most `max_tokens` tokens and at most `batch_size` items. Lengths are
    alike whose ratio is below `1 + spread`; among them items are shuffled, and then the batches are (`shuffle=False`:
    shortest first, and equals in their order). How many batches there are, and of which sizes, is the same each time.

    >>> lengths = [3, 50, 2, 48, 3, 2]
    >>> batches = BucketBatchSampler(lengths, max_tokens=100, shuffle=False)
    >>> list(batches), len(batches)
    ([[2, 5, 0, 4], [3, 1]], 2)
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        max_tokens: int | None = None,
        batch_size: int | None = None,
        shuffle: bool = True,
        spread: float = 0.1,
        generator: Generator | None = None,
    ) -> None:
        self.lengths = _integers(lengths)
        self.max_tokens, self.batch_size, self.shuffle = max_tokens, batch_size, shuffle
        self.spread, self.generator = spread, generator
        self._check()
        self._buckets = self._bucket_of_each()
        self._sizes = list(self._cut())

    def _check(self) -> None:
        limits = [limit for limit in (self.max_tokens, self.batch_size) if limit is not None]
        if not limits or min(limits) < 1:
            raise ValueError(
                f"BucketBatchSampler: give max_tokens or batch_size, at least 1, got {self.max_tokens} and "
                f"{self.batch_size}"
            )
        if self.spread < 0:
            raise ValueError(f"BucketBatchSampler: spread must not be negative, got {self.spread}")
        if self.lengths.ndim != 1 or (self.lengths < 0).any():
            raise ValueError("BucketBatchSampler: lengths should be one number, not negative, for each item")
        if self.max_tokens is not None and (too_long := np.flatnonzero(self.lengths > self.max_tokens)).size:
            i = int(too_long[0])
            raise ValueError(
                f"BucketBatchSampler: item {i} has length {self.lengths[i]}, which exceeds max_tokens={self.max_tokens}"
                f" ({too_long.size} such items): raise the limit, or cut or drop them"
            )

    def _bucket_of_each(self) -> np.ndarray:
        if not self.spread:
            return self.lengths
        return np.floor(np.log(np.maximum(self.lengths, 1)) / math.log1p(self.spread)).astype(np.int64)

    def _cut(self) -> Iterator[int]:
        """The sizes of the batches, from the shortest items to the longest; all of a bucket count as its longest."""
        held = 0  # items in the batch that is being filled
        for bucket, n in zip(*np.unique(self._buckets, return_counts=True)):
            room, left = self._capacity(int(self.lengths[self._buckets == bucket].max())), int(n)
            while left:
                if held >= room:
                    yield held
                    held = 0
                taken = min(left, room - held)
                held, left = held + taken, left - taken
        if held:
            yield held

    def _capacity(self, length: int) -> int:
        by_tokens = math.inf if self.max_tokens is None else self.max_tokens // max(length, 1)
        return int(min(by_tokens, math.inf if self.batch_size is None else self.batch_size, len(self.lengths)))

    def __iter__(self) -> Iterator[list[int]]:
        if self.shuffle:
            order = candle.randperm(len(self.lengths), generator=self.generator).numpy()
            order = order[np.argsort(self._buckets[order], kind="stable")]
        else:
            order = np.argsort(self.lengths, kind="stable")
        ends = np.cumsum(self._sizes).tolist()
        batches = [order[end - size : end] for end, size in zip(ends, self._sizes)]
        turns = candle.randperm(len(batches), generator=self.generator).tolist() if self.shuffle else range(len(self))
        return (batches[i].tolist() for i in turns)

    def __len__(self) -> int:
        return len(self._sizes)


def _integers(lengths: Sequence[int]) -> NDArray[np.int64]:
    given = np.asarray(lengths)
    if given.size and given.dtype.kind not in "iu":
        raise ValueError(f"BucketBatchSampler: lengths should be integers, got {given.dtype}")
    return given.astype(np.int64)
