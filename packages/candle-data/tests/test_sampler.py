"""Samplers: PyTorch's order where there is one, and the distribution it promises where there is none."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torch.utils import data as theirs

import candle
from candle.utils import data as ours


def seeded(seed: int = 0) -> candle.Generator:
    return candle.Generator().manual_seed(seed)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_and_sequences(batch_size: int, drop_last: bool) -> None:
    for n in (0, 1, 5, 6, 7):
        mine, oracle = (m.BatchSampler(m.SequentialSampler(range(n)), batch_size, drop_last) for m in (ours, theirs))
        assert list(mine) == list(oracle)
        assert len(mine) == len(oracle)
    endless = ours.BatchSampler(itertools.count(), batch_size, drop_last)
    assert list(itertools.islice(endless, 2)) == [[*range(batch_size)], [*range(batch_size, 2 * batch_size)]]


@pytest.mark.parametrize("count", [None, 1, 9, 10, 11, 25])
def test_random_order_goes_through_all_before_it_repeats(count: int | None) -> None:
    mine, oracle = (m.RandomSampler(range(10), num_samples=count) for m in (ours, theirs))
    order = list(mine)
    assert len(order) == len(mine) == len(oracle) == len(list(oracle))
    for block in (order[i : i + 10] for i in range(0, len(order), 10)):
        assert len(set(block)) == len(block)


def chi_square(counts: np.ndarray, expected: np.ndarray) -> float:
    """In standard deviations of the statistic (mean k, variance 2k)."""
    k = counts.size - 1
    return float((((counts - expected) ** 2 / expected).sum() - k) / np.sqrt(2 * k))


def test_every_place_of_a_random_order_is_as_likely() -> None:
    sampler, counts = ours.RandomSampler(range(6), generator=seeded()), np.zeros((6, 6))
    for _ in range(3000):
        counts[range(6), list(sampler)] += 1
    assert abs(chi_square(counts, np.full((6, 6), 500.0))) < 4


def test_replacement_draws_each_as_often() -> None:
    order = list(ours.RandomSampler(range(8), replacement=True, num_samples=8000, generator=seeded()))
    assert len(order) == 8000
    assert abs(chi_square(np.bincount(order, minlength=8), np.full(8, 1000.0))) < 4


def test_a_subset_in_random_order() -> None:
    indices = [7, 3, 3, 9]
    mine = ours.SubsetRandomSampler(indices, generator=seeded())
    assert sorted(mine) == sorted(indices)
    assert len(mine) == 4
    assert len({tuple(mine) for _ in range(50)}) > 5


def test_weights_are_frequencies() -> None:
    weights = [1.0, 0.0, 3.0, 4.0]
    order = list(ours.WeightedRandomSampler(weights, 8000, generator=seeded()))
    counts = np.bincount(order, minlength=4)
    assert counts[1] == 0
    assert abs(chi_square(counts[[0, 2, 3]], np.array([1000.0, 3000.0, 4000.0]))) < 4


@pytest.mark.parametrize(("draw", "index"), [(0.0, 1), (1.0, 2)])  # 1 stands for what rounding makes of 1 - 2**-53
def test_no_draw_is_so_extreme_as_to_find_a_weight_of_zero(draw: float, index: int) -> None:
    extreme = SimpleNamespace(numpy=SimpleNamespace(random=lambda n: np.full(n, draw)))
    assert list(ours.WeightedRandomSampler([0.0, 2.0, 1.0, 0.0], 2, generator=extreme)) == [index, index]


def test_weights_without_replacement_draw_each_once_the_heavy_ones_early() -> None:
    sampler = ours.WeightedRandomSampler(candle.tensor([1.0, 2.0, 3.0]), 3, replacement=False, generator=seeded())
    orders = [tuple(sampler) for _ in range(1500)]
    assert {frozenset(order) for order in orders} == {frozenset({0, 1, 2})}
    first = np.bincount([order[0] for order in orders], minlength=3)
    assert abs(chi_square(first, np.array([250.0, 500.0, 750.0]))) < 4
    assert len(sampler) == 3


SAMPLERS: dict[str, Callable[[Any], Any]] = {
    "random": lambda g: ours.RandomSampler(range(40), generator=g),
    "replacement": lambda g: ours.RandomSampler(range(40), replacement=True, generator=g),
    "subset": lambda g: ours.SubsetRandomSampler(range(40), generator=g),
    "weighted": lambda g: ours.WeightedRandomSampler([1.0] * 40, 40, generator=g),
    "batches": lambda g: ours.BatchSampler(ours.RandomSampler(range(40), generator=g), 4, False),
    "bucketed": lambda g: ours.BucketBatchSampler(range(40), batch_size=4, generator=g),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_order_is_the_generators(name: str) -> None:
    make = SAMPLERS[name]
    one, same, other = make(seeded(1)), make(seeded(1)), make(seeded(2))
    epochs = [list(one), list(one)]
    assert epochs == [list(same), list(same)]
    assert epochs[0] != epochs[1]
    assert epochs[0] != list(other)
    candle.manual_seed(3)
    by_program = list(make(None))
    candle.manual_seed(3)
    assert by_program == list(make(None)) != list(make(None))


@pytest.mark.parametrize("name", SAMPLERS)
def test_all_is_drawn_when_iteration_begins(name: str) -> None:
    generator = seeded()
    ours_now = iter(SAMPLERS[name](generator))
    before = generator.get_state()
    list(ours_now)
    assert (generator.get_state() == before).all()


MISTAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "base": (lambda m: iter(m.Sampler()), "__iter__"),
    "no samples": (lambda m: m.RandomSampler([]), "num_samples=0"),
    "fraction": (lambda m: m.RandomSampler([1], num_samples=1.5), "num_samples=1.5"),
    "replacement": (lambda m: m.RandomSampler([1], replacement=1), "replacement=1"),
    "weights": (lambda m: m.WeightedRandomSampler([[1.0]], 1), r"\(1, 1\)"),
    "weighted samples": (lambda m: m.WeightedRandomSampler([1.0], True), "num_samples=True"),
    "weighted replacement": (lambda m: m.WeightedRandomSampler([1.0], 1, replacement=None), "replacement=None"),
    "negative weight": (lambda m: list(m.WeightedRandomSampler([1.0, -1.0], 1)), "not negative"),
    "no weight": (lambda m: list(m.WeightedRandomSampler([0.0, 0.0], 1)), "positive"),
    "no weights": (lambda m: list(m.WeightedRandomSampler([], 1)), "positive"),
    "infinite weight": (lambda m: list(m.WeightedRandomSampler([1.0, float("inf")], 1)), "finite"),
    "too few": (lambda m: list(m.WeightedRandomSampler([1.0], 2, replacement=False)), "2 samples out of 1"),
    "batch size": (lambda m: m.BatchSampler([1], 0, False), "batch_size=0"),
    "batch size bool": (lambda m: m.BatchSampler([1], True, False), "batch_size=True"),
    "drop_last": (lambda m: m.BatchSampler([1], 1, None), "drop_last=None"),
    "no length": (lambda m: len(m.BatchSampler(itertools.count(), 1, False)), "len"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_raise_what_pytorch_raises(name: str) -> None:
    call, message = MISTAKES[name]
    with pytest.raises(Exception) as oracle:  # noqa: PT011
        call(theirs)
    with pytest.raises(oracle.type, match=message):
        call(ours)


def test_a_random_sampler_follows_its_data() -> None:
    data = [1, 2]
    for module in (ours, theirs):
        sampler = module.RandomSampler(data)
        data.append(3)
        assert len(sampler) == len(data) == len(list(sampler))
