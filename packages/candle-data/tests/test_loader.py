"""The loader in one process, as PyTorch's."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils import data as theirs

import candle
from candle.utils import data as ours

from .test_collate import described


class Squares:
    def __init__(self, n: int = 7):
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, list):
            return [self[k] for k in i]
        if not 0 <= i < self.n:
            raise IndexError(i)
        return {"i": i, "square": float(i * i)}


def stream(module: Any, n: int = 7, length: int | None = None) -> Any:
    class Stream(module.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Any:
            return ((i, f"item {i}") for i in range(n))

    if length is not None:
        Stream.__len__ = lambda self: length
    return Stream()


def tensors(module: Any) -> Any:
    package = {ours: candle, theirs: torch}[module]
    return module.TensorDataset(package.arange(14).reshape(7, 2), package.arange(7) * 0.5)


class Whole(Squares):
    """Makes its batches itself."""

    def __getitems__(self, indices: list[int]) -> Any:
        return "batch", sum(indices)


class Texts:
    """Makes a batch that is no list of tensors."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, i: int) -> Any:
        return ["a text"]

    def __getbatch__(self, indices: list[int]) -> Any:
        return [("a text",) * len(indices)]


def as_it_is(batch: Any) -> Any:
    return batch


LOADERS: dict[str, Callable[[Any], Any]] = {
    "one by one": lambda m: m.DataLoader(Squares()),
    "batches": lambda m: m.DataLoader(Squares(), batch_size=3),
    "whole batches": lambda m: m.DataLoader(Squares(), batch_size=3, drop_last=True),
    "no batches": lambda m: m.DataLoader(Squares(), batch_size=None),
    "no batches, a sampler of lists": lambda m: m.DataLoader(Squares(), batch_size=None, sampler=[[1, 2], [3]]),
    "sampler": lambda m: m.DataLoader(Squares(), sampler=[4, 0, 2], batch_size=2),
    "batch sampler": lambda m: m.DataLoader(Squares(), batch_sampler=[[4, 0], [2], [1, 1, 1]]),
    "collate": lambda m: m.DataLoader(Squares(), batch_size=4, collate_fn=len),
    "tensors": lambda m: m.DataLoader(tensors(m), batch_size=3),
    "tensors, own collate": lambda m: m.DataLoader(tensors(m), batch_size=3, collate_fn=lambda b: len(b)),
    "tensors, no batches": lambda m: m.DataLoader(tensors(m), batch_size=None),
    "subset of tensors": lambda m: m.DataLoader(m.Subset(tensors(m), [6, 2, 4]), batch_size=2),
    "stack": lambda m: m.DataLoader(m.StackDataset(t=tensors(m), s=Squares()), batch_size=4),
    "concat": lambda m: m.DataLoader(m.ConcatDataset([Squares(2), Squares(3)]), batch_size=4),
    "concat of tensors": lambda m: m.DataLoader(
        m.ConcatDataset([tensors(m), m.Subset(tensors(m), [5, 1]), tensors(m)]),
        sampler=[8, 1, -1, 7, 0, 3, 4],
        batch_size=4,
    ),
    "concat of numbers and floats": lambda m: m.DataLoader(
        m.ConcatDataset([m.TensorDataset(t) for t in (tensors(m).tensors[1], tensors(m).tensors[0][:, 0])]),
        sampler=[7, 1, 8],
        batch_size=3,
    ),
    "concat with texts": lambda m: m.DataLoader(
        m.ConcatDataset([Texts(), m.TensorDataset(*tensors(m).tensors[:1])]), sampler=[0, 1], batch_size=2
    ),
    "concat of texts": lambda m: m.DataLoader(m.ConcatDataset([Texts(), Texts()]), batch_size=2),
    "concat with a batch of one": lambda m: m.DataLoader(m.ConcatDataset([tensors(m)] * 2), batch_size=7),
    "made by the dataset": lambda m: m.DataLoader(Whole(), batch_size=4, collate_fn=as_it_is),
    "made by the dataset of a subset": lambda m: m.DataLoader(m.Subset(Whole(), [3, 1]), 2, collate_fn=as_it_is),
    "list": lambda m: m.DataLoader([1, 2, 3], batch_size=2),
    "strings": lambda m: m.DataLoader("abcde", batch_size=2),
    "empty": lambda m: m.DataLoader([], batch_size=2),
    "stream": lambda m: m.DataLoader(stream(m), batch_size=3),
    "stream, whole batches": lambda m: m.DataLoader(stream(m), batch_size=3, drop_last=True),
    "stream, no batches": lambda m: m.DataLoader(stream(m), batch_size=None),
    "stream, an even number": lambda m: m.DataLoader(stream(m, 6), batch_size=3),
    "empty stream": lambda m: m.DataLoader(stream(m, 0), batch_size=3),
}


@pytest.mark.parametrize("name", LOADERS)
def test_batches(name: str) -> None:
    mine, oracle = LOADERS[name](ours), LOADERS[name](theirs)
    for _ in range(2):
        assert [described(batch) for batch in mine] == [described(batch) for batch in oracle]


@pytest.mark.parametrize("name", [name for name in LOADERS if "stream" not in name])
def test_length(name: str) -> None:
    assert len(LOADERS[name](ours)) == len(LOADERS[name](theirs)) == len(list(LOADERS[name](ours)))
    assert len(iter(LOADERS[name](ours))) == len(LOADERS[name](ours))


def test_pytorchs_path_to_the_loader() -> None:
    from candle.utils.data import dataloader

    for name in dataloader.__all__:
        assert getattr(dataloader, name) is getattr(ours, name)
        assert hasattr(theirs.dataloader, name)


def test_shuffled_batches_hold_everything_once() -> None:
    loader = ours.DataLoader(list(range(100)), batch_size=7, shuffle=True, generator=candle.Generator().manual_seed(0))
    epochs = [[batch.tolist() for batch in loader] for _ in range(2)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [7] * 14 + [2]
        assert sorted(i for batch in epoch for i in batch) == list(range(100))
    assert epochs[0] != epochs[1]


def test_the_program_s_seed_is_the_order_s_where_there_is_no_generator() -> None:
    loader = ours.DataLoader(list(range(30)), shuffle=True)
    candle.manual_seed(4)
    first = [int(batch) for batch in loader]
    candle.manual_seed(4)
    assert first == [int(batch) for batch in loader] != [int(batch) for batch in loader]


def test_a_generator_of_its_own_leaves_the_program_s_alone() -> None:
    before = candle.get_rng_state()
    list(ours.DataLoader(list(range(9)), shuffle=True, generator=candle.Generator().manual_seed(0)))
    assert (candle.get_rng_state() == before).all()


def test_two_iterators_at_once() -> None:
    loader = ours.DataLoader(list(range(4)))
    assert [(int(a), int(b)) for a in loader for b in loader] == [(a, b) for a in range(4) for b in range(4)]


class Stops:
    def __len__(self) -> int:
        return 3

    def __getitem__(self, i: int) -> int:
        raise StopIteration


def test_stop_iteration_from_a_dataset_is_no_silent_end() -> None:
    with pytest.raises(RuntimeError, match=r"Stops raised StopIteration for \[0\]"):
        list(ours.DataLoader(Stops()))


def test_an_error_does_not_end_the_epoch() -> None:
    for module in (ours, theirs):
        iterator = iter(module.DataLoader([1, object(), 3]))
        assert next(iterator).tolist() == [1]
        with pytest.raises(TypeError):
            next(iterator)
        assert next(iterator).tolist() == [3]


def test_another_collate_fn() -> None:
    for module in (ours, theirs):
        loader = module.DataLoader([1, 2, 3], 2)
        loader.collate_fn = len
        assert list(loader) == [2, 1]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda loader: pickle.loads(pickle.dumps(loader))])
def test_a_copy_made_within_an_epoch_begins_one(copied: Any) -> None:
    loader = ours.DataLoader([1, 2, 3])
    iterator = iter(loader)
    next(iterator)
    assert [int(batch) for batch in copied(loader)] == [1, 2, 3]
    assert [int(batch) for batch in iterator] == [2, 3]


def custom(m: Any) -> Any:
    return m.SequentialSampler([1])


MISTAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "workers": (lambda m: m.DataLoader([1], num_workers=-1), "num_workers=0"),
    "timeout": (lambda m: m.DataLoader([1], timeout=-1), "timeout"),
    "prefetch without workers": (lambda m: m.DataLoader([1], prefetch_factor=2), "num_workers > 0"),
    "negative prefetch": (lambda m: m.DataLoader([1], num_workers=1, prefetch_factor=-1), "prefetch_factor.*-1"),
    "persistent without workers": (lambda m: m.DataLoader([1], persistent_workers=True), "num_workers > 0"),
    "shuffled stream": (lambda m: m.DataLoader(stream(m), shuffle=True), "unspecified shuffle.*True"),
    "sampled stream": (lambda m: m.DataLoader(stream(m), sampler=[1]), r"unspecified sampler.*\[1\]"),
    "batched stream": (lambda m: m.DataLoader(stream(m), batch_sampler=[[1]]), r"unspecified batch_sampler.*\[\[1\]\]"),
    "two orders": (lambda m: m.DataLoader([1], shuffle=True, sampler=[0]), "sampler.*exclusive with shuffle"),
    "two batch sizes": (lambda m: m.DataLoader([1], batch_size=2, batch_sampler=[[0]]), "batch_sampler.*exclusive"),
    "batch sampler, drop_last": (lambda m: m.DataLoader([1], drop_last=True, batch_sampler=[[0]]), "drop_last"),
    "batch sampler, sampler": (lambda m: m.DataLoader([1], sampler=[0], batch_sampler=[[0]]), "batch_sampler"),
    "nothing to drop": (lambda m: m.DataLoader([1], batch_size=None, drop_last=True), "batch_size=None"),
    "batch size 0": (lambda m: m.DataLoader([1], batch_size=0), "batch_size=0"),
    "nothing to shuffle": (lambda m: m.DataLoader([], shuffle=True), "num_samples=0"),
    "context without workers": (lambda m: m.DataLoader([1], multiprocessing_context="spawn"), "num_workers > 0"),
    "no such context": (lambda m: m.DataLoader([1], num_workers=1, multiprocessing_context="x"), "start method.*'x'"),
    "no context": (lambda m: m.DataLoader([1], num_workers=1, multiprocessing_context=3), "start method.*3"),
    "timeout without workers": (lambda m: iter(m.DataLoader([1], timeout=3)), "timeout=3 needs num_workers > 0"),
    "no generator": (lambda m: list(m.DataLoader([1], shuffle=True, generator="x")), "candle.Generator, but got 'x'"),
    "changed batch size": (lambda m: setattr(m.DataLoader([1]), "batch_size", 2), "batch_size.*not be set after"),
    "changed data": (lambda m: setattr(m.DataLoader([1]), "dataset", [2]), "dataset.*not be set after"),
    "changed sampler": (lambda m: setattr(m.DataLoader([1]), "sampler", [0]), "sampler.*not be set after"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_raise_what_pytorch_raises(name: str) -> None:
    call, message = MISTAKES[name]
    with pytest.raises(Exception) as oracle:  # noqa: PT011
        call(theirs)
    with pytest.raises(oracle.type, match=message):
        call(ours)


def test_no_prefetching_is_refused() -> None:
    """PyTorch accepts it, and then asks its workers for nothing."""
    with pytest.raises(ValueError, match="at least 1, got 0"):
        ours.DataLoader([1], num_workers=1, prefetch_factor=0)


def test_more_workers_than_cpus_warn() -> None:
    for module in (ours, theirs):
        with pytest.warns(UserWarning, match="will create 5000 worker processes") as seen:
            module.DataLoader([1], num_workers=5000)
        assert module is theirs or seen[0].filename == __file__


def test_pinning_is_accepted() -> None:
    assert [batch.tolist() for batch in ours.DataLoader([1, 2], pin_memory=True, batch_size=2)] == [[1, 2]]


def test_a_loader_can_be_named_with_its_type() -> None:
    annotation = ours.DataLoader[int]
    assert annotation.__origin__ is ours.DataLoader
