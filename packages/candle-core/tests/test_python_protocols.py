"""Tensors as Python sees them: numbers, truth, len, iteration, hashing, sizes."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch

import candle

from .oracle import check_both


def test_numbers_of_python() -> None:
    x = candle.tensor([2.75])
    assert (int(x), float(x), complex(x), bool(x), round(float(x), 1)) == (2, 2.75, 2.75 + 0j, True, 2.8)
    assert [10, 20, 30][candle.tensor(1)] == 20
    assert list(range(candle.tensor(3))) == [0, 1, 2]
    assert math.sqrt(candle.tensor(4.0)) == 2.0


def test_only_integers_are_an_index() -> None:
    with pytest.raises(TypeError, match=r"index.*float32"):
        [10, 20][candle.tensor(1.0)]
    with pytest.raises(TypeError, match=r"one element.*\(2,\)"):
        [10, 20][candle.tensor([0, 1])]
    assert bytes(candle.tensor([1, 2], dtype=candle.uint8)) == bytes(torch.tensor([1, 2], dtype=torch.uint8))


@pytest.mark.parametrize("value", ["a", None, [1, 2], {1}])
def test_only_numbers_and_tensors_can_be_in_a_tensor(value: object) -> None:
    for lib in (torch, candle):
        with pytest.raises(RuntimeError):
            value in lib.tensor([1, 2])  # noqa: B015


def test_the_truth_of_many_is_ambiguous() -> None:
    with pytest.raises(RuntimeError, match=r"truth.*\(2,\).*any\(\).*all\(\)"):
        bool(candle.ones(2))
    with pytest.raises(RuntimeError, match="ambiguous"):
        bool(candle.ones(0))
    assert not candle.tensor([[0.0]])


def test_len_iteration_and_membership() -> None:
    def program(lib, x):
        first, _, third = x
        return (
            len(x),
            [first.clone(), third],
            list(reversed(list(x))),
            1.5 in x,
            99 in x,
            x.numel(),
            x.nelement(),
            x.dim(),
            x.ndimension(),
        )

    check_both(program, torch.tensor([[0.0, 1.0], [1.5, 2.0], [3.0, 4.0]]))
    for call, name in ((len, "len"), (iter, "iteration")):
        with pytest.raises(TypeError, match=f"{name}.*0-d"):
            call(candle.tensor(1.0))


def test_gradients_flow_through_iteration() -> None:
    def program(lib, x):
        sum(row * (i + 1) for i, row in enumerate(x)).sum().backward()
        return x.grad

    check_both(program, torch.ones(3, 2, dtype=torch.float64).requires_grad_())


def test_tensors_are_hashed_and_compared_by_identity() -> None:
    x, y = candle.ones(2), candle.ones(2)
    assert len({x, y, x}) == 2
    assert {x: 1}[x] == 1
    assert (x == y).tolist() == [True, True]
    assert (x == "text") is False
    assert (x != "text") is True
    assert (x == None) is False  # noqa: E711
    assert [None, "text", x].index(x) == 2


def test_sizes_are_tuples() -> None:
    x = candle.zeros(2, 3, 4)
    assert x.shape == (2, 3, 4)
    assert x.shape[1:] == (3, 4)
    assert x.size() == x.shape
    assert x.size(-1) == x.shape[-1] == 4
    assert x.shape.numel() == 24
    assert isinstance(x.shape, candle.Size)
    assert candle.zeros(x.shape[0], *x.shape[1:]).shape == x.shape
    with pytest.raises(IndexError):
        x.size(3)


def test_reversed_and_del_grad() -> None:
    def program(lib, x):
        x.sum().backward()
        del x.grad
        return reversed(x), reversed(x[0, 0]), x.grad

    check_both(program, torch.arange(6.0).reshape(3, 2).requires_grad_())


def test_attributes_of_ones_own() -> None:
    """They stay with the tensor, and with its copies."""
    for lib in (candle, torch):
        x = lib.ones(2)
        x.tags = ["bias"]
        other = copy.deepcopy(x)
        other.tags.append("copied")
        assert (x.tags, other.tags) == (["bias"], ["bias", "copied"])
        assert pickle.loads(pickle.dumps(x)).tags == ["bias"]
        assert not hasattr(x + 1, "tags")
