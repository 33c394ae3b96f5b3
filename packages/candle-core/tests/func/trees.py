"""Nested tuples, lists and dicts of tensors, carried from PyTorch to candle and compared."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils import _pytree

from ..oracle import assert_same, to_candle


def candles(tree: Any) -> Any:
    """The same tree with candle's tensors for PyTorch's."""
    return _pytree.tree_map(lambda t: to_candle(t) if isinstance(t, torch.Tensor) else t, tree)


def assert_same_tree(mine: Any, expected: Any, what: str = "") -> None:
    """Forms agree, down to the types of the containers; and shapes, dtypes and values of the tensors."""
    if isinstance(expected, dict):
        assert type(mine) is type(expected), what
        assert list(mine) == list(expected), what
        for key in expected:
            assert_same_tree(mine[key], expected[key], f"{what}[{key!r}]")
    elif isinstance(expected, tuple | list):
        assert type(mine) is type(expected), f"{what}: {type(mine)} for {type(expected)}"
        assert len(mine) == len(expected), what
        for i, (m, e) in enumerate(zip(mine, expected, strict=True)):
            assert_same_tree(m, e, f"{what}[{i}]")
    else:
        assert_same(mine, expected, what)


def check(program: Any, *inputs: Any) -> None:
    """`program(library, functions, *inputs)` gives the same tree, where functions is torch.func or candle.func."""
    import candle

    theirs = program(torch, torch.func, *_pytree.tree_map(copied, inputs))
    assert_same_tree(program(candle, candle.func, *candles(inputs)), theirs)


def copied(x: Any) -> Any:
    return x.detach().clone().requires_grad_(x.requires_grad) if isinstance(x, torch.Tensor) else x
