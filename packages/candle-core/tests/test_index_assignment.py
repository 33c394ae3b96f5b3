"""Writing `x[key] = value`: every kind of key and value, the gradients of both, and what is refused."""

from __future__ import annotations

from typing import Any

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


def counting(shape: tuple[int, ...], start: float = 1) -> torch.Tensor:
    return (torch.arange(torch.Size(shape).numel(), dtype=torch.float64) + start).reshape(shape)


def write(lib: Any, x: Any, key: str, how: str, value: Any) -> Any:
    """The gradients of a program that writes into a tensor which is no leaf."""
    y = x * 2
    exec(f"y[{key}] {how}= value", {"y": y, "lib": lib, "value": value})
    weights = lib.arange(1, y.numel() + 1, dtype=lib.float64).reshape(tuple(y.shape))
    (y * y * weights).sum().backward()
    return y.detach()


@st.composite
def values(draw: Any, part: torch.Tensor) -> tuple[int, ...] | None:
    """A shape that fits the part: its own, or with dims of 1, or fewer, or extra ones in front; None is a number."""
    kind = draw(st.sampled_from(["number", "same", "same", "ones", "fewer", "more"]))
    shape = tuple(part.shape)
    if kind == "number":
        return None
    if kind == "ones":
        return tuple(size if draw(st.booleans()) else 1 for size in shape)
    if kind == "fewer":
        return shape[draw(st.integers(0, len(shape))) :]
    return (1, *shape) if kind == "more" else shape


def check_writing(data: st.DataObject) -> None:
    shape = data.draw(shapes())
    key = data.draw(keys(shape, repeats=False))
    how = data.draw(st.sampled_from(["", "", "+", "*"]))
    x = counting(shape).requires_grad_()
    try:
        part = eval(f"x[{key}]", {"x": x.detach(), "lib": torch})
    except (IndexError, ValueError, RuntimeError):
        return  # reading has the same answer, and test_indexing asks
    assume(part.numel())  # else there is nothing to learn from the gradient
    value_shape = data.draw(values(part))
    if how and value_shape is not None and len(value_shape) > part.ndim:
        value_shape = tuple(part.shape)
    value = 5.0 if value_shape is None else counting(value_shape, 0.5).requires_grad_()
    mine = [to_candle(each) if isinstance(each, torch.Tensor) else each for each in (x, value)]
    try:
        expected = write(torch, x, key, how, value)
    except (IndexError, ValueError, RuntimeError):
        with pytest.raises((IndexError, ValueError, RuntimeError)):
            write(candle, mine[0], key, how, mine[1])
        return
    assert_same(write(candle, mine[0], key, how, mine[1]), expected, f"x[{key}] {how}= {value}")
    assert_same(mine[0].grad, x.grad, f"gradient of x, x[{key}] {how}= {value}")
    if value_shape is not None:
        assert_same(mine[1].grad, value.grad, f"gradient of value, x[{key}] {how}= {value}")


@settings(max_examples=800, **SETTINGS)
@given(data=st.data())
def test_any_key_writes_as_in_torch(data: st.DataObject) -> None:
    check_writing(data)


@pytest.mark.full
@pytest.mark.timeout(1800)
@settings(max_examples=20_000, **SETTINGS)
@given(data=st.data())
def test_many_keys_write_as_in_torch(data: st.DataObject) -> None:
    check_writing(data)


# --- repeated indices -----------------------------------------------------------------------


def test_accumulating_counts_every_repetition() -> None:
    def program(lib, x, v):
        y = x * 2
        y.index_put_((lib.tensor([0, 0, 1, 0]), lib.tensor([1, 1, 2, 0])), v, accumulate=True)
        (y * y).sum().backward()
        return y.detach(), x.grad, v.grad

    check_both(program, counting((3, 4)).requires_grad_(), counting((4,)).requires_grad_())


@pytest.mark.parametrize("rows", [1, [0, 2]])
@pytest.mark.parametrize("columns", [None, 1, [3, 0], [[1], [2]]])
@pytest.mark.parametrize("accumulate", [True, False])
def test_indices_without_dims(rows: Any, columns: Any, accumulate: bool) -> None:
    def program(lib, x, v):
        places = [lib.tensor(each) for each in (rows, columns) if each is not None]
        return x.index_put(places, v, accumulate)

    check_gradients(program, counting((3, 4)).requires_grad_(), torch.tensor(7.0).double().requires_grad_())


def test_plus_equals_with_repeated_indices_adds_once() -> None:
    """As in PyTorch and NumPy: y[[0, 0]] += 1 reads, adds, and writes the last."""

    def program(lib, x):
        y = x.detach().clone()
        y[[0, 0, 2]] += 1
        return y

    check_both(program, counting((3, 4)))


def test_one_value_at_repeated_places_has_one_meaning() -> None:
    def program(lib, x):
        y = x * 2
        y[[0, 0, 2]] = 7.0
        (y * y).sum().backward()
        return y.detach(), x.grad

    check_both(program, counting((3, 4)).requires_grad_())


# --- values of other kinds ------------------------------------------------------------------


def test_values_of_other_types_and_dtypes() -> None:
    import numpy as np

    def program(lib, x):
        x = x.detach().clone()
        x[0] = 9
        x[1, :2] = lib.tensor([5, 6])
        x[1, 2] = lib.tensor(7, dtype=lib.float16)
        x[1, 3] = True
        x[2] = np.arange(4.0) if lib is candle else lib.from_numpy(np.arange(4.0))
        n = lib.zeros(3, dtype=lib.int64)
        n[0], n[1:] = 2.9, lib.tensor([3.9, -3.9])
        b = lib.zeros(3, dtype=lib.bool)
        b[1], b[2:] = 5, lib.tensor([0.5])
        z = lib.zeros(2, dtype=lib.complex64)
        z[0] = 1 + 2j
        return x, n, b, z

    check_both(program, counting((3, 4)))


def test_a_value_on_shared_memory_is_read_before_it_is_written() -> None:
    def program(lib, x):
        x = x.detach().clone()
        x[1:] = x[:-1].clone()
        x[:, [0, 1]] = x[:, [1, 0]]
        x[lib.tensor([True, False, True])] = x[lib.tensor([False, True, True])]
        return x

    check_both(program, counting((3, 4)))


def test_shifting_a_tensor_into_itself() -> None:
    """PyTorch leaves it undefined; here the right side is what it was before."""
    x = candle.arange(5)
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3]
    x = candle.arange(5)
    x[:-1].add_(x[1:])
    assert x.tolist() == [1, 3, 5, 7, 4]


@pytest.mark.parametrize(
    ("key", "value", "kind", "says"),
    [
        ("3", 1.0, IndexError, r"index 3.*size 3"),
        ("[3]", 1.0, IndexError, r"out of bounds.*size 3"),
        ("[0, 1]", (3,), RuntimeError, r"\(3,\)"),
        ("0", (3,), RuntimeError, r"\(3,\)"),
        ("0", (2, 4), RuntimeError, r"\(2, 4\)"),
        (":", (2, 4), RuntimeError, r"\(2, 4\)"),
        ("::-1", 1.0, ValueError, "flip"),
        ("lib.tensor([True, True])", 1.0, IndexError, r"mask.*\(2,\)"),
    ],
)
def test_wrong_writes(key: str, value: Any, kind: type[Exception], says: str) -> None:
    x = candle.zeros(3, 4)
    given = candle.ones(*value) if isinstance(value, tuple) else value
    with pytest.raises(kind, match=says):
        exec(f"x[{key}] = given", {"x": x, "lib": candle, "given": given})
    assert x.sum().item() == 0
