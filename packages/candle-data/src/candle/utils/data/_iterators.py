"""What `iter(loader)` returns: an iterator that makes the batches here, or one that has workers make them."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable
from typing import Any

from candle.utils.data._epoch import Epoch, Loader
from candle.utils.data._fetch import Stream
from candle.utils.data._pool import Pool
from candle.utils.data._workers import BATCH, END


class LoaderIterator:
    """Over the batches of one epoch."""

    def __init__(self, loader: Loader, epoch: Epoch):
        self.epoch, self.batches, self.index_sampler = epoch, epoch.batches, loader.index_sampler
        self.promised = loader.stream_length

    def __iter__(self) -> LoaderIterator:
        return self

    def __next__(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.index_sampler)

    def saw(self, number: int, worker: int = 0) -> None:
        self.epoch.saw(number, worker)
        if self.promised is not None and self.epoch.done > self.promised:
            warnings.warn(
                f"Length of IterableDataset was reported to be {self.promised} (when accessing len(dataloader)), but "
                f"{self.epoch.done} samples have been fetched. With workers, each iterates over all of its copy of the "
                f"dataset unless the dataset asks get_worker_info() for its part",
                UserWarning,
                stacklevel=3,
            )


class InProcess(LoaderIterator):
    """Makes each batch when it is asked for, with the random numbers of the program."""

    def __init__(self, loader: Loader, epoch: Epoch):
        super().__init__(loader, epoch)
        if loader.timeout:
            raise AssertionError(f"DataLoader: timeout={loader.timeout} needs num_workers > 0: nothing is waited for")
        self.load: Callable[[Any], Any] = loader.recipe.load
        if epoch.streams:
            stream = Stream(loader.recipe)
            stream.skip(epoch.of_worker[0])
            self.load = stream.load

    def __next__(self) -> Any:
        try:
            number, index = next(self.batches)
            batch = self.load(index)
        except StopIteration:
            self.epoch.finished = True
            raise
        self.saw(number)
        return batch


class FromWorkers(LoaderIterator):
    """Asks the workers in turn, `prefetch_factor` batches each in advance."""

    def __init__(self, loader: Loader, epoch: Epoch, pool: Pool):
        super().__init__(loader, epoch)
        self.pool, self.in_order, self.keep = pool, loader.in_order, loader.persistent_workers
        self.waiting: list[deque[int]] = [deque() for _ in range(loader.num_workers)]  # for these batches of each
        self.turn = epoch.turn
        with pool:
            pool.begin(epoch.base_seed, epoch.of_worker)
            self.pool_epoch = pool.epoch
            for _ in range(loader.prefetch_factor or 2):
                for worker in range(loader.num_workers):
                    self._ask(worker)

    def _ask(self, worker: int) -> None:
        for number, index in self.batches:
            self.pool.ask(worker, number, index)
            self.waiting[worker].append(number)
            return

    def __next__(self) -> Any:
        if self.epoch.finished:
            raise StopIteration
        if not self.pool.close.alive or self.pool.epoch != self.pool_epoch:
            raise RuntimeError(
                "DataLoader: the workers of this iterator have ended or begun another epoch; make a new one"
            )
        while any(self.waiting):
            worker = self._next_worker()
            with self.pool:
                epoch, kind, content = self.pool.answer(worker)
                if epoch != self.pool_epoch:  # asked for by an iterator before this one
                    continue
                number = self.waiting[worker].popleft()
                self.turn = (worker + 1) % len(self.waiting)
                if kind == END:  # of this worker's stream
                    continue
                self._ask(worker)
            if kind != BATCH:
                raise content.again(worker)
            self.saw(number, worker)
            return content
        self.epoch.finished = True
        if not self.keep:
            self.pool.close()
        raise StopIteration

    def _next_worker(self) -> int:
        """In order: the one whose turn it is, when it has answered; else the first that has."""
        n = len(self.waiting)
        asked = [w for w in ((self.turn + i) % n for i in range(n)) if self.waiting[w]]
        return self.pool.ready(asked[:1] if self.in_order else asked)
