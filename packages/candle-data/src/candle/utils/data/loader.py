"""`DataLoader`: batches of a dataset, in an order, made here or by worker processes."""

from __future__ import annotations

import math
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterable
from multiprocessing.context import BaseContext
from typing import Any, Generic

from candle.random import Generator
from candle.utils.data._epoch import Epoch, State, beginning
from candle.utils.data._fetch import Recipe
from candle.utils.data._iterators import FromWorkers, InProcess, LoaderIterator
from candle.utils.data._pool import Pool
from candle.utils.data.collate import default_collate, default_convert
from candle.utils.data.dataset import IterableDataset, T_co
from candle.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler

FIXED = {"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"}
GIVEN_TO_WORKERS = {"num_workers", "collate_fn", "worker_init_fn", "timeout", "multiprocessing_context"}


class DataLoader(Generic[T_co]):
    """Batches of a dataset.

    The order comes from `generator`, or from the program's (`candle.manual_seed`), and is the same with any number of
    workers. With workers, the random numbers that a batch's transforms draw (candle's, Python's and NumPy's global
    ones) are seeded from the epoch and the batch's number: they do not depend on the workers either. With
    `num_workers=0` transforms draw from the program's generators, as in PyTorch.

    `state_dict()` says where the user is, also within an epoch: a loader that loads it goes on with the batch that
    would have come next. `pin_memory` is accepted, and means nothing on the CPU.

    >>> import candle
    >>> from candle.utils.data import TensorDataset
    >>> data = TensorDataset(candle.arange(5), candle.arange(5) * 10)
    >>> for numbers, tens in DataLoader(data, batch_size=2):
    ...     print(numbers.tolist(), tens.tolist())
    [0, 1] [0, 10]
    [2, 3] [20, 30]
    [4] [40]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        self.num_workers, self.timeout = num_workers, timeout
        self.prefetch_factor = 2 if prefetch_factor is None and num_workers > 0 else prefetch_factor
        self.persistent_workers, self.worker_init_fn, self.in_order = persistent_workers, worker_init_fn, in_order
        self.pin_memory, self.pin_memory_device, self.generator = pin_memory, pin_memory_device, generator
        self._check_workers()
        self.multiprocessing_context = self._context(multiprocessing_context)
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self._check_samplers(bool(shuffle))
        self._choose_samplers(bool(shuffle))
        self._batched = self.batch_size is not None or self.batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if self._batched else default_convert)
        self.stream_length: int | None = None  # what len() said of a stream, to warn of more
        self._epoch: Epoch | None = None
        self._resumed: State | None = None
        self._pool: Pool | None = None
        self._warn_of_many_workers()

    # What is asked for

    def _check_workers(self) -> None:
        if self.num_workers < 0:
            raise ValueError(
                "DataLoader: num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
            )
        if self.timeout < 0:
            raise ValueError("DataLoader: timeout option should be non-negative")
        if self.num_workers == 0 and self.prefetch_factor is not None:
            raise ValueError(
                "DataLoader: prefetch_factor option could only be specified in multiprocessing: set num_workers > 0"
            )
        if self.prefetch_factor is not None and self.prefetch_factor < 1:
            raise ValueError(f"DataLoader: prefetch_factor option should be at least 1, got {self.prefetch_factor}")
        if self.persistent_workers and self.num_workers == 0:
            raise ValueError("DataLoader: persistent_workers option needs num_workers > 0")

    def _context(self, given: str | BaseContext | None) -> BaseContext | None:
        if given is None:
            return None
        if self.num_workers == 0:
            raise ValueError(
                "DataLoader: multiprocessing_context can only be used with multi-process loading (num_workers > 0)"
            )
        methods = multiprocessing.get_all_start_methods()
        if isinstance(given, str) and given not in methods:
            raise ValueError(
                f"DataLoader: multiprocessing_context option should specify a valid start method in {methods!r}, "
                f"but got {given!r}"
            )
        if not isinstance(given, str | BaseContext):
            raise TypeError(
                f"DataLoader: multiprocessing_context option should be a valid context object or a string specifying "
                f"the start method, but got {given!r}"
            )
        return multiprocessing.get_context(given) if isinstance(given, str) else given

    def _check_samplers(self, shuffle: bool) -> None:
        if isinstance(self.dataset, IterableDataset):
            given = {"shuffle": shuffle or None, "sampler": self.sampler, "batch_sampler": self.batch_sampler}
            for name, value in given.items():
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                    )
        if not isinstance(self.generator, Generator | None):
            raise TypeError(f"DataLoader: generator should be a candle.Generator, but got {self.generator!r}")
        if self.sampler is not None and shuffle:
            raise ValueError("DataLoader: sampler option is mutually exclusive with shuffle")
        if self.batch_sampler is not None:
            if self.batch_size != 1 or shuffle or self.sampler is not None or self.drop_last:
                raise ValueError(
                    "DataLoader: batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
                    "drop_last"
                )
            self.batch_size = None
        elif self.batch_size is None and self.drop_last:
            raise ValueError(
                "DataLoader: batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )

    def _choose_samplers(self, shuffle: bool) -> None:
        if isinstance(self.dataset, IterableDataset):
            return
        if self.sampler is None:
            self.sampler = (
                RandomSampler(self.dataset, generator=self.generator) if shuffle else SequentialSampler(self.dataset)
            )
        if self.batch_size is not None:
            self.batch_sampler = BatchSampler(self.sampler, self.batch_size, self.drop_last)

    def _warn_of_many_workers(self) -> None:
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if self.num_workers > available:
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested max number "
                f"of worker in current system is {available}; more may make loading slow",
                UserWarning,
                stacklevel=3,
            )

    def __setattr__(self, name: str, value: Any) -> None:
        if name in FIXED and "_pool" in vars(self):
            raise ValueError(f"DataLoader: {name} attribute should not be set after DataLoader is initialized")
        if name in GIVEN_TO_WORKERS and (pool := vars(self).get("_pool")) is not None:
            pool.close()
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        """A copy, or what is sent to another process, has not begun."""
        return {**vars(self), "_epoch": None, "_pool": None}

    # Iterating

    @property
    def recipe(self) -> Recipe:
        """How a batch is made."""
        return Recipe(self.dataset, self.collate_fn, self._batched, self.batch_size, self.drop_last)

    @property
    def index_sampler(self) -> Any:
        """What is iterated over for indices: batches of them, or one at a time."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self) -> LoaderIterator:
        resumed, self._resumed = self._resumed, None
        epoch = self._epoch = Epoch(self, resumed)
        if self.num_workers == 0:
            return InProcess(self, epoch)
        return FromWorkers(self, epoch, self._workers(epoch.base_seed))

    def _workers(self, base_seed: int) -> Pool:
        if self._pool is not None and self._pool.close.alive:
            return self._pool
        context = self.multiprocessing_context
        pool = Pool(self.num_workers, self.recipe, self.worker_init_fn, context, self.timeout, base_seed)
        if self.persistent_workers:
            self._pool = pool
        return pool

    def __len__(self) -> int:
        """The number of batches; of a stream, what its own length suggests."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self.index_sampler)
        length = self.stream_length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)

    # Going on later

    def state_dict(self) -> State:
        """Where the user is in the epoch; `candle.save` can keep it.

        The epochs that follow are the same, too, where the loader has a `generator` of its own. Else they come from
        the program's generator, whose place is not part of this: keep `candle.get_rng_state()` beside it.
        """
        if self._resumed is not None:
            return self._resumed
        if self._epoch is None or self._epoch.finished:
            return beginning(self)
        return self._epoch.state()

    def load_state_dict(self, state_dict: State) -> None:
        """Let the next iteration go on where `state_dict()` was taken."""
        if missing := beginning(self).keys() - state_dict.keys():
            raise ValueError(f"load_state_dict: this is no state of a DataLoader; it lacks {sorted(missing)}")
        self._resumed = dict(state_dict)
