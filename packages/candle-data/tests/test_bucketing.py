"""Batches of like lengths: every item once, within the limits, with little padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import candle
from candle.utils.data import BucketBatchSampler, DataLoader, pad_collate

LENGTHS = np.random.default_rng(0).lognormal(3, 1, 2000).astype(int)


def padded(batches: list[list[int]]) -> list[int]:
    return [len(batch) * int(LENGTHS[batch].max()) for batch in batches]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("limits", [{"max_tokens": 2000}, {"batch_size": 16}, {"max_tokens": 2000, "batch_size": 16}])
def test_every_item_once_within_the_limits(limits: dict[str, int], shuffle: bool) -> None:
    sampler = BucketBatchSampler(LENGTHS.tolist(), **limits, shuffle=shuffle)
    for _ in range(3):
        batches = list(sampler)
        assert sorted(i for batch in batches for i in batch) == list(range(2000))
        assert len(batches) == len(sampler)
        assert max(padded(batches)) <= limits.get("max_tokens", np.inf)
        assert max(map(len, batches)) <= limits.get("batch_size", np.inf)
        assert all(batches)


def test_batches_are_as_full_as_the_limit_allows() -> None:
    """One more item, of the next bucket, would not have fitted: few batches are far below the limit."""
    tokens = padded(list(BucketBatchSampler(LENGTHS, max_tokens=4000)))
    assert np.median(tokens) > 0.9 * 4000
    sizes = [len(batch) for batch in BucketBatchSampler(LENGTHS, batch_size=16)]
    assert sorted(sizes) == [16] * 125


def test_little_is_padding() -> None:
    least = int(np.sort(LENGTHS).reshape(-1, 16).max(1).sum()) * 16  # batches of the sorted lengths
    assert sum(padded(list(BucketBatchSampler(LENGTHS, batch_size=16, spread=0)))) == least
    assert sum(padded(list(BucketBatchSampler(LENGTHS, batch_size=16)))) < 1.1 * least
    random = np.random.default_rng(1).permutation(2000).reshape(-1, 16).tolist()
    assert sum(padded(random)) > 2.5 * least  # what the sampler is there for


def test_shuffling_mixes_items_and_batches() -> None:
    sampler = BucketBatchSampler(LENGTHS, batch_size=16, generator=candle.Generator().manual_seed(0))
    first, second = list(sampler), list(sampler)
    assert len({frozenset(batch) for batch in first} & {frozenset(batch) for batch in second}) < 5
    lengths = [int(LENGTHS[batch].max()) for batch in first]
    assert abs(np.corrcoef(lengths, range(len(lengths)))[0, 1]) < 0.4  # not from short to long


def test_without_shuffling_the_shortest_come_first_and_equals_in_order() -> None:
    assert list(BucketBatchSampler([5, 1, 5, 1, 9], batch_size=2, shuffle=False)) == [[1, 3], [0, 2], [4]]


def test_edges() -> None:
    assert list(BucketBatchSampler([], batch_size=2)) == []
    assert sorted(map(sorted, BucketBatchSampler([0, 0, 0, 7], max_tokens=7))) == [[0, 1, 2], [3]]
    assert list(BucketBatchSampler([7], max_tokens=7)) == [[0]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "max_tokens or batch_size"),
        ({"batch_size": 0}, "at least 1"),
        ({"max_tokens": 4}, r"item 1 has length 9.*max_tokens=4 \(2 such"),
        ({"batch_size": 2, "spread": -1}, "spread.*-1"),
        ({"batch_size": 2, "lengths": [[1]]}, "one number"),
        ({"batch_size": 2, "lengths": [1.5]}, "integers, got float64"),
        ({"batch_size": 2, "lengths": [-1]}, "not negative"),
    ],
)
def test_mistakes(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BucketBatchSampler(**{"lengths": [3, 9, 8], **given})


def test_with_a_loader() -> None:
    texts = [candle.arange(n) + 1 for n in LENGTHS[:100].tolist()]
    loader = DataLoader(
        texts, batch_sampler=BucketBatchSampler([len(t) for t in texts], max_tokens=500), collate_fn=pad_collate
    )
    seen = []
    for batch in loader:
        assert batch.numel() <= 500
        seen += (batch > 0).sum(1).tolist()
    assert sorted(seen) == sorted(LENGTHS[:100].tolist())
