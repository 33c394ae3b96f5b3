"""Loaders of data, where others lose examples, an order, or count batches that never come."""

from __future__ import annotations

import pytest
import torch.utils.data

import candle
from candle.utils.data import DataLoader, TensorDataset


@pytest.mark.parametrize("examples", [12, 13])
@pytest.mark.parametrize("drop_last", [False, True])
def test_a_loader_has_as_many_batches_as_it_says(examples: int, drop_last: bool) -> None:
    """Elsewhere len() forgets drop_last, or drop_last drops a batch that is full."""
    loader = DataLoader(TensorDataset(candle.arange(examples)), batch_size=4, drop_last=drop_last)
    theirs = torch.utils.data.TensorDataset(torch.arange(examples))
    expected = [x.tolist() for (x,) in torch.utils.data.DataLoader(theirs, batch_size=4, drop_last=drop_last)]
    assert [x.tolist() for (x,) in loader] == expected
    assert len(loader) == len(expected)


def test_every_epoch_has_an_order_of_its_own() -> None:
    """Elsewhere the examples are shuffled once, when the loader is made."""
    candle.manual_seed(0)
    loader = DataLoader(TensorDataset(candle.arange(50)), batch_size=50, shuffle=True)
    (first,), (second,) = (batch for _ in range(2) for batch in loader)
    assert first.tolist() != second.tolist()
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(50))


def test_a_batch_is_stacked() -> None:
    """Elsewhere it is a tuple of the examples, one by one."""
    x, y = candle.randn(6, 3), candle.arange(6)
    inputs, targets = next(iter(DataLoader(TensorDataset(x, y), batch_size=6)))
    assert candle.equal(inputs, x)
    assert candle.equal(targets, y)


def test_the_last_smaller_batch_is_not_lost() -> None:
    """Elsewhere a loader, or the model behind it, takes whole batches only."""
    sizes = [len(x) for (x,) in DataLoader(TensorDataset(candle.randn(10, 3)), batch_size=4)]
    assert sizes == [4, 4, 2]
