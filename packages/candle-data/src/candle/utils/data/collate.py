"""From a list of items to a batch: numbers and arrays become tensors with one more dimension, containers stay."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

import candle
from candle import Tensor

CollateMap = dict[type | tuple[type, ...], Callable[..., Any]]


def collate(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """`default_collate` with a say in what becomes of each type: `{type: function(batch, *, collate_fn_map)}`."""
    first, table = batch[0], collate_fn_map or {}
    found = table.get(type(first)) or next((table[kind] for kind in table if isinstance(first, kind)), None)
    if found is not None:
        return found(batch, collate_fn_map=collate_fn_map)
    again = functools.partial(collate, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        return _mapping(first, {key: again([item[key] for item in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(again(column) for column in zip(*batch)))
    if isinstance(first, Sequence):
        if len({len(item) for item in batch}) != 1:
            lengths = sorted({len(item) for item in batch})
            raise RuntimeError(
                f"default_collate: each element in list of batch should be of equal size, got sizes {lengths}"
            )
        return _sequence(first, [again(column) for column in zip(*batch)])
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}; "
        f"give the loader a collate_fn for these"
    )


def default_convert(data: Any) -> Any:
    """One item with its NumPy arrays as tensors: what a loader does that makes no batches (`batch_size=None`).

    >>> import numpy as np
    >>> default_convert({"a": np.arange(2), "b": 3})
    {'a': tensor([0, 1]), 'b': 3}
    """
    if isinstance(data, np.ndarray | np.generic):
        return data if data.dtype.kind in "OSU" else candle.as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _sequence(data, [default_convert(each) for each in data])
    return data


def _mapping(like: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    """Of the same type as the example, and with whatever else that one carries, where the type allows it."""
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(values)
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _sequence(like: Sequence[Any], values: list[Any]) -> Any:
    if type(like) is tuple or type(like) is list:
        return values  # a list for a tuple, too: PyTorch's old promise
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return values if isinstance(like, tuple) else type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _stack(batch: Sequence[Tensor], *, collate_fn_map: CollateMap | None = None) -> Any:
    _require_tensors("default_collate", batch)
    if len({tuple(t.shape) for t in batch}) != 1:
        shapes = sorted({tuple(t.shape) for t in batch})
        raise RuntimeError(
            f"default_collate: stack expects each tensor to be equal size, got {shapes[0]} and {shapes[1]}; "
            f"pad_collate pads sequences"
        )
    return candle.stack(list(batch))


def _require_tensors(owner: str, batch: Sequence[Any]) -> None:
    if others := sorted({type(each).__name__ for each in batch if not isinstance(each, Tensor)}):
        raise TypeError(f"{owner}: where one item has a tensor all should, but others have {', '.join(others)}")


def _arrays(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    if batch[0].dtype.kind in "OSU":
        raise TypeError(
            f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found an array of "
            f"{batch[0].dtype}"
        )
    return collate([candle.as_tensor(each) for each in batch], collate_fn_map=collate_fn_map)


def _numpy_numbers(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    return candle.as_tensor(np.array(batch))


def _floats(batch: Sequence[float], *, collate_fn_map: CollateMap | None = None) -> Any:
    return candle.tensor(batch, dtype=candle.float64)


def _integers(batch: Sequence[int], *, collate_fn_map: CollateMap | None = None) -> Any:
    return candle.tensor(batch)


def _unchanged(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Sequence[Any]:
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: _stack,
    np.ndarray: _arrays,
    (np.bool_, np.number, np.object_): _numpy_numbers,
    float: _floats,
    int: _integers,
    str: _unchanged,
    bytes: _unchanged,
}


def default_collate(batch: Sequence[Any]) -> Any:
    """A batch of items as one: tensors stacked, numbers as tensors, in the containers that the items are.

    >>> default_collate([(1, {"a": 0.5}), (2, {"a": 1.5})])
    [tensor([1, 2]), {'a': tensor([0.5000, 1.5000], dtype=candle.float64)}]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def pad_collate(batch: Sequence[Any], padding_value: float = 0) -> Any:
    """`default_collate` for sequences: tensors are padded at the end of their first dimension, to the longest.

    Another value by `functools.partial(pad_collate, padding_value=-100)`, which, unlike a lambda, workers understand.

    >>> import candle
    >>> pad_collate([(candle.tensor([1, 2, 3]), 3), (candle.tensor([4]), 1)])
    [tensor([[1, 2, 3], [4, 0, 0]]), tensor([3, 1])]
    """
    pad = functools.partial(_pad, padding_value=padding_value)
    return collate(batch, collate_fn_map={**default_collate_fn_map, Tensor: pad})


def _pad(batch: Sequence[Tensor], *, collate_fn_map: CollateMap | None = None, padding_value: float) -> Any:
    first = batch[0]
    _require_tensors("pad_collate", batch)
    if not first.ndim:
        return _stack(batch)
    if len({(*t.shape[1:], t.dtype, t.device) for t in batch}) != 1:
        given = sorted({f"{tuple(t.shape)} {t.dtype}" for t in batch})
        raise RuntimeError(f"pad_collate: only the first sizes of tensors may differ, got {' and '.join(given)}")
    whole = not first.is_floating_point() and not first.is_complex()
    if whole and candle.full((), padding_value, dtype=first.dtype).item() != padding_value:
        raise ValueError(f"pad_collate: padding_value={padding_value} does not fit into {first.dtype}")
    shape = (len(batch), max(len(t) for t in batch), *first.shape[1:])
    padded = candle.full(shape, padding_value, dtype=first.dtype, device=first.device)
    for row, t in enumerate(batch):
        padded[row, : len(t)] = t
    return padded
