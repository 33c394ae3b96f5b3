"""A loader that goes on from a state yields what the one it was taken from would have."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from typing import Any

import for_workers as make
import numpy as np
import pytest

import candle
from candle.utils import data as ours
from candle.utils.data import DataLoader

from .test_collate import described


def seeded() -> candle.Generator:
    return candle.Generator().manual_seed(7)


def saved_and_loaded(state: Any) -> Any:
    file = io.BytesIO()
    candle.save({"loader": state}, file)
    return candle.load(file)["loader"]


def epoch(loader: Any) -> list[Any]:
    return [described(batch) for batch in loader]


class Counting(ours.Sampler[int]):
    """Has a state of its own: which epoch this is."""

    def __init__(self) -> None:
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        self.epoch += 1
        return iter([self.epoch, *range(7), self.epoch])

    def __len__(self) -> int:
        return 9

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.epoch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.epoch = state["epoch"]


class Lazy(ours.Sampler[int]):
    """Draws when its first index is asked for, from the program's generator, as many people's samplers do."""

    def __iter__(self) -> Iterator[int]:
        yield from candle.randperm(10).tolist()


class Drawn(ours.Sampler[int]):
    """Draws from Python's and NumPy's generators."""

    def __iter__(self) -> Iterator[int]:
        order = list(range(10))
        random.shuffle(order)
        return iter([order[i] for i in np.random.permutation(10)])

    def __len__(self) -> int:
        return 10


class Around(ours.Sampler[int]):
    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler

    def __iter__(self) -> Iterator[int]:
        return iter(self.sampler)


N, NOISY = make.Numbers(10), make.Numbers(10, make.random_numbers)
LOADERS: dict[str, Callable[[], Any]] = {
    "in order": lambda: DataLoader(N, batch_size=3),
    "shuffled": lambda: DataLoader(N, batch_size=3, shuffle=True, generator=seeded()),
    "one by one": lambda: DataLoader(N, batch_size=None, shuffle=True, generator=seeded()),
    "replacement": lambda: DataLoader(
        N, batch_size=3, sampler=ours.RandomSampler(N, replacement=True, generator=seeded())
    ),
    "two generators": lambda: DataLoader(
        N, 4, sampler=ours.WeightedRandomSampler([1.0, 2.0] * 5, 10, generator=seeded()), generator=seeded()
    ),
    "bucketed": lambda: DataLoader(
        N, batch_sampler=ours.BucketBatchSampler(range(10), batch_size=3, generator=seeded())
    ),
    "own state": lambda: DataLoader(N, 2, sampler=Counting()),
    "own state, batched": lambda: DataLoader(N, batch_sampler=ours.BatchSampler(Counting(), 2, True)),
    "a sampler in a sampler": lambda: DataLoader(
        N, 2, sampler=Around(Around(ours.RandomSampler(N, generator=candle.Generator())))
    ),
    "stream": lambda: DataLoader(make.Shards(7, 4), batch_size=3, generator=seeded()),
    "stream, no batches": lambda: DataLoader(make.Shards(5), batch_size=None, generator=seeded()),
}
WITH_WORKERS: dict[str, Callable[[], Any]] = {
    "random": lambda: DataLoader(NOISY, 3, shuffle=True, generator=seeded(), num_workers=2),
    "persistent": lambda: DataLoader(
        NOISY, 3, shuffle=True, generator=seeded(), num_workers=2, persistent_workers=True, prefetch_factor=3
    ),
    "random streams": lambda: DataLoader(
        make.Shards(7, 2, noisy=True), 2, generator=seeded(), num_workers=2, persistent_workers=True
    ),
}


def check_every_place(make_loader: Callable[[], Any]) -> None:
    loader, states, seen = make_loader(), [], []
    states.append(saved_and_loaded(loader.state_dict()))
    for batch in loader:
        seen.append(described(batch))
        states.append(saved_and_loaded(loader.state_dict()))
    at_the_end = saved_and_loaded(loader.state_dict())
    following = [epoch(loader), epoch(loader)]
    assert len(seen) >= 3
    for done, state in enumerate(states):
        again = make_loader()
        again.load_state_dict(state)
        assert epoch(again) == seen[done:]
        assert epoch(again) == following[0]
    last = make_loader()
    last.load_state_dict(at_the_end)
    assert [epoch(last), epoch(last)] == following


@pytest.mark.parametrize("name", LOADERS)
def test_from_every_place(name: str) -> None:
    check_every_place(LOADERS[name])


@pytest.mark.parametrize("name", WITH_WORKERS)
def test_from_every_place_with_workers(name: str) -> None:
    check_every_place(WITH_WORKERS[name])


@pytest.mark.parametrize("sampler", [None, Lazy()], ids=["loader's", "lazy"])
def test_without_a_generator_of_its_own(sampler: Any) -> None:
    """This epoch is in the state; those that follow are in the program's generator, which dropout moves, too."""
    shuffle = None if sampler else True
    candle.manual_seed(3)
    loader = DataLoader(N, shuffle=shuffle, sampler=sampler)
    iterator = iter(loader)
    for _ in range(4):
        candle.rand(5)  # also between the beginning of the epoch and its first batch
        next(iterator)
    state, program = saved_and_loaded(loader.state_dict()), candle.get_rng_state()
    rest, following = epoch(iterator), epoch(loader)
    candle.manual_seed(99)
    again = DataLoader(N, shuffle=shuffle, sampler=sampler)
    again.load_state_dict(state)
    candle.set_rng_state(program)
    assert epoch(again) == rest
    assert epoch(again) == following
    again.load_state_dict(state)
    before = candle.get_rng_state()
    iter(again)
    assert (candle.get_rng_state() == before).all()


def test_a_sampler_may_draw_from_python_s_and_numpy_s_generators() -> None:
    loader = DataLoader(N, 2, sampler=Drawn())
    iterator = iter(loader)
    next(iterator)
    state = saved_and_loaded(loader.state_dict())
    again = DataLoader(N, 2, sampler=Drawn())
    again.load_state_dict(state)
    random.seed(99)
    np.random.seed(99)
    resumed, drawn = iter(again), (random.random(), np.random.rand())
    assert epoch(resumed) == epoch(iterator)
    random.seed(99)
    np.random.seed(99)
    assert drawn == (random.random(), np.random.rand())  # only the order was drawn again


def test_a_resumed_loader_can_be_resumed() -> None:
    oracle = epoch(LOADERS["shuffled"]())
    loader = LOADERS["shuffled"]()
    for k in range(4):
        assert described(next(iter(loader))) == oracle[k]
        state = loader.state_dict()
        loader = LOADERS["shuffled"]()
        loader.load_state_dict(state)
        assert described(saved_and_loaded(loader.state_dict())) == described(state)  # not yet begun: the same
    assert epoch(loader) == []


def test_what_was_seen_is_not_loaded_again() -> None:
    asked: list[int] = []

    def note(i: int) -> int:
        asked.append(i)
        return i

    loader = DataLoader(make.Numbers(10, note), batch_size=2)
    iterator = iter(loader)
    next(iterator)
    next(iterator)
    state = loader.state_dict()
    asked.clear()
    again = DataLoader(make.Numbers(10, note), batch_size=2)
    again.load_state_dict(state)
    assert len(epoch(again)) == 3
    assert asked == [4, 5, 6, 7, 8, 9]


def test_the_number_of_workers_may_change() -> None:
    def loader(num_workers: int) -> Any:
        return DataLoader(NOISY, 2, shuffle=True, generator=seeded(), num_workers=num_workers)

    first = loader(1)
    iterator = iter(first)
    next(iterator)
    state = first.state_dict()
    second = loader(2)
    second.load_state_dict(state)
    assert epoch(second) == epoch(iterator)
    no_workers = loader(0)
    no_workers.load_state_dict(state)
    second.load_state_dict(state)
    assert [batch[0].tolist() for batch in no_workers] == [batch[0].tolist() for batch in second]


def test_out_of_order_what_came_early_does_not_come_again() -> None:
    data = make.Numbers(8, make.late_at_0)
    loader = DataLoader(data, num_workers=2, in_order=False, batch_size=None)
    iterator = iter(loader)
    early = [next(iterator) for _ in range(3)]
    assert 0 not in early
    state = saved_and_loaded(loader.state_dict())
    again = DataLoader(data, num_workers=0, batch_size=None)
    again.load_state_dict(state)
    assert list(again) == [i for i in range(8) if i not in early]


def test_a_batch_that_failed_comes_again() -> None:
    loader = DataLoader(make.Numbers(5, make.fails_at_3), batch_size=None)
    iterator = iter(loader)
    assert [next(iterator) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three is no good"):
        next(iterator)
    assert next(iterator) == 4
    again = DataLoader(make.Numbers(5), batch_size=None)
    again.load_state_dict(loader.state_dict())
    assert list(again) == [3]


def test_a_state_that_does_not_fit() -> None:
    loader = DataLoader(N, 2, shuffle=True, generator=seeded())
    next(iter(loader))
    state = loader.state_dict()
    with pytest.raises(ValueError, match="no state of a DataLoader; it lacks .*done"):
        loader.load_state_dict({"epoch": 3})
    for other, message in [
        (DataLoader(N, 2), "1 generators and 0 samplers.*has 0 and 0"),
        (DataLoader(N, 5, shuffle=True, generator=seeded()), "batches of 2.*have 5"),
        (DataLoader(N, 2, generator=seeded()), "RandomSampler over 10.*SequentialSampler over 10"),
        (DataLoader(make.Numbers(11), 2, shuffle=True, generator=seeded()), "over 10 items.*over 11 items"),
        (DataLoader(make.Shards(9), 2, generator=seeded()), "RandomSampler over 10.*none .it was streamed"),
    ]:
        other.load_state_dict(state)
        with pytest.raises(ValueError, match=message):
            iter(other)
    streams = DataLoader(make.Shards(3, 3), 2)
    next(iter(streams))
    with_workers = DataLoader(make.Shards(3, 3), 2, num_workers=2)
    with_workers.load_state_dict(streams.state_dict())
    with pytest.raises(ValueError, match="1 streams.*has 2: .*as many workers"):
        iter(with_workers)
