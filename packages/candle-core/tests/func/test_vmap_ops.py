"""vmap over every op: as a loop over the examples, and as PyTorch's vmap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

import candle
from candle.kernels import Table
from candle.op import OPS
from candle.testing.samples import OUTSIDE

from ..oracle import assert_same, to_candle
from .expressions import TORCH, Expression, examples
from .families import TEXTS

SIZE = 3

# What PyTorch's vmap refuses although it has a meaning: there the loop alone is the oracle.
LOOP_ONLY = {"lib.cross_entropy(x, g, label_smoothing=0.1)", "lib.column_stack([v, u])"}


def layouts(expression: Expression) -> Iterator[tuple[Any, ...]]:
    """in_dims: everything mapped, at the front and at the back; each input alone; everything but one."""
    n = len(expression.names)
    yield (0,) * n
    yield (-1,) * n
    for i in range(n if n > 1 else 0):
        yield tuple(0 if i == j else None for j in range(n))
        if n > 2:
            yield tuple(None if i == j else 0 for j in range(n))


def mapped(expression: Expression, in_dims: tuple[Any, ...]) -> list[torch.Tensor]:
    return [
        examples(name) if dim is None else examples(name, SIZE).movedim(0, dim)
        for name, dim in zip(expression.names, in_dims, strict=True)
    ]


def loop(function: Any, inputs: list[Any], in_dims: tuple[Any, ...], stack: Any) -> Any:
    """The function of one example after the other, the results stacked."""
    results = []
    for i in range(SIZE):
        each = function(*(x if d is None else x.select(d, i) for x, d in zip(inputs, in_dims, strict=True)))
        results.append(each)
    if isinstance(results[0], tuple | list):
        return tuple(stack(list(parts)) for parts in zip(*results, strict=True))
    return stack(results)


def plain(result: Any) -> Any:
    return tuple(result) if isinstance(result, tuple | list) else result


@pytest.mark.parametrize("text", TEXTS)
def test_vmap_is_a_loop(text: str) -> None:
    expression = Expression(text)
    for in_dims in layouts(expression):
        inputs = mapped(expression, in_dims)
        expected = loop(expression.bound(TORCH), inputs, in_dims, torch.stack)
        given = [to_candle(x) for x in inputs]
        assert_same(loop(expression.bound(candle), given, in_dims, candle.stack), expected, f"loop {in_dims}")
        found = candle.vmap(expression.bound(candle), in_dims)(*given)
        assert_same(plain(found), expected, f"vmap {in_dims}")


@pytest.mark.parametrize("text", TEXTS)
def test_vmap_is_pytorchs(text: str) -> None:
    expression = Expression(text)
    for in_dims in layouts(expression):
        inputs = mapped(expression, in_dims)
        try:
            expected = torch.vmap(expression.bound(TORCH), in_dims)(*inputs)
        except RuntimeError:
            assert text in LOOP_ONLY
            return
        assert_same(
            plain(candle.vmap(expression.bound(candle), in_dims)(*map(to_candle, inputs))),
            plain(expected),
            str(in_dims),
        )
    assert text not in LOOP_ONLY


@pytest.mark.parametrize("text", TEXTS)
def test_vmap_of_vmap(text: str) -> None:
    """Two levels: over all inputs twice, and each over its own inputs."""
    expression = Expression(text)
    n = len(expression.names)
    function = expression.bound(candle)
    inputs = expression.inputs(2, SIZE)
    rows = [loop(expression.bound(TORCH), [x[i] for x in inputs], (0,) * n, torch.stack) for i in range(2)]
    found = candle.vmap(candle.vmap(function))(*map(to_candle, inputs))
    assert_same(plain(found), stacked(rows))
    if n > 1:
        first, *others = [(examples(name, SIZE)) for name in expression.names]
        outer, inner = (0,) + (None,) * (n - 1), (None,) + (0,) * (n - 1)
        rows = [loop(expression.bound(TORCH), [first[i], *others], inner, torch.stack) for i in range(SIZE)]
        found = candle.vmap(candle.vmap(function, inner), outer)(*map(to_candle, [first, *others]))
        assert_same(plain(found), stacked(rows), "each over its own")


def stacked(rows: list[Any]) -> Any:
    if isinstance(rows[0], tuple):
        return tuple(torch.stack(parts) for parts in zip(*rows, strict=True))
    return torch.stack(rows)


# Ops that these expressions do not reach, and where they are mapped over instead
ELSEWHERE = {
    **dict.fromkeys(("overwrite", "slice_put", "view_write"), "test_vmap_inplace"),
    **dict.fromkeys(("dropout",), "test_vmap_randomness"),
    "nonzero": "test_vmap_errors",
    "strided_add": "test_vmap_op_gradients",  # of unfold
}


def test_every_op_is_mapped_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new op needs an expression in `families`."""
    seen: set[str] = set()
    find = Table.__getitem__  # where the door looks for every op's kernels
    monkeypatch.setattr(Table, "__getitem__", lambda table, name: (seen.add(name), find(table, name))[1])
    for text in TEXTS:
        expression = Expression(text)
        expression(candle, *map(to_candle, expression.inputs()))
    ours = {name for name, op in OPS.items() if op.__module__.startswith("candle.ops")}
    assert ours - seen - OUTSIDE.keys() - ELSEWHERE.keys() == set()
