"""Memory shared with NumPy and PyTorch, and NumPy's functions on tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import candle

DTYPES = "bool uint8 int8 int16 int32 int64 float16 float32 float64 complex64 complex128".split()


@pytest.mark.parametrize("name", DTYPES)
def test_torch_to_candle_and_back_without_a_copy(name: str) -> None:
    theirs = torch.ones(2, 3, dtype=getattr(torch, name)).T
    ours = candle.from_dlpack(theirs)
    assert (ours.dtype, tuple(ours.shape), ours.stride()) == (getattr(candle, name), (3, 2), theirs.stride())
    again = torch.from_dlpack(ours)
    assert again.dtype is theirs.dtype
    assert again.data_ptr() == theirs.data_ptr()
    theirs.zero_()
    assert not ours.any()
    ours.fill_(1)
    assert theirs.all()


def test_numpy_to_candle_and_back_without_a_copy() -> None:
    array = np.arange(6.0).reshape(2, 3)
    ours = candle.from_dlpack(array[:, ::2])
    again = np.from_dlpack(ours)
    assert np.shares_memory(array, again)
    array[0, 2] = 7
    assert (ours[0, 1].item(), again[0, 1]) == (7, 7)


def test_views_and_versions_know_of_shared_memory() -> None:
    x = candle.ones(3)
    shared = torch.from_dlpack(x[1:])
    shared += 1
    assert x.tolist() == [1, 2, 2]


def test_copies_where_asked() -> None:
    array = np.zeros(2)
    ours = candle.from_dlpack(array, copy=True)
    array += 1
    assert ours.tolist() == [0, 0]
    x = candle.zeros(2)
    theirs = np.from_dlpack(x, copy=True)
    x += 1
    assert theirs.tolist() == [0, 0]


def test_other_devices() -> None:
    import candle.testing.strict

    assert str(candle.from_dlpack(np.ones(2), device="strict").device) == "strict"
    with pytest.raises(ValueError, match="from cpu to strict needs a copy"):
        candle.from_dlpack(np.ones(2), device="strict", copy=False)


def test_what_cannot_be_shared_is_told() -> None:
    with pytest.raises(BufferError, match="detach"):
        torch.from_dlpack(candle.ones(2, requires_grad=True))
    with pytest.raises(TypeError, match="list does not speak DLPack"):
        candle.from_dlpack([1, 2])
    assert candle.from_dlpack(torch.ones(2)).requires_grad is False

    class Elsewhere:
        def __dlpack_device__(self) -> tuple[int, int]:
            return 8, 0

    with pytest.raises(BufferError, match="type 8"):
        candle.from_dlpack(Elsewhere())


@pytest.mark.parametrize(
    "program",
    [
        lambda x: np.exp(x),
        lambda x: np.add(x, np.ones(3)),
        lambda x: np.multiply(np.float64(2), x),
        lambda x: np.hypot(x, x),
        lambda x: np.negative(x)[1:],
    ],
)
def test_numpy_functions_answer_with_tensors(program) -> None:
    ours, theirs = program(candle.tensor([1.0, 2.0, 3.0])), program(torch.tensor([1.0, 2.0, 3.0]))
    assert isinstance(ours, candle.Tensor)
    assert str(ours.dtype).replace("candle", "torch") == str(theirs.dtype)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy())


def test_tensors_where_numpy_wants_arrays() -> None:
    x = candle.arange(6).reshape(2, 3)
    assert np.asarray(x).tolist() == x.tolist()
    assert np.array(x, dtype=np.float32).dtype == np.float32
    assert np.stack([x, x]).shape == (2, 2, 3)
    np.testing.assert_array_equal(x, [[0, 1, 2], [3, 4, 5]])
    y = np.zeros((2, 3))
    y[:] = x
    assert y.sum() == 15


def test_gradients_do_not_get_lost_on_the_way_to_numpy() -> None:
    with pytest.raises(RuntimeError, match="detach"):
        np.asarray(candle.ones(2, requires_grad=True))
