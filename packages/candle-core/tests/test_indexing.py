"""Reading `x[key]`: every kind of key, alone and mixed, in value and gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import candle

from .indexing import keys, shapes
from .oracle import assert_same, check_both, check_gradients, to_candle

SETTINGS = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
    "report_multiple_bugs": False,
}


def counting(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.arange(1, torch.Size(shape).numel() + 1).to(dtype).reshape(shape)


def read(lib: Any, x: Any, key: str) -> Any:
    return eval(f"x[{key}]", {"x": x, "lib": lib})


def check_reading(data: st.DataObject) -> None:
    shape = data.draw(shapes())
    key = data.draw(keys(shape))
    x = counting(shape).requires_grad_()
    try:
        expected = read(torch, x, key)
    except (IndexError, ValueError, RuntimeError):
        with pytest.raises((IndexError, ValueError, RuntimeError)):
            read(candle, to_candle(x), key)
        return
    mine = to_candle(x)
    try:
        result = read(candle, mine, key)
    except IndexError:
        if not expected.numel():
            return  # where nothing comes out, PyTorch does not look at the indices
        raise
    assert_same(result, expected, key)
    weights = torch.arange(1, expected.numel() + 1, dtype=torch.float64).reshape(expected.shape)
    expected.backward(weights)
    result.backward(to_candle(weights))
    assert_same(mine.grad, x.grad, f"gradient of {key}")


@settings(max_examples=800, **SETTINGS)
@given(data=st.data())
def test_any_key_reads_as_in_torch(data: st.DataObject) -> None:
    check_reading(data)


@pytest.mark.full
@pytest.mark.timeout(1800)
@settings(max_examples=20_000, **SETTINGS)
@given(data=st.data())
def test_many_keys_read_as_in_torch(data: st.DataObject) -> None:
    check_reading(data)


@settings(max_examples=300, **SETTINGS)
@given(data=st.data())
def test_keys_of_numpy_kind_agree_with_numpy(data: st.DataObject) -> None:
    """Where an index array meets an integer PyTorch and NumPy differ; everywhere else both are oracles."""
    shape = data.draw(shapes())
    key = data.draw(keys(shape))
    assume("lib" in key or "[" in key)
    array = np.arange(1.0, torch.Size(shape).numel() + 1).reshape(shape)
    x = torch.from_numpy(array)
    try:
        by_torch = read(torch, x, key)
        by_numpy = eval(f"x[{key}]", {"x": array, "lib": type("lib", (), {"tensor": staticmethod(np.array)})})
    except (IndexError, ValueError, RuntimeError):
        return
    assume(by_torch.shape == by_numpy.shape and np.array_equal(by_torch.numpy(), by_numpy))
    np.testing.assert_array_equal(read(candle, candle.tensor(array), key).numpy(), by_numpy)


# --- duplicates: what every other framework of its size gets wrong -------------------------

REPEATS = {
    "rows": "[0, 2, 0, 0]",
    "negative and positive": "[0, -3, 2, -1]",
    "pairs": "[0, 0, 1], [2, 2, 2]",
    "matrix of rows": "lib.tensor([[1, 1], [1, 0]])",
    "columns": ":, [1, 1, 1]",
    "behind a slice": "1:, [0, 0]",
    "across an integer": "[0, 0], 1",
    "broadcast": "lib.tensor([[0], [0]]), lib.tensor([1, 1])",
    "all the same": "[2] * 50",
}


@pytest.mark.parametrize("key", REPEATS.values(), ids=REPEATS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_repeated_indices_add_up(key: str, dtype: str) -> None:
    x = counting((3, 4), getattr(torch, dtype)).requires_grad_()
    check_gradients(lambda lib, x: read(lib, x, key), x)


def test_repeated_indices_of_a_complex_tensor_add_up() -> None:
    def program(lib, x):
        y = x[[0, 0, 1]]
        (y * y.conj()).real.sum().backward()
        return y.detach(), x.grad

    check_both(program, torch.complex(counting((3, 4)), -counting((3, 4))).requires_grad_())


GATHERS = {
    "gather": lambda lib, x: x.gather(0, lib.tensor([[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 2, 2]])),
    "gather along the last": lambda lib, x: x.gather(1, lib.tensor([[0, 0, 0, 1, 1]] * 3)),
    "gather fewer rows": lambda lib, x: x.gather(0, lib.tensor([[2, 2]])),
    "take_along_dim": lambda lib, x: x.take_along_dim(lib.tensor([[1, 1, 1]]), 1),
    "index_select": lambda lib, x: x.index_select(1, lib.tensor([3, 3, 0])),
    "masked_select": lambda lib, x: x.masked_select(x.detach() > 3),
    "masked_select broadcast": lambda lib, x: x.masked_select(lib.tensor([True, False, True, True])),
    "embedding": lambda lib, x: (
        lib.embedding(lib.tensor([[0, 2, 0], [0, 0, 1]]), x)
        if lib is candle
        else torch.nn.functional.embedding(torch.tensor([[0, 2, 0], [0, 0, 1]]), x)
    ),
    "scatter_add": lambda lib, x: (x * 2).scatter_add(0, lib.tensor([[0, 0, 1, 1]] * 3), x),
    "index_add": lambda lib, x: (x * 2).index_add(0, lib.tensor([1, 1, 1]), x, alpha=3),
    "index_put accumulating": lambda lib, x: (x * 2).index_put((lib.tensor([0, 0, 2]),), x, accumulate=True),
    "sorted twice": lambda lib, x: lib.cat([x, x]).sort(0)[0],
    "the maximum of equals": lambda lib, x: (x * 0).amax(0),
    "one maximum of equals": lambda lib, x: (x * 0).max(0)[0],
}


@pytest.mark.parametrize("call", GATHERS.values(), ids=GATHERS)
def test_gathering_adds_up(call) -> None:
    check_gradients(call, counting((3, 4)).requires_grad_())


def test_an_embedding_accumulates_repeated_tokens() -> None:
    """By hand: the gradient of a row is the sum over the places where its token stands."""
    table = candle.zeros(5, 2, dtype=candle.float64, requires_grad=True)
    tokens = candle.tensor([[1, 3, 1], [1, 0, 3]])
    weights = candle.tensor([[[1.0, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]], dtype=candle.float64)
    (candle.embedding(tokens, table) * weights).sum().backward()
    assert table.grad.tolist() == [[9, 10], [1 + 5 + 7, 2 + 6 + 8], [0, 0], [3 + 11, 4 + 12], [0, 0]]


def test_the_second_derivative_of_repeated_indices() -> None:
    def program(lib, x):
        y = x[[0, 0, 1]] * x[:, [1, 1, 0]][:, 0]
        (g,) = lib.autograd.grad((y**2).sum(), [x], create_graph=True)
        return g.detach(), lib.autograd.grad((g**2).sum(), [x])

    check_both(program, counting((3, 3)).requires_grad_())


def test_only_one_ellipsis() -> None:
    with pytest.raises(IndexError, match="ellipsis"):
        candle.zeros(3, 4)[..., ...]


# --- single cases ---------------------------------------------------------------------------


def test_keys_of_other_types() -> None:
    def program(lib, x):
        one, two = np.int64(1), lib.tensor(2)
        results = [
            x[one],
            x[two],
            x[np.array([0, 2])],
            x[np.array([True, False, True])],
            x[range(2)],
            x[one:two],
            x[(0, 1)],
        ]
        results += [
            x[lib.tensor([0, 1], dtype=lib.int32)],
            x[lib.tensor([1, 0, 1], dtype=lib.uint8)],
            x[[]],
            x[lib.tensor([], dtype=lib.int64)],
        ]
        results += [x[[True, False, True]], x[[0, 1], [1, 0]], x[lib.tensor(1), lib.tensor([0, 1])], x[()]]
        return [result.detach() for result in results]

    check_both(program, counting((3, 4)))


def test_scalars_take_keys_too() -> None:
    check_both(
        lambda lib, x: [x[None], x[...], x[()], x[True], x[False], x[lib.tensor(True)], x[None, ...]], torch.tensor(3.0)
    )


def test_nothing_is_selected_from_nothing() -> None:
    check_both(lambda lib, x: [x[:0], x[:, []], x[x > 100], x[lib.zeros(0, dtype=lib.int64)], x[5:]], counting((3, 4)))


@pytest.mark.parametrize(
    ("key", "kind", "says"),
    [
        ("3", IndexError, r"index 3 .*dimension 0.*size 3"),
        ("0, -5", IndexError, r"index -5 .*dimension 1.*size 4"),
        ("[0, 3]", IndexError, r"out of bounds.*dimension 0.*size 3"),
        ("0, 0, 0", IndexError, r"3 indices.*\(3, 4\)"),
        ("::-1", ValueError, r"step.*positive.*flip"),
        ("lib.tensor([True, False])", IndexError, r"mask.*\(2,\).*\(3, 4\)"),
        ("lib.tensor([0.5])", IndexError, r"integers or bool.*float32"),
        ("'a'", (TypeError, IndexError), "str"),
        ("[0, 1], [0, 1, 2]", (IndexError, RuntimeError), r"\(2,\).*\(3,\)"),
    ],
)
def test_wrong_keys(key: str, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        read(candle, candle.zeros(3, 4), key)
    with pytest.raises((IndexError, ValueError, TypeError, RuntimeError)):
        read(torch, torch.zeros(3, 4), key)


@pytest.mark.parametrize(
    "key",
    [
        lambda lib: (lib.tensor(0), slice(None), [1, 2]),
        lambda lib: (lib.tensor(1), slice(None), lib.tensor([0, 1])),
        lambda lib: (slice(None), lib.tensor(-1)),
        lambda lib: [[0, 1], [1, 0]],
        lambda lib: [[1, 0], [2, 0], [3, 1]],
        lambda lib: [slice(0, 1), 1],
        lambda lib: [0, 1, 0],
    ],
)
def test_integers_of_no_dims_and_keys_in_lists(key) -> None:
    ours, theirs = (lib.arange(24.0).reshape(2, 3, 4) for lib in (candle, torch))
    mine, expected = ours[key(candle)], theirs[key(torch)]
    assert (tuple(mine.shape), mine.tolist()) == (tuple(expected.shape), expected.tolist())
    ours[key(candle)], theirs[key(torch)] = mine * 0 - 1, expected * 0 - 1
    assert ours.tolist() == theirs.tolist()


def test_one_integer_tensor_makes_a_view() -> None:
    x = candle.zeros(2, 3)
    x[candle.tensor(1)].add_(10)
    assert x.tolist() == [[0, 0, 0], [10, 10, 10]]
