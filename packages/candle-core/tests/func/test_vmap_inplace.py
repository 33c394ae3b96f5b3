"""Writing in place inside a mapped function."""

from __future__ import annotations

import pytest
import torch

import candle

from ..oracle import assert_same
from .trees import candles, check

X = torch.tensor([[0.5, -1.0, 2.0], [3.0, 0.25, -0.75]], dtype=torch.float64)


def added(row, other):
    row += other
    return row


def assigned(row, key, value):
    row[key] = value
    return row


def halves_written(row):
    row.view(3, 1)[1:].mul_(10)
    return row


def by_views(row):
    first, rest = row[0], row[1:]
    first.add_(1)
    rest *= 3
    return row, first * 2, rest


OWN = {  # on a clone of the example
    "mul_": lambda lib, r: r.mul_(2),
    "add_ of another": lambda lib, r: r.add_(r.flip(0)),
    "+=": lambda lib, r: added(r, 1.5),
    "sub_ of a sum": lambda lib, r: r.sub_(r.sum()),
    "exp_": lambda lib, r: r.exp_(),
    "clamp_": lambda lib, r: r.clamp_(-0.5, 0.5),
    "fill_": lambda lib, r: r.fill_(2.0),
    "fill_ of an example's number": lambda lib, r: r.fill_(r.sum()),
    "zero_": lambda lib, r: r.zero_(),
    "copy_": lambda lib, r: r.copy_(r.flip(0)),
    "copy_ of what is the same for all": lambda lib, r: r.copy_(lib.ones(3)),
    "masked_fill_": lambda lib, r: r.masked_fill_(r > 0, -1.0),
    "scatter_": lambda lib, r: r.scatter_(0, r.argsort(0)[:2], 7.0),
    "scatter_add_": lambda lib, r: r.scatter_add_(0, r.argsort(0)[:2], r[:2].clone()),
    "index_add_": lambda lib, r: r.index_add_(0, lib.tensor([0, 0, 2]), r.clone()),
    "index_put_": lambda lib, r: r.index_put_((lib.tensor([0, 2]),), r[1:].clone()),
    "unsqueeze_": lambda lib, r: r.unsqueeze_(0),
    "x[int] = number": lambda lib, r: assigned(r, 1, 9.0),
    "x[slice] = tensor": lambda lib, r: assigned(r, slice(0, 2), r[1:] * 3),
    "x[list] = tensor": lambda lib, r: assigned(r, [0, 2], r[:2] * 10),
    "x[an example's index] = number": lambda lib, r: assigned(r, r.argmax(0), -9.0),
    "x[...] = tensor": lambda lib, r: assigned(r, ..., r.cumsum(0)),
    "through a view": lambda lib, r: halves_written(r),
    "through several views": lambda lib, r: by_views(r),
}


@pytest.mark.parametrize("program", OWN.values(), ids=OWN)
def test_writing_into_what_the_function_made(program) -> None:
    def each(lib, func, x):
        return func.vmap(lambda row: program(lib, row.clone()))(x), x

    check(each, X)


@pytest.mark.parametrize("program", OWN.values(), ids=OWN)
def test_the_gradient_through_a_write(program) -> None:
    """As one example after the other: PyTorch's vmap does not take all of these."""

    def total(lib, row):
        out = program(lib, row * 2)
        return sum(o.square().sum() for o in out) if isinstance(out, tuple) else out.square().sum()

    rows = [row.clone().requires_grad_() for row in X]
    expected = torch.stack([torch.autograd.grad(total(torch, row), row, materialize_grads=True)[0] for row in rows])
    assert_same(candle.vmap(candle.func.grad(lambda row: total(candle, row)))(candles(X)), expected, "vmap of grad")
    x = candles(X).requires_grad_()
    candle.vmap(lambda row: total(candle, row) + 0 * row.sum())(x).sum().backward()
    assert_same(x.grad, expected, "grad of vmap")


def test_writing_into_a_mapped_input_reaches_the_input() -> None:
    """As in PyTorch, where the example is a view of the batch; nothing may be lost silently."""

    def program(lib, func, x):
        return func.vmap(lambda row: row.mul_(2))(x), x

    check(program, X)


def test_writing_into_a_tensor_from_outside() -> None:
    def program(lib, func, x):
        outside = lib.zeros(3, dtype=lib.float64)

        def count(row):
            outside.add_(1)
            return row + outside

        return func.vmap(count)(x), outside

    check(program, X)


@pytest.mark.parametrize("source", ["row", "column", "row * column"])
def test_the_gradient_of_what_was_written_over_in_an_outer_vmap(source: str) -> None:
    """What is written need not vary with both; what was there does, and gets no gradient."""

    def program(lib, func, x):
        def each(row, column):
            made = eval(source, {"row": row, "column": column}).sin()
            return assigned(row * column, 0, made[1]).sum()

        return func.grad(lambda x: func.vmap(lambda row: func.vmap(lambda column: each(row, column))(x))(x).sum())(x)

    check(program, X)


def test_what_is_the_same_for_all_cannot_take_what_differs() -> None:
    x = candles(X)
    with pytest.raises(RuntimeError, match="add_.*vmap"):
        candle.vmap(lambda row: candle.zeros(3, dtype=candle.float64).add_(row))(x)
    with pytest.raises(RuntimeError, match="vmap"):
        candle.vmap(lambda row: assigned(candle.zeros(3, dtype=candle.float64), 0, row.sum()))(x)


def test_a_tensor_from_outside_cannot_take_what_differs() -> None:
    outside = candle.zeros(3, dtype=candle.float64)
    with pytest.raises(RuntimeError, match="vmap"):
        candle.vmap(lambda row: outside.add_(row))(candles(X))
    assert outside.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "make", ["zeros_like(row)", "ones_like(row)", "full_like(row, 3.0)", "empty_like(row).fill_(2)"]
)
def test_what_is_made_like_an_example_takes_what_differs(make: str) -> None:
    """The way out that the error names."""

    def program(lib, func, x):
        return func.vmap(lambda row: eval(f"lib.{make}", {"lib": lib, "row": row}).add_(row))(x)

    check(program, X)


@pytest.mark.parametrize("make", ["zeros(3)", "ones(3)", "full((3,), 2.0)", "empty(3).zero_()"])
def test_what_an_example_makes_takes_what_differs(make: str) -> None:
    def program(lib, func, x):
        return func.vmap(lambda row: eval(f"row.new_{make}", {"row": row}).mul_(row))(x)

    check(program, X)
