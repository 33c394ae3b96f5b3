"""Whose memory is whose: views alias where the backend says so, copies never, and values travel unharmed."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import candle
from candle.testing.backend_suite.base import Suite, assert_same, for_each, numpy_dtype, on_device, tensor_on, values
from candle.testing.backend_suite.cases import cast
from candle.testing.samples import floats, transposed

VIEWS = {
    "slice": lambda xp, x: x[1:2, ...],
    "step": lambda xp, x: x[..., ::2],
    "int": lambda xp, x: x[-1, ...],
    "element": lambda xp, x: x[1, 2, ...],
    "new axis": lambda xp, x: x[None, ...],
    "permute_dims": lambda xp, x: xp.permute_dims(x, (1, 0)),
    "reshape": lambda xp, x: xp.reshape(x, (3, 2)),
    "of a view": lambda xp, x: xp.permute_dims(x[..., 1:], (1, 0))[0, ...],
}
COPIES = {
    "asarray": lambda xp, x: xp.asarray(x, copy=True),
    "astype": lambda xp, x: xp.astype(x, x.dtype),
    "concat": lambda xp, x: xp.concat([x], axis=0),
    "add": lambda xp, x: x + 0,
    "flip": lambda xp, x: xp.flip(xp.flip(x)),
    "take": lambda xp, x: xp.take(x, xp.arange(2), axis=0),
    "index": lambda xp, x: xp.index(x, xp.arange(2)),
    "sum": lambda xp, x: xp.sum(x[..., None], axis=-1),
    "slice_put": lambda xp, x: xp.slice_put(x, (slice(0, 0),), x[0:0, ...]),
    "index_add": lambda xp, x: xp.index_add(x, (xp.arange(0),), x[0:0, ...]),
    "where": lambda xp, x: xp.where(xp.equal(x, x), x, x),
}


class MemoryTests(Suite):
    """Arrays."""

    @pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
    def test_views_share_memory(self, target: Any, view: Any) -> None:
        if not target.aliases:
            return
        host = floats(2, 3).astype(np.float32)
        x = on_device(target, host)
        seen = view(target.xp, x)
        assert target.shares_memory(seen, x)
        target.write(seen, target.xp.full(seen.shape, 9, dtype=x.dtype))
        after = target.to_numpy(x)
        assert (after == 9).sum() == target.to_numpy(seen).size
        assert ((after == 9) | (after == host)).all()

    @pytest.mark.parametrize("make", COPIES.values(), ids=COPIES.keys())
    def test_other_results_do_not(self, target: Any, make: Any) -> None:
        x = on_device(target, floats(2, 3).astype(np.float32))
        made = make(target.xp, x)
        assert_same(target.to_numpy(made), target.to_numpy(x))
        if target.aliases:
            assert not target.shares_memory(made, x)

    @for_each(lambda supports: {name: name for name in supports if "complex" in name})
    def test_parts_of_complex_numbers_share_memory(self, target: Any, case: str) -> None:
        host = cast(floats(2, 3), numpy_dtype(case))
        x = on_device(target, host)
        if target.aliases:
            for part in (target.xp.real(x), target.xp.imag(x)):
                assert target.shares_memory(part, x)
                target.write(part, part + 1)
            assert_same(target.to_numpy(x), host + (1 + 1j))

    def test_copy(self, target: Any) -> None:
        host = transposed(2, 3).astype(np.float32)
        for x in (on_device(target, host), target.xp.broadcast_to(on_device(target, host), (2, 2, 3))):
            made = target.copy(x)
            assert_same(target.to_numpy(made), target.to_numpy(x))
            if target.aliases:
                assert not target.shares_memory(made, x)
                target.write(made, target.xp.zeros(made.shape, dtype=made.dtype))
                assert not target.to_numpy(made).any()

    def test_write_converts_and_broadcasts(self, target: Any) -> None:
        if not target.aliases:
            return
        x = on_device(target, floats(2, 3).astype(np.float32))
        target.write(x, on_device(target, np.array([1, 2, 3])))
        assert_same(target.to_numpy(x), np.array([[1, 2, 3]] * 2, dtype=np.float32))

    def test_owned_arrays_can_be_kept(self, target: Any) -> None:
        """`owned` is a promise that the engine may hand the array to the user as a gradient."""
        x = on_device(target, floats(2, 3).astype(np.float32))
        assert not target.owned(x[1:, ...]) or not target.aliases
        assert not target.owned(target.xp.broadcast_to(x[0, ...], (2, 3))) or not target.aliases
        made = x + 1
        if target.aliases and target.owned(made):
            target.write(made, x)
            assert_same(target.to_numpy(made), target.to_numpy(x))

    def test_strides(self, target: Any) -> None:
        """Where arrays have a layout, it is told in elements; expanded dims have stride 0."""
        x = on_device(target, floats(2, 3).astype(np.float32))
        layouts = [target.strides(each) for each in (x, x[..., ::2], target.xp.broadcast_to(x[0, ...], (4, 3)))]
        assert layouts in ([(3, 1), (3, 2), (0, 1)], [None, None, None])


class TransferTests(Suite):
    """Values between the device, NumPy and other devices."""

    @for_each(lambda supports: {name: name for name in supports})
    def test_numpy_round_trip(self, target: Any, case: str) -> None:
        dtype = numpy_dtype(case)
        for x in (floats(), floats(0, 3), transposed(2, 3), floats(3, 2)[::-1], np.array([0.0, 1, -1])):
            host = cast(x, dtype)
            array = target.from_numpy(host)
            assert isinstance(array, target.array_type)
            assert tuple(array.shape) == host.shape
            assert array.ndim == host.ndim
            assert target.dtypes[array.dtype] is candle._dtypes.BY_NAME[case]
            assert_same(target.to_numpy(array), host)

    @for_each(lambda supports: {name: name for name in supports if "int" in name})
    def test_extreme_integers(self, target: Any, case: str) -> None:
        limits = np.iinfo(case)
        host = np.array([limits.min, limits.max], dtype=case)
        np.testing.assert_array_equal(target.to_numpy(target.from_numpy(host)), host)

    @for_each(lambda supports: {name: name for name in supports if "float" in name})
    def test_special_floats(self, target: Any, case: str) -> None:
        host = np.array([np.nan, np.inf, -np.inf, -0.0]).astype(numpy_dtype(case))
        back = target.to_numpy(target.from_numpy(host)).astype(np.float64)
        np.testing.assert_array_equal(back, host.astype(np.float64))
        assert np.signbit(back[3])

    def test_dtypes_are_those_declared(self, target: Any) -> None:
        """`supports` and the namespace agree; a dtype that exists but cannot compute need not be declared."""
        assert {d.name for d in target.dtypes.values()} >= set(self.supports)
        assert all(target.raw_dtype(d) == raw for raw, d in target.dtypes.items())

    def test_a_dtype_it_does_not_have(self, backend: str, target: Any) -> None:
        there = {d.name for d in target.dtypes.values()}
        for d in candle._dtypes.ALL:
            if d.name not in there:
                with pytest.raises(TypeError, match=rf"device '{target.device}' has no candle\.{d.name}"):
                    candle.zeros(2, device=backend).to(d)

    def test_tensors_travel(self, backend: str) -> None:
        host = candle.tensor([[1.0, 2.0], [3.0, 4.0]])
        there = host.to(backend)
        assert str(there.device) == str(candle.device(backend))
        assert_same(values(there.T), values(host.T))
        assert there.to(backend) is there
        assert f"device='{there.device}'" in repr(there) or backend == "cpu"

    def test_travelling_copies(self, backend: str) -> None:
        if backend == "cpu":
            return
        host = candle.tensor([1.0, 2.0])
        there = host.to(backend)
        back = there.cpu()
        there.mul_(5)
        assert host.tolist() == [1, 2]
        assert back.tolist() == [1, 2]
        host.mul_(7)
        back.mul_(3)
        assert there.tolist() == [5, 10]

    def test_numpy_arrays_are_copied(self, backend: str) -> None:
        host = np.array([1.0, 2.0])
        there = candle.tensor(host, device=backend)
        host[0] = 9
        assert there.tolist() == [1, 2]

    def test_gradients_travel_back(self, backend: str) -> None:
        x = candle.tensor([1.0, 2.0], requires_grad=True)
        (x.to(backend) ** 2).sum().backward()
        assert str(x.grad.device) == "cpu"
        assert x.grad.tolist() == [2, 4]
        y = candle.tensor([3.0], device=backend, requires_grad=True)
        (y.cpu() * 2).backward(candle.tensor([1.0]))
        assert str(y.grad.device) == str(candle.device(backend))

    def test_pickle_and_deepcopy(self, backend: str) -> None:
        x = candle.tensor([[1.0, 2.0]], device=backend, requires_grad=True)
        for again in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
            assert again.requires_grad
            assert again.device == x.device
            assert again.dtype is x.dtype
            assert_same(values(again), values(x))
            with candle.no_grad():
                again.mul_(2)
        assert x.tolist() == [[1, 2]]

    def test_devices_do_not_mix(self, backend: str) -> None:
        x = candle.tensor([1.0, 2.0], device=backend)
        assert str((x * candle.tensor(2.0)).device) == str(x.device)  # a 0-d tensor of the CPU counts as a number
        if backend != "cpu":
            with pytest.raises(RuntimeError, match=rf"add: .*cpu.*{backend}.*\.to\(device\)"):
                candle.tensor([1.0, 2.0]) + x

    def test_random_numbers_are_the_cpus(self, backend: str) -> None:
        def draw(device: str) -> list[Any]:
            candle.manual_seed(3)
            tensors = [
                candle.rand(2, 3, device=device),
                candle.randn(3, device=device),
                candle.randperm(4, device=device),
            ]
            tensors += [candle.dropout(candle.ones(4, device=device), 0.5), candle.bernoulli(tensors[0])]
            return list(map(values, tensors))

        assert_same(draw(backend), draw("cpu"))

    def test_creation_lands_here(self, backend: str) -> None:
        x = candle.ones(2, 2, device=backend)
        made = [
            candle.zeros(2, device=backend),
            candle.arange(3, device=backend),
            candle.full((2,), 1.5, device=backend),
        ]
        made += [candle.eye(2, device=backend), candle.linspace(0, 1, 3, device=backend), x.new_zeros(2)]
        made += [candle.zeros_like(x), x.nonzero(), x.argsort(), x.tril(), x[x > 0], x.max(dim=0).indices]
        assert {str(t.device) for t in made} == {str(x.device)}

    def test_scalars_come_out(self, backend: str) -> None:
        x = tensor_on(backend, np.array([[1, -2], [3, 4]]))
        assert x.tolist() == [[1, -2], [3, 4]]
        assert x[0, 1].item() == -2
        assert int(x[1, 1]) == 4
        assert [10, 20, 30, 40][x[1, 0]] == 40
        assert bool((x > 3).any())
        assert repr(x).startswith("tensor([[ 1, -2],")
