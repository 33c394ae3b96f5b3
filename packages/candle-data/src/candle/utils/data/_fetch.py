"""Loading one batch: the same in the user's process and in a worker."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import candle
from candle.utils.data.collate import default_collate
from candle.utils.data.dataset import IterableDataset, batch_getter, get_items
from candle.utils.data.sampler import once


@dataclass(frozen=True)
class Recipe:
    """What a loader does to make a batch."""

    dataset: Any
    collate_fn: Callable[[Any], Any]
    batched: bool
    batch_size: int | None  # None where a batch sampler chooses
    drop_last: bool

    @property
    def streams(self) -> bool:
        return isinstance(self.dataset, IterableDataset)

    def load(self, index: Any) -> Any:
        """The batch of what a sampler yielded."""
        try:
            if not self.batched:
                return self.collate_fn(self.dataset[index])
            get = batch_getter(self.dataset) if self.collate_fn is default_collate else None
            batch = NotImplemented if get is None else get(index)
            return self.collate_fn(get_items(self.dataset, index)) if batch is NotImplemented else batch
        except StopIteration as error:  # which would end the user's loop without a word
            raise RuntimeError(f"{type(self.dataset).__name__} raised StopIteration for {index}") from error


class Stream:
    """The batches of an IterableDataset, one after the other; StopIteration at its end."""

    def __init__(self, recipe: Recipe):
        self.recipe, self.items, self.ended = recipe, once(recipe.dataset), False

    def load(self, index: Any = None) -> Any:
        return self.recipe.collate_fn(self.take())

    def skip(self, batches: int) -> None:
        """Read batches that are not wanted again."""
        for _ in range(batches):
            self.take()

    def take(self) -> Any:
        """The next item, or the items of the next batch."""
        if self.ended:
            raise StopIteration
        if self.recipe.batch_size is None:
            return next(self.items)
        items = list(itertools.islice(self.items, self.recipe.batch_size))
        self.ended = len(items) < self.recipe.batch_size
        if not items or (self.ended and self.recipe.drop_last):
            raise StopIteration
        return items


def seed_everything(*numbers: int) -> None:
    """Start candle's, Python's and NumPy's (legacy) random numbers from what these numbers are mixed to."""
    seed = int.from_bytes(hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest())
    candle.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)
