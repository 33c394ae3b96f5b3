"""Copies that outlive the process or the program: deepcopy, pickle, and what they must not share."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

import candle

from .oracle import DTYPES, assert_same, check_both, to_candle

X = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=torch.float64, requires_grad=True)


def test_deepcopy_copies_values_flags_and_grad() -> None:
    def program(lib, x):
        (x * x).sum().backward()
        twin = copy.deepcopy(x)
        with lib.no_grad():
            twin.mul_(10)
            twin.grad.mul_(100)
        return twin.detach(), twin.requires_grad, twin.is_leaf, twin.grad, x.detach(), x.grad

    check_both(program, X)


def test_deepcopy_of_a_view_is_independent() -> None:
    x = candle.zeros(2, 3)
    twin = copy.deepcopy(x[1])
    twin.add_(1)
    assert x.sum().item() == 0
    assert twin.tolist() == [1.0, 1.0, 1.0]


def test_deepcopy_keeps_shared_tensors_shared() -> None:
    x = candle.ones(2)
    first, second = copy.deepcopy([x, x])
    assert first is second
    assert first is not x


def test_deepcopy_keeps_views_on_one_memory() -> None:
    def program(lib, x):
        x = x.detach()
        base, view = copy.deepcopy([x, x[0]])
        base.zero_()
        return base, view

    check_both(program, X)


def test_shallow_copies_share_memory() -> None:
    def program(lib, x):
        twin = copy.copy(x)
        with lib.no_grad():
            twin.mul_(2)
        return x.detach(), twin.requires_grad, twin is x

    check_both(program, X)


def test_what_has_a_history_is_not_copied_deeply() -> None:
    with pytest.raises(RuntimeError, match=r"leaves.*detach"):
        copy.deepcopy(to_candle(X) * 2)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", DTYPES)
def test_pickle_brings_back_values_and_dtype(dtype: str, protocol: int) -> None:
    theirs = torch.tensor([[1, 0, 3]]).to(getattr(torch, dtype))
    assert_same(pickle.loads(pickle.dumps(to_candle(theirs), protocol)), theirs)


def test_pickle_keeps_requires_grad_and_shared_tensors() -> None:
    x = to_candle(X)
    first, second = pickle.loads(pickle.dumps([x, x]))
    assert first is second
    assert first.requires_grad
    assert first.is_leaf
    (first * 2).sum().backward()
    assert first.grad.tolist() == [[2.0] * 3] * 2
    assert x.grad is None


def test_pickle_of_a_view_takes_only_what_it_shows() -> None:
    x = candle.zeros(1000, 1000)
    data = pickle.dumps(x[0, :10])
    assert len(data) < 10_000
    assert pickle.loads(data).shape == (10,)


def test_what_comes_out_of_pickle_is_writable() -> None:
    x = pickle.loads(pickle.dumps(candle.zeros(3)))
    x.add_(1)
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_what_has_a_history_is_not_pickled() -> None:
    with pytest.raises(RuntimeError, match=r"leaves.*detach"):
        pickle.dumps(to_candle(X) * 2)


def test_dtypes_sizes_and_devices_survive() -> None:
    for each in (candle.float32, candle.bfloat16, candle.bool, candle.Size([2, 3]), candle.device("cpu")):
        assert pickle.loads(pickle.dumps(each)) == each
        assert copy.deepcopy(each) == each
    assert pickle.loads(pickle.dumps(candle.float32)) is candle.float32
    assert copy.deepcopy(candle.float32) is candle.float32


class Weight(candle.Tensor):
    """A subclass, with attributes of its own."""


def test_subclasses_keep_class_and_attributes() -> None:
    x = Weight(candle.ones(2), requires_grad=True)
    x.name = ["weight"]
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(twin) is Weight
        assert twin.requires_grad
        assert twin.tolist() == [1.0, 1.0]
    twin = copy.deepcopy(x)
    assert twin.name == ["weight"]
    assert twin.name is not x.name


def test_a_tensor_from_a_tensor() -> None:
    x = candle.ones(2)
    y = candle.Tensor(x)
    y.add_(1)
    assert x.tolist() == [2.0, 2.0]  # like x.detach(): the same memory
    assert candle.tensor(x).add_(5).tolist() == [7.0, 7.0]
    assert x.tolist() == [2.0, 2.0]  # tensor() copies


def test_a_leaf_that_is_a_view_stays_one_to_train() -> None:
    def program(lib, x):
        w = x.detach()[:2].requires_grad_()
        (w * w).sum().backward()
        again = copy.deepcopy(w)
        return again.requires_grad, again.is_leaf, again, again.grad

    check_both(program, X)


class Tagged(candle.Tensor):
    """With attributes of its own."""


def test_attributes_of_a_subclass_are_pickled() -> None:
    x = Tagged([1.0, 2.0])
    x.tag = "bias"
    again = pickle.loads(pickle.dumps(x))
    assert type(again) is Tagged
    assert again.tag == "bias"
    assert again.tolist() == [1.0, 2.0]
