"""Datasets, as PyTorch's."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils import data as theirs

import candle
from candle.utils import data as ours


def plain(x: Any) -> Any:
    """Tensors as lists."""
    if isinstance(x, candle.Tensor | torch.Tensor):
        return x.tolist()
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    return type(x)(plain(each) for each in x) if isinstance(x, list | tuple) else x


def stream(module: Any, *items: int, length: int | None = None) -> Any:
    class Stream(module.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Any:
            return iter(items)

    if length is not None:
        Stream.__len__ = lambda self: length
    return Stream()


def tensors(module: Any) -> tuple[Any, Any]:
    package = {ours: candle, theirs: torch}[module]
    return package.arange(12).reshape(4, 3), package.arange(4) * 0.5


ITEMS: dict[str, Callable[[Any], Any]] = {
    "tensors": lambda m: [m.TensorDataset(*tensors(m))[i] for i in (0, 3, -1)],
    "tensors, several": lambda m: m.TensorDataset(*tensors(m))[[0, 2]],
    "tensors, a slice": lambda m: m.TensorDataset(*tensors(m))[1:3],
    "tensors, length": lambda m: len(m.TensorDataset(*tensors(m))),
    "stack": lambda m: (m.StackDataset([1, 2], "ab")[1], len(m.StackDataset([1, 2], "ab"))),
    "stack by name": lambda m: m.StackDataset(x=[1, 2], y="ab")[0],
    "stack, many": lambda m: m.StackDataset([1, 2, 3], m.Subset("abcd", [3, 2, 1])).__getitems__([2, 0]),
    "stack by name, many": lambda m: m.StackDataset(x=[1, 2, 3], y=m.Subset("abcd", [3, 2, 1])).__getitems__([2, 0]),
    "concat": lambda m: [m.ConcatDataset(["ab", "", "cde"])[i] for i in (0, 1, 2, 4, -1, -5)],
    "concat, length": lambda m: (len(m.ConcatDataset(["ab", "cde"])), m.ConcatDataset(["ab", "cde"]).cumulative_sizes),
    "sum": lambda m: [(m.Subset("abc", [1]) + m.Subset("xyz", [0, 2]))[i] for i in range(3)],
    "sum of streams": lambda m: list(stream(m, 1, 2) + stream(m, 3)),
    "chain": lambda m: list(m.ChainDataset([stream(m, 1, 2), stream(m), stream(m, 3)])),
    "chain, length": lambda m: len(m.ChainDataset([stream(m, 1, length=4), stream(m, length=5)])),
    "subset": lambda m: [m.Subset("abcd", [3, 1])[i] for i in (0, 1, -1)],
    "subset, many": lambda m: m.Subset("abcd", [3, 1, 0]).__getitems__([2, 0]),
    "subset of tensors, a list": lambda m: m.Subset(m.TensorDataset(*tensors(m)), [3, 1, 0])[[0, 2]],
    "split, lengths": lambda m: [len(part) for part in m.random_split(range(10), [3, 7])],
    "split by fractions": lambda m: [len(part) for part in m.random_split(range(11), [0.5, 0.3, 0.2])],
    "split, rounding": lambda m: [len(part) for part in m.random_split(range(7), [1 / 3, 1 / 3, 1 / 3])],
}


@pytest.mark.parametrize("name", ITEMS)
def test_items(name: str) -> None:
    assert plain(ITEMS[name](ours)) == plain(ITEMS[name](theirs))


class Two(list):  # type: ignore[type-arg]
    def __getitems__(self, indices: list[int]) -> list[Any]:
        return [1, 2]


def overriding(module: Any) -> Any:
    return type("Mine", (module.Subset,), {"__getitem__": lambda self, i: i})([1], [0])


MISTAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no item": (lambda m: m.Dataset()[0], "Dataset.*__getitem__"),
    "no tensor": (lambda m: m.TensorDataset(np.ones(3)), "got ndarray; use candle.as_tensor"),
    "sizes": (lambda m: m.TensorDataset(tensors(m)[0], tensors(m)[1][:3]), r"Size mismatch.*\(4, 3\).*\(3,\)"),
    "lengths": (lambda m: m.StackDataset("ab", "abc"), r"Size mismatch.*\[2, 3\]"),
    "both": (lambda m: m.StackDataset("ab", x="ab"), "one after the other.*by name"),
    "nothing": (lambda m: m.StackDataset(), "At least one"),
    "too few": (lambda m: m.StackDataset(Two([1, 2, 3])).__getitems__([0, 1, 2]), "2 items for 3"),
    "too few by name": (lambda m: m.StackDataset(x=Two([1, 2, 3])).__getitems__([0]), "2 items for 1"),
    "no datasets": (lambda m: m.ConcatDataset([]), "empty"),
    "streams": (lambda m: m.ConcatDataset([stream(m, 1)]), "IterableDataset.*ChainDataset"),
    "before the first": (lambda m: m.ConcatDataset(["ab"])[-3], "-3 of 2"),
    "beyond the last": (lambda m: m.ConcatDataset(["ab"])[2], "2.*out of range.*2"),
    "no streams": (lambda m: list(m.ChainDataset([[1]])), "only supports IterableDataset, got list"),
    "half overridden": (overriding, "Mine overrides __getitem__.*\n.*def __getitems__"),
    "sum of lengths": (lambda m: m.random_split(range(5), [2, 2]), r"\[2, 2\] sum to 4, not 5"),
    "fractions": (lambda m: m.random_split(range(5), [1.5, -0.5]), "Fraction at index 0 .*1.5"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_raise_what_pytorch_raises(name: str) -> None:
    call, message = MISTAKES[name]
    with pytest.raises(Exception) as theirs_raised:  # noqa: PT011
        call(theirs)
    with pytest.raises(theirs_raised.type, match=message):
        call(ours)


def test_an_empty_part_warns() -> None:
    for module in (theirs, ours):
        with pytest.warns(UserWarning, match="Length of split at index 1 is 0") as seen:
            parts = module.random_split(range(3), [1.0, 0.0])
        assert [len(part) for part in parts] == [3, 0]
        assert seen[0].filename == __file__


def test_a_split_has_no_negative_length() -> None:
    """PyTorch's gives [4, -1] of three items as three and none."""
    with pytest.raises(ValueError, match=r"no length may be negative, got \[4, -1\]"):
        ours.random_split(range(3), [4, -1])


def test_a_split_is_a_partition_and_repeatable() -> None:
    def split(seed: int) -> list[list[int]]:
        return [list(part) for part in ours.random_split(range(50), [20, 30], candle.Generator().manual_seed(seed))]

    assert sorted(i for part in split(1) for i in part) == list(range(50))
    assert split(1) == split(1) != split(2)
    candle.manual_seed(5)
    first = [list(part) for part in ours.random_split(range(50), [20, 30])]
    candle.manual_seed(5)
    assert first == [list(part) for part in ours.random_split(range(50), [20, 30])]


def batch_of(dataset: Any, indices: list[int]) -> Any:
    return next(iter(ours.DataLoader(dataset, batch_sampler=[indices])))


def test_batches_are_taken_at_once_but_not_past_a_subclass() -> None:
    data = ours.TensorDataset(candle.arange(6), candle.arange(6) * 2)
    data_calls: list[str] = []

    class Doubled(ours.TensorDataset):
        def __getitem__(self, i: Any) -> Any:
            return tuple(10 * each for each in super().__getitem__(i))

    class Counting(ours.TensorDataset):
        def __getbatch__(self, indices: list[int]) -> Any:
            data_calls.append("batch")
            return super().__getbatch__(indices)

    assert plain(batch_of(data, [4, -1])) == [[4, 5], [8, 10]]
    assert plain(batch_of(ours.Subset(data, [5, 3, 1]), [2, 0])) == [[1, 5], [2, 10]]
    assert plain(batch_of(ours.Subset(Counting(*data.tensors), [5, 3]), [1])) == [[3], [6]]
    assert data_calls == ["batch"]
    assert plain(batch_of(Doubled(*data.tensors), [1])) == [[10], [20]]
    assert plain(batch_of(ours.Subset(Doubled(*data.tensors), [2]), [0])) == [[20], [40]]
    with pytest.raises(IndexError, match="6"):
        batch_of(data, [0, 6])


def test_a_batch_taken_at_once_keeps_the_graph_and_owns_its_memory() -> None:
    weights = candle.arange(4.0).requires_grad_()
    (batch,) = batch_of(ours.TensorDataset(weights), [1, 1, 3])
    batch.sum().backward()
    assert weights.grad.tolist() == [0, 2, 0, 1]
    memory = candle.zeros(3)
    (batch,) = batch_of(ours.TensorDataset(memory), [0, 1])
    batch += 1
    assert memory.tolist() == [0, 0, 0]


def test_no_warning_where_there_is_no_empty_part() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.random_split(range(4), [0.5, 0.5])


def test_the_parameters_and_defaults_are_pytorchs() -> None:
    names = sorted(set(ours.__all__) & set(theirs.__all__))
    assert len(names) > 15
    for name in names:
        expected, found = (
            [(p.name, p.kind, p.default) for p in inspect.signature(getattr(module, name)).parameters.values()]
            for module in (theirs, ours)
        )
        if name == "random_split":  # a generator of each
            assert isinstance(found[-1][2], candle.Generator)
            del expected[-1], found[-1]
        assert found == expected, name


def test_what_is_listed_exists_and_says_what_it_is() -> None:
    assert ours.__all__ == sorted(set(ours.__all__))
    for name in ours.__all__:
        assert getattr(ours, name).__doc__, name
