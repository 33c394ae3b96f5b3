"""Datasets: what has items (`dataset[i]`, `len(dataset)`), and what streams them (`iter(dataset)`).

A dataset may say how to take many items at once, and loading a batch asks it in this order:

    __getbatch__(indices)   the collated batch itself, or NotImplemented; only where `default_collate` would make it
    __getitems__(indices)   a list of items, as in PyTorch
    __getitem__(index)      one item
"""

from __future__ import annotations

import itertools
import math
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

import candle
from candle import Tensor
from candle.random import Generator, default_generator

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Dataset(Generic[T_co]):
    """A collection whose items have numbers: subclasses define `__getitem__` and, for most samplers, `__len__`."""

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} is a Dataset and should define __getitem__(self, index)")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """A stream of items: subclasses define `__iter__`.

    Every worker of a DataLoader iterates over a copy of its own; without a look at `get_worker_info()` there, each
    item comes once from every worker.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} is an IterableDataset and should define __iter__(self)")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ChainDataset([self, other])


def _layout(batch: Any) -> Any:
    """What must agree where batches are joined; None if they are no lists of tensors."""
    if type(batch) is not list or not all(type(each) is Tensor for each in batch):
        return None
    return tuple((tuple(each.shape[1:]), each.dtype, each.device) for each in batch)


def batch_getter(dataset: Any) -> Callable[[list[Any]], Any] | None:
    """The dataset's `__getbatch__`, unless a subclass redefines what its items are."""
    for cls in type(dataset).__mro__:
        if "__getbatch__" in vars(cls):
            return dataset.__getbatch__  # type: ignore[no-any-return]
        if "__getitem__" in vars(cls) or "__getitems__" in vars(cls):
            break
    return None


def get_items(dataset: Any, indices: list[Any]) -> Any:
    """Several items: all at once where the dataset knows how to (then perhaps as a batch of its own making)."""
    get = getattr(dataset, "__getitems__", None)
    return get(indices) if callable(get) else [dataset[i] for i in indices]


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors side by side: item i is a tuple of their i-th rows.

    >>> import candle
    >>> pairs = TensorDataset(candle.arange(4), candle.arange(4) ** 2)
    >>> pairs[3]
    (tensor(3), tensor(9))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if others := [type(each).__name__ for each in tensors if not isinstance(each, Tensor)]:
            raise TypeError(f"TensorDataset: expected tensors, got {', '.join(others)}; use candle.as_tensor")
        if not tensors:
            raise AssertionError("TensorDataset: at least one tensor should be passed")
        if len({t.size(0) for t in tensors}) != 1:
            sizes = [tuple(t.shape) for t in tensors]
            raise AssertionError(f"TensorDataset: Size mismatch between tensors, whose first sizes must agree: {sizes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __getbatch__(self, indices: list[Any]) -> list[Tensor]:
        rows = candle.from_numpy(np.asarray(indices, dtype=np.int64))
        return [t[rows.to(t.device)] for t in self.tensors]

    def __len__(self) -> int:
        return self.tensors[0].size(0)  # type: ignore[no-any-return]


class StackDataset(Dataset[Any]):
    """Datasets side by side: `StackDataset(images, texts)[i]` is a tuple, `StackDataset(image=images)[i]` a dict."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError(
                "StackDataset: At least one dataset should be passed"
                if not args
                else "StackDataset: pass datasets either one after the other (items are tuples) or by name (dicts)"
            )
        self.datasets: tuple[Any, ...] | dict[str, Any] = args or kwargs
        lengths = [len(each) for each in args or kwargs.values()]
        if len(set(lengths)) != 1:
            raise ValueError(f"StackDataset: Size mismatch between datasets, of lengths {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: each[index] for name, each in self.datasets.items()}
        return tuple(each[index] for each in self.datasets)

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        if isinstance(self.datasets, dict):
            columns = [self._column(each, indices) for each in self.datasets.values()]
            return [dict(zip(self.datasets, row)) for row in zip(*columns)]
        return list(zip(*(self._column(each, indices) for each in self.datasets)))

    @staticmethod
    def _column(dataset: Any, indices: list[Any]) -> Any:
        items = get_items(dataset, indices)
        if len(items) != len(indices):
            raise ValueError(
                f"StackDataset: {type(dataset).__name__}.__getitems__ returned {len(items)} items for {len(indices)} "
                f"indices"
            )
        return items

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Datasets one after the other.

    >>> both = ConcatDataset(["ab", "cde"])
    >>> len(both), both[2], both[-1]
    (5, 'c', 'e')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("ConcatDataset: datasets should not be an empty iterable")
        if any(isinstance(each, IterableDataset) for each in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset; use ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(each) for each in self.datasets))

    def __getitem__(self, index: int) -> T_co:
        which, within = self._place(index)
        return self.datasets[which][within]  # type: ignore[no-any-return]

    def __getbatch__(self, indices: list[Any]) -> Any:
        """The batch of each dataset, and their rows in the order that was asked for."""
        getters = [batch_getter(each) for each in self.datasets]
        if None in getters:
            return NotImplemented
        places = [self._place(i) for i in indices]
        rows: dict[int, list[int]] = {}  # of each dataset
        for row, (which, _) in enumerate(places):
            rows.setdefault(which, []).append(row)
        parts = [getters[which]([places[row][1] for row in mine]) for which, mine in rows.items()]  # type: ignore[misc]
        if len(parts) == 1:
            return parts[0]
        layouts = {_layout(part) for part in parts}
        if len(layouts) != 1 or None in layouts:
            return NotImplemented
        back = candle.from_numpy(np.argsort(np.concatenate([*rows.values()])))
        return [candle.cat(column)[back.to(column[0].device)] for column in zip(*parts)]

    def _place(self, index: int) -> tuple[int, int]:
        if index < -len(self):
            raise ValueError(
                f"ConcatDataset: absolute value of index should not exceed dataset length: {index} of {len(self)}"
            )
        index += len(self) if index < 0 else 0
        which = bisect_right(self.cumulative_sizes, index)
        if which == len(self.datasets):
            raise IndexError(f"ConcatDataset: index {index} is out of range for {len(self)} items")
        return which, index - (self.cumulative_sizes[which - 1] if which else 0)

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[T_co]):
    """Streams one after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[Any]:
        for each in self.datasets:
            if not isinstance(each, IterableDataset):
                raise AssertionError(f"ChainDataset only supports IterableDataset, got {type(each).__name__}")
            yield each

    def __iter__(self) -> Iterator[T_co]:
        return itertools.chain.from_iterable(self._streams())

    def __len__(self) -> int:
        return sum(len(each) for each in self._streams())


class Subset(Dataset[T_co]):
    """The items of a dataset that have these indices."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        own, bulk = type(self).__getitem__, type(self).__getitems__
        if own is not Subset.__getitem__ and bulk is Subset.__getitems__:
            raise NotImplementedError(
                f"{type(self).__name__} overrides __getitem__ but not __getitems__, which loading a batch calls; add\n"
                f"    def __getitems__(self, indices): return [self[i] for i in indices]"
            )
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]  # type: ignore[no-any-return]
        return self.dataset[self.indices[index]]  # type: ignore[no-any-return]

    def __getitems__(self, indices: list[Any]) -> Any:
        return get_items(self.dataset, [self.indices[i] for i in indices])

    def __getbatch__(self, indices: list[Any]) -> Any:
        get = batch_getter(self.dataset)
        return NotImplemented if get is None else get([self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: Generator | None = default_generator
) -> list[Subset[Any]]:
    """Cut a dataset into parts of these lengths, or of these fractions, at random.

    >>> import candle
    >>> train, test = random_split(range(10), [0.8, 0.2], candle.Generator().manual_seed(0))
    >>> len(train), len(test), sorted([*train, *test]) == list(range(10))
    (8, 2, True)
    """
    n = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _counts(lengths, n)
    if any(length < 0 for length in lengths):
        raise ValueError(f"random_split: no length may be negative, got {lengths}")
    if sum(lengths) != n:
        raise ValueError(
            f"random_split: Sum of input lengths does not equal the length of the input dataset: {lengths} sum to "
            f"{sum(lengths)}, not {n}; fractions must sum to 1"
        )
    order = candle.randperm(n, generator=generator).tolist()
    ends = [int(end) for end in itertools.accumulate(lengths)]
    return [Subset(dataset, order[end - int(length) : end]) for end, length in zip(ends, lengths)]


def _counts(fractions: Sequence[float], n: int) -> list[int]:
    """Fractions of n, rounded down; what is left goes to the first parts, one item each."""
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"random_split: Fraction at index {i} is not between 0 and 1: {fraction}")
    counts = [math.floor(n * fraction) for fraction in fractions]
    for i in range(n - sum(counts)):
        counts[i % len(counts)] += 1
    for i in (i for i, count in enumerate(counts) if not count):
        warnings.warn(
            f"Length of split at index {i} is 0. This might result in an empty dataset.", UserWarning, stacklevel=3
        )
    return counts
