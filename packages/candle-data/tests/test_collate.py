"""From items to batches, as PyTorch does it."""

from __future__ import annotations

import collections
import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils import data as theirs
from torch.utils.data._utils import collate as their_collate

import candle
from candle.utils import data as ours
from candle.utils.data import collate as our_collate

Point = collections.namedtuple("Point", "x y")


class Labelled(dict):  # type: ignore[type-arg]
    label = "plain"


class Stack(list):  # type: ignore[type-arg]
    pass


def described(x: Any) -> Any:
    """Types, dtypes, shapes and values, alike for both libraries."""
    if isinstance(x, candle.Tensor | torch.Tensor):
        return "tensor", str(x.dtype).rpartition(".")[2], tuple(x.shape), x.tolist()
    if isinstance(x, collections.abc.Mapping):
        return type(x), getattr(x, "label", None), {key: described(value) for key, value in x.items()}
    if isinstance(x, list | tuple | collections.deque):
        return type(x), [described(each) for each in x]
    if isinstance(x, np.ndarray):
        return "array", x.dtype, x.tolist()
    return type(x), x


def labelled(value: Any) -> Labelled:
    made = Labelled(a=value)
    made.label = "mine"
    return made


BATCHES: dict[str, Callable[[Any], list[Any]]] = {
    "integers": lambda t: [1, 2, 3],
    "floats": lambda t: [1.0, 2.5],
    "bools": lambda t: [True, False],
    "integer first": lambda t: [1, 2.5],
    "float first": lambda t: [2.5, 1],
    "strings": lambda t: ["a", "b"],
    "bytes": lambda t: [b"a", b"b"],
    "tensors": lambda t: [t.arange(6).reshape(2, 3), t.arange(6).reshape(2, 3) + 1],
    "0-d tensors": lambda t: [t.tensor(1.5), t.tensor(2.5)],
    "half": lambda t: [t.ones(2).half(), t.zeros(2).half()],
    "arrays": lambda t: [np.arange(3), np.arange(3) * 2],
    "arrays of float32": lambda t: [np.ones((2, 2), np.float32)] * 3,
    "0-d arrays": lambda t: [np.array(3.5)] * 2,
    "numbers of NumPy": lambda t: [np.float32(1), np.float32(2)],
    "bools of NumPy": lambda t: [np.bool_(True), np.bool_(False)],
    "bytes of NumPy": lambda t: [np.uint8(3)],
    "tuples": lambda t: [(1, "a"), (2, "b")],
    "lists": lambda t: [[1, 2.5], [3, 4.5]],
    "empty tuples": lambda t: [(), ()],
    "dicts": lambda t: [{"a": 1, "b": t.ones(2)}, {"a": 2, "b": t.zeros(2)}],
    "dicts of one more key": lambda t: [{"a": 1}, {"a": 2, "b": 3}],
    "own dicts": lambda t: [labelled(1), labelled(2)],
    "default dicts": lambda t: [collections.defaultdict(int, a=1)] * 2,
    "ordered dicts": lambda t: [collections.OrderedDict(b=1, a=2)] * 2,
    "read-only dicts": lambda t: [types.MappingProxyType({"a": 1})] * 2,
    "named tuples": lambda t: [Point(1, (2, 3.0)), Point(4, (5, 6.0))],
    "own lists": lambda t: [Stack([1, 2]), Stack([3, 4])],
    "ranges": lambda t: [range(2), range(2)],
    "deques": lambda t: [collections.deque([1, 2])] * 2,
    "deep": lambda t: [{"x": [(t.ones(1), {"y": (i, "s")})]} for i in range(3)],
}


@pytest.mark.parametrize("name", BATCHES)
def test_default_collate(name: str) -> None:
    mine, oracle = ours.default_collate(BATCHES[name](candle)), theirs.default_collate(BATCHES[name](torch))
    assert described(mine) == described(oracle)


@pytest.mark.parametrize("name", BATCHES)
def test_default_convert(name: str) -> None:
    for mine, oracle in zip(BATCHES[name](candle), BATCHES[name](torch), strict=True):
        assert described(ours.default_convert(mine)) == described(theirs.default_convert(oracle))


def test_arrays_that_hold_no_numbers_stay_arrays() -> None:
    for array in (np.array(["a", "b"]), np.array([b"a"]), np.array([None, {}])):
        assert ours.default_convert(array) is array
        assert theirs.default_convert(array) is array


REFUSED: dict[str, tuple[Callable[[Any], list[Any]], str]] = {
    "objects": (lambda t: [object()] * 2, "found <class 'object'>.*collate_fn"),
    "None": (lambda t: [None], "found <class 'NoneType'>"),
    "sets": (lambda t: [{1}], "found <class 'set'>"),
    "shapes": (lambda t: [t.ones(2), t.ones(3)], r"equal size, got \(2,\) and \(3,\); pad_collate"),
    "lengths": (lambda t: [[1, 2], [1]], r"equal size, got sizes \[1, 2\]"),
    "arrays of strings": (lambda t: [np.array(["a"])], "found an array of <U1"),
    "a tensor and a number": (lambda t: [t.tensor(1), 2], "others have int"),
    "a tensor and an array": (lambda t: [t.ones(2), np.ones(2)], "others have ndarray"),
    "missing key": (lambda t: [{"a": 1, "b": 2}, {"a": 1}], "b"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_a_batch(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(Exception) as oracle:  # noqa: PT011
        theirs.default_collate(make(torch))
    with pytest.raises(oracle.type, match=message):
        ours.default_collate(make(candle))


def test_collate_takes_a_say_for_each_type() -> None:
    def sums(batch: Any, *, collate_fn_map: Any) -> Any:
        return sum(batch)

    for module in (our_collate, their_collate):
        table = {int: sums, (str, bytes): lambda batch, *, collate_fn_map: "".join(batch)}
        assert module.collate([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], collate_fn_map=table) == {"a": 3, "b": "xy"}
        with pytest.raises(TypeError):
            module.collate([1.5])


def test_pad_collate_is_pad_sequence() -> None:
    lengths = [3, 1, 4]
    for shape, fill in [((), 0), ((2,), -1)]:
        items = [torch.randint(0, 9, (n, *shape)) for n in lengths]
        oracle = torch.nn.utils.rnn.pad_sequence(items, batch_first=True, padding_value=fill)
        batch = [(candle.tensor(t.tolist()), n) for t, n in zip(items, lengths, strict=True)]
        padded, counts = functools.partial(ours.pad_collate, padding_value=fill)(batch)
        assert padded.tolist() == oracle.tolist()
        assert padded.dtype is candle.int64
        assert counts.tolist() == lengths


def test_pad_collate_beside_sequences() -> None:
    items = [
        {"ids": np.arange(2), "label": 1, "score": candle.tensor(0.5)},
        {"ids": np.arange(0), "label": 0, "score": candle.tensor(1.5)},
    ]
    batch = ours.pad_collate(items)
    assert {key: value.tolist() for key, value in batch.items()} == {
        "ids": [[0, 1], [0, 0]],
        "label": [1, 0],
        "score": [0.5, 1.5],
    }
    with pytest.raises(RuntimeError, match=r"only the first sizes.*\(2, 3\).*\(2, 4\)"):
        ours.pad_collate([candle.ones(2, 3), candle.ones(2, 4)])
    with pytest.raises(RuntimeError, match=r"only the first sizes.*float32.*int64"):
        ours.pad_collate([candle.ones(2), candle.ones(2).long()])
    with pytest.raises(TypeError, match="pad_collate.*others have NoneType"):
        ours.pad_collate([candle.ones(2), None])
    with pytest.raises(ValueError, match=r"padding_value=-100 does not fit into candle.uint8"):
        ours.pad_collate([np.ones(2, np.uint8), np.ones(1, np.uint8)], -100)
