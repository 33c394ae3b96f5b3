"""The loader of a stream, and of what is its own iterator, as PyTorch's."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import pytest
from torch.utils import data as theirs

from candle.utils import data as ours

from .test_collate import described
from .test_loader import Squares, as_it_is, stream


@pytest.mark.parametrize("options", [{}, {"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}])
def test_length_of_a_stream(options: dict[str, Any]) -> None:
    for length in (0, 6, 7):
        mine, oracle = (m.DataLoader(stream(m, 7, length), **options) for m in (ours, theirs))
        assert len(mine) == len(oracle)
    with pytest.raises(TypeError):
        len(ours.DataLoader(stream(ours), **options))


def its_own_iterator(base: type) -> Any:
    class Itself(base):  # type: ignore[misc]
        def __len__(self) -> int:
            return 5

        def __iter__(self) -> Any:
            self.i = -1
            return self

        def __next__(self) -> int:
            if self.i == 4:
                raise StopIteration
            self.i += 1
            return self.i

    return Itself()


@pytest.mark.parametrize("batch_size", [None, 2])
def test_what_is_its_own_iterator_ends(batch_size: int | None) -> None:
    """PyTorch's sampled batches do not: it calls iter() for each."""
    oracle = theirs.DataLoader(its_own_iterator(theirs.IterableDataset), batch_size)
    stream, data = its_own_iterator(ours.IterableDataset), Squares()
    streamed = ours.DataLoader(stream, batch_size)
    sampled = ours.DataLoader(data, batch_size, sampler=its_own_iterator(ours.Sampler), collate_fn=as_it_is)
    expected = [described(batch) for batch in oracle]
    assert [described(batch) for batch in itertools.islice(streamed, 9)] == expected
    numbers = [b["i"] if batch_size is None else [each["i"] for each in b] for b in itertools.islice(sampled, 9)]
    assert numbers == [b if batch_size is None else b.tolist() for b in oracle]


def test_a_stream_goes_on_after_an_error() -> None:
    class Hiccups(ours.IterableDataset):
        i = 0

        def __iter__(self) -> Any:
            return self

        def __next__(self) -> int:
            self.i += 1
            if self.i == 2:
                raise OSError("not now")
            return self.i

    iterator = iter(ours.DataLoader(Hiccups(), 1))
    assert next(iterator).tolist() == [1]
    with pytest.raises(OSError, match="not now"):
        next(iterator)
    assert next(iterator).tolist() == [3]


def test_a_stream_longer_than_it_said_warns_once_len_was_asked() -> None:
    for module in (ours, theirs):
        loader = module.DataLoader(stream(module, 7, length=2), batch_size=3, collate_fn=len)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert list(loader) == [3, 3, 1]
        len(loader)
        with pytest.warns(UserWarning, match="was reported to be 2.*but 3 samples have been fetched") as seen:
            assert list(loader) == [3, 3, 1]
        assert len(seen) == 1
