"""Samplers: in which order, and in which batches, the items of a dataset are taken.

A sampler draws all its random numbers when iteration begins, not on the way: then its order depends on nothing but
its generator, however far ahead of the user the workers of a loader are, and a resumed loader can draw it again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

import candle
from candle import Tensor
from candle.random import Generator, default_generator

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Sampler(Generic[T_co]):
    """The base of samplers: subclasses define `__iter__`, over indices or lists of them, and may define `__len__`."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} is a Sampler and should define __iter__(self)")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... in order."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """All indices in random order, or (`replacement=True`) each drawn from all; `num_samples` of them.

    >>> import candle
    >>> sorted(RandomSampler(range(4), generator=candle.Generator().manual_seed(0)))
    [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source, self.replacement = data_source, replacement
        self._num_samples, self.generator = num_samples, generator
        if not isinstance(replacement, bool):
            raise TypeError(f"RandomSampler: replacement should be a boolean value, but got replacement={replacement}")
        _require_positive("RandomSampler", num_samples=self.num_samples)

    @property
    def num_samples(self) -> int:
        """As given, or as many as the data source has now."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, count = len(self.data_source), self.num_samples
        if self.replacement:
            return iter(candle.randint(n, (count,), generator=self.generator).tolist())
        orders = [candle.randperm(n, generator=self.generator).tolist() for _ in range(-(-count // n))]
        return itertools.islice(itertools.chain.from_iterable(orders), count)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """These indices in random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        order = candle.randperm(len(self.indices), generator=self.generator).tolist()
        return (self.indices[i] for i in order)

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices, each drawn with a probability in proportion to its weight.

    >>> list(WeightedRandomSampler([0.0, 1.0, 0.0], 4))
    [1, 1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float] | Tensor,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _require_positive("WeightedRandomSampler", num_samples=num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                f"WeightedRandomSampler: replacement should be a boolean value, but got replacement={replacement}"
            )
        self.weights = candle.as_tensor(weights, dtype=candle.float64)
        if self.weights.ndim != 1:
            raise ValueError(
                "WeightedRandomSampler: weights should be a 1d sequence but given weights have shape "
                f"{tuple(self.weights.shape)}"
            )
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        if self.replacement:
            return iter(self._independent())
        drawn = candle.multinomial(self.weights, self.num_samples, False, generator=self.generator)
        return iter(drawn.tolist())

    def _independent(self) -> list[int]:
        """By inversion: `multinomial` would compare every draw with every weight."""
        weights = self.weights.numpy()
        ends = weights.cumsum()
        if not (np.isfinite(ends).all() and (weights >= 0).all() and weights.any()):
            raise RuntimeError("WeightedRandomSampler: weights must be finite, not negative, and some of them positive")
        draws = (self.generator or default_generator).numpy.random(self.num_samples) * ends[-1]
        last = weights.nonzero()[0][-1]  # rounding must not go beyond
        return ends.searchsorted(draws, side="right").clip(max=last).tolist()  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler, or of any iterable, `batch_size` at a time.

    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        _require_positive("BatchSampler", batch_size=batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"BatchSampler: drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return self._batches(once(self.sampler))

    def _batches(self, indices: Iterator[int]) -> Iterator[list[int]]:
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return full + bool(rest and not self.drop_last)


def once(items: Iterable[T]) -> Iterator[T]:
    """Its iterator for `islice`, which calls iter() each time: what is its own iterator would begin again."""
    return itertools.compress(items, itertools.repeat(True))


def _require_positive(owner: str, **given: Any) -> None:
    for name, value in given.items():
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise ValueError(f"{owner}: {name} should be a positive integer value, but got {name}={value}")
