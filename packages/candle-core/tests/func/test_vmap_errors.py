"""What vmap refuses, and how it says so."""

from __future__ import annotations

import pytest

import candle

X = candle.arange(6, dtype=candle.float64).reshape(2, 3)

ASKS_FOR_VALUES = {
    "if": lambda r: r if r.sum() > 3 else -r,
    "while": lambda r: (lambda: r)() if not (r > 1).any() else r,
    "item": lambda r: r * r.sum().item(),
    "float": lambda r: r * float(r.sum()),
    "int": lambda r: r * int(r.sum()),
    "tolist": lambda r: candle.tensor(r.tolist()),
    "numpy": lambda r: candle.tensor(r.numpy()),
    "as an index of a list": lambda r: [r, -r][r.sum().long() % 2],
    "in": lambda r: r * (1.0 in r),
    "equal": lambda r: r if candle.equal(r, r * 2) else -r,
    "allclose": lambda r: r if candle.allclose(r, r) else -r,
    "range": lambda r: sum(range(r.argmax(0))) * r,
}


@pytest.mark.parametrize("function", ASKS_FOR_VALUES.values(), ids=ASKS_FOR_VALUES)
def test_what_depends_on_an_examples_values(function) -> None:
    with pytest.raises(RuntimeError, match="vmap: .*differ from example to example.*candle.where"):
        candle.vmap(function)(X)


SHAPED_BY_VALUES = {
    "a mask": lambda r: r[r > 1],
    "a mask of rows": lambda r: r[None, :].repeat(2, 1)[r[:2] > 1] if hasattr(r, "repeat") else r.reshape(3, 1)[r > 1],
    "nonzero": lambda r: r.nonzero(),
    "argwhere": lambda r: candle.argwhere(r),
    "masked_select": lambda r: r.masked_select(r > 1),
    "where of one argument": lambda r: candle.where(r > 1),
    "writing by a mask": lambda r: r.clone().__setitem__(r > 1, 0.0),
}


@pytest.mark.parametrize("function", SHAPED_BY_VALUES.values(), ids=SHAPED_BY_VALUES)
def test_what_has_another_shape_for_each_example(function) -> None:
    with pytest.raises(RuntimeError, match="vmap: .*mask.*(where|masked_fill)"):
        candle.vmap(function)(X)


def test_a_mask_that_is_the_same_for_all_is_no_problem() -> None:
    mask = candle.tensor([True, False, True])
    assert candle.vmap(lambda r: r[mask])(X).tolist() == [[0, 2], [3, 5]]


CALLS = {
    "no such axis": (lambda: candle.vmap(lambda r: r, 2)(X), ValueError, r"input 0 .*\(2, 3\).* 2"),
    "no such axis from behind": (lambda: candle.vmap(lambda r: r, -3)(X), ValueError, "-3"),
    "a number has none": (lambda: candle.vmap(lambda r: r)(candle.tensor(1.0)), ValueError, r"\(\)"),
    "sizes differ": (lambda: candle.vmap(lambda a, b: a)(X, X.T), ValueError, "sizes.*2.*3"),
    "nothing to map over": (lambda: candle.vmap(lambda r: r, None)(X), ValueError, "at least one"),
    "no input": (lambda: candle.vmap(lambda: X)(), ValueError, "at least one"),
    "too many in_dims": (lambda: candle.vmap(lambda r: r, (0, 0))(X), ValueError, r"in_dims \(0, 0\)"),
    "another form of in_dims": (lambda: candle.vmap(lambda p: p[0], ((0, 0, 0),))((X, X)), ValueError, "in_dims"),
    "another key in in_dims": (lambda: candle.vmap(lambda d: d["a"], ({"b": 0},))({"a": X}), ValueError, "in_dims"),
    "in_dims of no sense": (lambda: candle.vmap(lambda r: r, "0")(X), ValueError, "in_dims"),
    "in_dims that are not whole": (lambda: candle.vmap(lambda r: r, 0.5)(X), ValueError, "in_dims"),
    "a number to map over": (lambda: candle.vmap(lambda r, k: r * k, (0, 1))(X, 2.0), ValueError, "float"),
    "too many out_dims": (lambda: candle.vmap(lambda r: (r, r), 0, (0, 0, 0))(X), ValueError, "out_dims"),
    "no such axis for the result": (lambda: candle.vmap(lambda r: r, 0, 2)(X), IndexError, "2"),
    "a result that differs, once": (lambda: candle.vmap(lambda r: r, 0, None)(X), ValueError, "out_dim.*None"),
    "a number returned": (lambda: candle.vmap(lambda r: 3)(X), ValueError, "must return tensors.* int"),
    "nothing returned": (lambda: candle.vmap(lambda r: None)(X), ValueError, "must return tensors.*None"),
    "a string among the results": (lambda: candle.vmap(lambda r: (r, "a"))(X), ValueError, "must return tensors.* str"),
    "chunks of nothing": (lambda: candle.vmap(lambda r: r, chunk_size=0)(X), ValueError, "chunk_size.*0"),
    "chunks below nothing": (lambda: candle.vmap(lambda r: r, chunk_size=-1)(X), ValueError, "chunk_size.*-1"),
    "an unknown randomness": (
        lambda: candle.vmap(lambda r: r, randomness="some")(X),
        (ValueError, RuntimeError),
        "some",
    ),
}


@pytest.mark.parametrize(("call", "kind", "says"), CALLS.values(), ids=CALLS)
def test_wrong_calls(call, kind, says: str) -> None:
    with pytest.raises(kind, match=says):
        call()


def test_an_error_of_the_function_names_the_shapes_of_one_example() -> None:
    with pytest.raises(RuntimeError, match=r"matmul.*\(3,\).*\(2,\)"):
        candle.vmap(lambda r: r @ candle.ones(2, dtype=candle.float64))(X)


def test_printing_an_example_does_not_ask_for_its_values() -> None:
    """Print debugging inside a mapped function: the text says what the tensor is."""
    texts = []
    candle.vmap(lambda r: texts.append(repr(r * 2)) or r)(X)
    assert "Batched" in texts[0]
    assert "(3,)" in texts[0]
