"""In and out: Python numbers and lists, NumPy arrays, and the protocols of Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import candle

from .oracle import DTYPES, assert_same, check_both, to_candle, values_of

DATA = {
    "number": 3,
    "float": 2.5,
    "complex": 1 + 2j,
    "bool": True,
    "list": [1, 2, 3],
    "nested": [[1.0, 2.0], [3.0, 4.0]],
    "mixed": [1, 2.5],
    "bools and ints": [True, 2],
    "ints and complex": [1, 2j],
    "tuple": (1, (2)),
    "tuples": ((1, 2), (3, 4)),
    "range": range(4),
    "empty": [],
    "empty nested": [[], []],
    "deep": [[[1]], [[2]]],
    "large": [2**40, -(2**62)],
    "specials": [math.inf, -math.inf],
    "array": np.arange(6, dtype=np.int16).reshape(2, 3),
    "array of float64": np.array([0.5, 1.5]),
    "scalars": [np.float64(1.5), np.float64(2)],
    "NumPy scalar": np.float32(1.5),
}


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_tensor_takes_what_torch_takes(data) -> None:
    assert_same(candle.tensor(data), torch.tensor(data))
    assert_same(candle.tensor(data, dtype=candle.complex64), torch.tensor(data, dtype=torch.complex64))
    assert_same(candle.as_tensor(data), torch.as_tensor(data))


def test_to_no_device_changes_nothing() -> None:
    for lib in (torch, candle):
        x = lib.ones(2)
        assert x.to(None) is x


def test_tensor_of_tensors() -> None:
    def program(lib, x):
        return lib.tensor([lib.tensor(1.5), 2.0, x[0]]), lib.tensor([[lib.tensor(1), 2]])

    check_both(program, torch.tensor([3.0, 4.0]))


@pytest.mark.parametrize("data", [[1, [2]], [[1, 2], [3]], "text", [None], {1: 2}, [[1], 2]], ids=str)
def test_tensor_refuses_what_is_no_array(data) -> None:
    with pytest.raises((TypeError, ValueError, RuntimeError), match=r"tensor"):
        candle.tensor(data)
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        torch.tensor(data)


@pytest.mark.parametrize("dtype", DTYPES)
def test_item_and_tolist_give_python_numbers(dtype: str) -> None:
    theirs = torch.tensor([[1, 0], [1, 1]]).to(getattr(torch, dtype))
    mine = to_candle(theirs)
    assert mine.tolist() == theirs.tolist()
    assert type(mine.tolist()[0][0]) is type(theirs.tolist()[0][0])
    assert mine[0, 0].item() == theirs[0, 0].item()
    assert type(mine[0, 0].item()) is type(theirs[0, 0].item())
    assert mine[0, 0].tolist() == theirs[0, 0].tolist()
    assert mine[:1, :1].item() == theirs[:1, :1].item()


def test_item_of_many_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"item.*\(2, 3\).*6 values"):
        candle.zeros(2, 3).item()
    with pytest.raises(RuntimeError, match=r"item.*0 values"):
        candle.zeros(0).item()


# --- NumPy ------------------------------------------------------------------------------


def test_numpy_shares_memory_both_ways() -> None:
    x = candle.arange(6, dtype=candle.float32).reshape(2, 3)
    array = x.numpy()
    array[0, 0] = 10
    x[1, 2] = 20
    assert x[0, 0].item() == 10
    assert array[1, 2] == 20
    view = x.T[1:].numpy()
    view[:] = 7
    assert x.tolist() == [[10.0, 7.0, 7.0], [3.0, 7.0, 7.0]]


def test_from_numpy_shares_memory_and_tensor_copies() -> None:
    array = np.zeros(3)
    shared, copied = candle.from_numpy(array), candle.tensor(array)
    array[0] = 5
    shared[1] = 6
    assert shared.tolist() == [5.0, 6.0, 0.0]
    assert array.tolist() == [5.0, 6.0, 0.0]
    assert copied.tolist() == [0.0, 0.0, 0.0]
    assert candle.as_tensor(array)[0].item() == 5
    candle.as_tensor(array)[2] = 9
    assert array[2] == 9


def test_a_write_through_numpy_is_a_write_into_the_tensor() -> None:
    x = candle.ones(3, requires_grad=True)
    with candle.no_grad():
        x.detach().numpy()[:] = 5
    (x * x).sum().backward()
    assert x.grad.tolist() == [10.0] * 3


@pytest.mark.parametrize("dtype", [name for name in DTYPES if name != "bfloat16"])
def test_numpy_and_back(dtype: str) -> None:
    theirs = torch.tensor([[1, 0, 3]]).to(getattr(torch, dtype))
    array = to_candle(theirs).numpy()
    assert array.dtype == theirs.numpy().dtype
    np.testing.assert_array_equal(array, theirs.numpy())
    assert_same(candle.from_numpy(theirs.numpy()), theirs)


def test_from_numpy_takes_views() -> None:
    array = np.arange(12.0).reshape(3, 4)
    for view in (array.T, array[::2, 1:], array[1], array[:0]):
        assert_same(candle.from_numpy(view), torch.from_numpy(view))


def test_a_reversed_array_is_copied_in_its_order() -> None:
    x = candle.tensor(np.arange(3)[::-1])
    x[0] = 7
    assert x.tolist() == [7, 1, 0]
    assert x.stride() == (1,)


def test_foreign_byte_orders_are_refused_by_name() -> None:
    for make in (candle.tensor, candle.from_numpy):
        with pytest.raises((TypeError, ValueError), match=">i4"):
            make(np.arange(3, dtype=">i4"))


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([None]), np.array(["2020-01-01"], dtype="datetime64[D]")], ids=str
)
def test_arrays_of_no_number_are_refused(array: np.ndarray) -> None:
    for make in (candle.tensor, candle.from_numpy, candle.as_tensor):
        with pytest.raises(TypeError, match=r"U1|object|datetime|str"):
            make(array)


def test_from_numpy_takes_arrays_only() -> None:
    with pytest.raises(TypeError, match=r"from_numpy.*list"):
        candle.from_numpy([1, 2])


def test_numpy_of_what_requires_grad_is_refused() -> None:
    x = candle.ones(2, requires_grad=True)
    for tensor in (x, x * 2):
        with pytest.raises(RuntimeError, match=r"requires grad.*detach"):
            tensor.numpy()
        with pytest.raises(RuntimeError, match="detach"):
            np.asarray(tensor)
        assert tensor.numpy(force=True).tolist() == tensor.tolist()


def test_numpy_functions_take_tensors() -> None:
    x = candle.arange(6.0).reshape(2, 3)
    assert np.asarray(x).tolist() == x.tolist()
    assert np.array(x, dtype=np.int64).dtype == np.int64
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert not np.shares_memory(np.array(x), x.numpy())
    assert np.sum(np.asarray(x)) == 15
    np.testing.assert_array_equal(x, x.numpy())


def test_arrays_as_operands_become_tensors() -> None:
    def program(lib, x):
        ones = np.ones(3, dtype=np.float32)
        return [x + ones, x * np.float32(2), np.float32(2) * x, x == ones, x - np.ones(3), x / ones[:1]]

    check_both(program, torch.arange(3.0))


def test_an_array_on_the_left_lets_the_tensor_decide() -> None:
    """PyTorch raises here; candle's `__array_priority__` promises the tensor's answer."""
    x = candle.arange(3.0)
    for result in (np.ones(3, dtype=np.float32) + x, np.ones(3, dtype=np.float32) * x):
        assert isinstance(result, candle.Tensor)
        assert result.dtype is candle.float32


def test_numpy_scalars_act_as_numbers() -> None:
    """Their values, not their dtypes: as in PyTorch, float64(2) does not widen."""

    def program(lib, x):
        two = np.float64(2)
        results = [
            x * two,
            x + np.int64(1),
            x.clamp(np.float64(0.5), two),
            x[np.int64(1)],
            x**two,
            two**x,
            two - x,
            x < two,
        ]
        results += [
            lib.where(x > 1, two, x),
            lib.full((2,), two),
            lib.full_like(x, two),
            x.masked_fill(x > 1, two),
            x // two,
            np.float32(1.5) // lib.tensor([0.0, 2.0]),
        ]
        whole, one, array = lib.tensor([4, 6]), np.int64(1), np.array([2, 3])
        results += [whole & one, one | whole, whole << one, one << whole, whole // array, whole**array, whole % array]
        results += [lib.arange(np.int64(3)), lib.arange(one, np.int32(7), two), lib.polygamma(one, x)]
        return [*results, lib.tensor(two), lib.zeros(1, dtype=lib.result_type(x, two))]

    check_both(program, torch.tensor([0.25, 1.5]))


def test_numpy_integers_act_as_dims_and_counts() -> None:
    zero, one, two, three = np.arange(4)

    def program(lib, x):
        results = [x.max(one), x.min(zero, True), x.quantile(0.5, one), x.median(one), x.unique(dim=zero), x.sort(one)]
        results += [x.roll(one, zero), x.roll(two), x.movedim(zero, one), x[None].squeeze(zero), x.squeeze(one)]
        results += [lib.fft.fft(x, three, zero), lib.fft.irfft(x, three), lib.fft.fftshift(x, one)]
        results += [lib.fft.fftn(x, (three,), (zero,)), lib.linalg.norm(x, one, zero), lib.linalg.norm(x, dim=one)]
        results += [x.chunk(two, one), x.tensor_split(two), x.hsplit(three), x.split([one, two], one), x.split(2, one)]
        results += [lib.tensordot(x, x, ([one], [one])), x.var(one, correction=zero), x.sum((zero, one)), x.any(one)]
        signal = lib.stft(x.reshape(-1), two, one, window=lib.ones(2), return_complex=True)
        return [*results, signal, lib.istft(signal, two, one, window=lib.ones(2))]

    check_both(program, torch.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]]))


def test_positional_only_construction() -> None:
    def program(lib):
        return [
            lib.zeros(2, 3),
            lib.ones((2, 3)),
            lib.full((2,), 7),
            lib.full((2,), 1.5),
            lib.empty(0, 3),
            lib.eye(2, 3),
            lib.zeros([2]),
            lib.zeros(()),
        ]

    assert_same(program(candle), program(torch))


def test_arange_and_linspace() -> None:
    def program(lib):
        results = [
            lib.arange(5),
            lib.arange(1, 4),
            lib.arange(0, 1, 0.25),
            lib.arange(5.0),
            lib.arange(3, 0, -1),
            lib.arange(0),
        ]
        return [
            *results,
            lib.linspace(0, 1, 5),
            lib.linspace(3, -3, 4),
            lib.linspace(0, 1, 1),
            lib.arange(0, 10, 3, dtype=lib.float16),
        ]

    assert_same(program(candle), program(torch))


def test_bfloat16_survives_the_way_through_python() -> None:
    x = candle.tensor([1.0, 2.5, -3.0], dtype=candle.bfloat16)
    assert x.tolist() == [1.0, 2.5, -3.0]
    assert x[1].item() == 2.5
    assert (x + 1).dtype is candle.bfloat16
    assert values_of(x * 2).tolist() == [2.0, 5.0, -6.0]
