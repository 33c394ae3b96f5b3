"""The conformance suite of kernels: inherit it, name the kernel and its samples, and pytest does the rest.

    import pytest
    from candle.testing.kernels import KernelSuite
    from candle.testing.samples import Sample, floats

    class TestGelu(KernelSuite):
        samples = (Sample("gelu", (floats(64, 96),), {"approximate": "none"}),)

        @pytest.fixture
        def kernel(self):
            return MyGelu()

What is asked: where a kernel accepts, it computes what the op's own rule computes, forward and back, for NaN
and infinities too; its derivative is that of finite differences; it leaves its inputs alone, and keeps little;
the door uses it; second derivatives are the rule's. What it does not accept it declines, and does not raise.
`MutatingKernelSuite` is the same for ops that write into their inputs.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import candle
from candle._apply import apply, mutate
from candle._tensor import wrap
from candle.backends.base import Backend
from candle.kernels import Kernel, Table
from candle.op import OPS, MutatingOp
from candle.plugins import backend_of
from candle.testing.samples import Sample
from candle.testing.unusual import LAYOUTS, SPECIALS, UNUSUAL, Change, arrays_in, on_each


@contextmanager
def offered(device: str, op: str, *kernels: Kernel) -> Iterator[None]:
    """Inside, the device has these kernels for the op, and no others."""
    table = backend_of(device).kernels
    before = table[op]
    table[op] = kernels
    try:
        yield
    finally:
        table[op] = before


class Spy(Kernel):
    """A kernel that notes what the one inside it is asked, and whether it answers."""

    def __init__(self, kernel: Kernel):
        self.kernel, self.op, self.priority = kernel, kernel.op, kernel.priority
        self.calls: list[str] = []
        self.forward = self._watched("forward", kernel.forward)  # type: ignore[method-assign]
        if kernel.vjp is not None:
            self.vjp = self._watched("vjp", kernel.vjp)

    def _watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            answer = function(*args, **kwargs)
            self.calls.append(name if answer is not NotImplemented else f"{name} declined")
            return answer

        return watched


class Suite:
    """What both suites have in common: a kernel, a device, samples to run in several dtypes."""

    samples: Sequence[Sample] = ()
    device = "cpu"
    dtypes = ("float32", "float64")  # those that the kernel must accept
    tolerance = 64.0  # times the dtype's precision, relative and absolute

    @pytest.fixture
    def kernel(self) -> Kernel:
        raise NotImplementedError("define the fixture `kernel`, which returns your kernel")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Every test that asks for a sample or a dtype is run with each."""
        for name, values in {"sample": self.samples, "dtype": self.dtypes}.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(
                    name, values, ids=[str(v) if name == "dtype" else str(i) for i, v in enumerate(values)]
                )

    @property
    def target(self) -> Backend:
        return backend_of(self.device)

    def brought(self, x: Any) -> Any:
        """NumPy arrays as the device's."""
        if isinstance(x, list | tuple):
            return type(x)(map(self.brought, x))
        return self.target.from_numpy(x) if isinstance(x, np.ndarray) else x

    def inputs(self, sample: Sample, dtype: str, change: Change = np.array) -> tuple[Any, ...]:
        return tuple(self.brought(on_each(lambda x: change(x.astype(dtype)), sample.inputs)))

    def values(self, x: Any) -> list[np.ndarray]:
        """Copies, on the host."""
        return [np.array(self.target.to_numpy(each)) for each in arrays_in(x)]

    def assert_same(self, found: Any, expected: Any) -> None:
        """Shapes, dtypes and values agree, as far as the dtype can tell."""
        assert len(arrays_in(found)) == len(arrays_in(expected))
        for f, e in zip(self.values(found), self.values(expected), strict=True):
            assert (f.shape, f.dtype) == (e.shape, e.dtype)
            bound = self.tolerance * float(np.finfo(e.dtype).eps) if e.dtype.kind in "fc" else 0
            np.testing.assert_allclose(f, e, rtol=bound, atol=bound)

    def test_priority_decides_the_order(self, kernel: Kernel) -> None:
        low, high, middle = kernels = [Spy(kernel) for _ in range(3)]
        for step, each in enumerate((low, middle, high)):
            each.priority += step
        table = Table([(kernel.op, lambda each=each: each) for each in kernels])  # type: ignore[misc]
        assert table[kernel.op] == (high, middle, low)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
class KernelSuite(Suite):
    """See this module's docstring."""

    residuals_part = 0.25  # what is kept may be this part of the largest input

    # The same call to the op's own rule and to the kernel

    def rule(self, sample: Sample, inputs: Any, grad: Any = None) -> Any:
        """The outcome; or with `grad` the gradients."""
        op = OPS[sample.name]
        out = op.forward(self.target.xp, *inputs, **sample.attrs)
        if grad is None:
            return out
        assert op.vjp is not None
        return op.vjp(self.target.xp, self.needs(inputs), grad, out, *inputs, **sample.attrs)

    def ask(self, kernel: Kernel, sample: Sample, inputs: Any, grad: Any = None, needs: Any = None) -> Any:
        answer = kernel.forward(*inputs, **sample.attrs)
        if answer is NotImplemented or grad is None:
            return answer if answer is NotImplemented else answer[0]
        assert kernel.vjp is not None
        return kernel.vjp(needs or self.needs(inputs), grad, answer[1], answer[0], *inputs, **sample.attrs)

    def needs(self, inputs: Any) -> tuple[bool, ...]:
        return tuple(hasattr(x, "dtype") and x.dtype in self.target.inexact for x in inputs)

    def grad_for(self, out: Any, change: Change = np.array) -> Any:
        """A gradient of the shape and dtype of `out`, or of each of several outcomes."""
        if isinstance(out, tuple):
            return tuple(self.grad_for(each, change) for each in out)
        (host,) = self.values(out)
        grad = np.asarray(np.random.default_rng(7).normal(size=host.shape), host.dtype)
        return self.brought(change(grad) if grad.ndim else grad)

    def tensors(self, x: Any) -> list[Any]:
        return [wrap(each, self.target) for each in arrays_in(x)]

    def with_and_without(self, kernel: Kernel, sample: Sample, dtype: str, run: Callable[..., Any]) -> Spy:
        """run(outs, leaves) has the same result with the kernel, which is asked, and by the rule alone."""
        op, spy, results = OPS[sample.name], Spy(kernel), []
        for kernels in ((), (spy,)):
            inputs = self.inputs(sample, dtype)
            tensors = [wrap(x, self.target) if hasattr(x, "dtype") else x for x in inputs]
            leaves = [x.requires_grad_() for x, needed in zip(tensors, self.needs(inputs), strict=True) if needed]
            with offered(self.device, sample.name, *kernels):
                out = apply(op, *tensors, **sample.attrs)
                outs = out if isinstance(out, tuple) else (out,)
                results.append([t._array for t in (*outs, *run(outs, leaves))])
        self.assert_same(results[1], results[0])
        return spy

    # What is asked

    def test_forward_is_the_rule(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        inputs = self.inputs(sample, dtype)
        found = self.ask(kernel, sample, inputs)
        assert found is not NotImplemented, "declined a dtype that it should accept"
        self.assert_same(found, self.rule(sample, inputs))

    def test_vjp_is_the_rule(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        inputs = self.inputs(sample, dtype)
        grad = self.grad_for(self.rule(sample, inputs))
        found = self.ask(kernel, sample, inputs, grad)
        assert found is not NotImplemented, "declined a dtype that it should accept"
        expected = self.rule(sample, inputs, grad)
        self.assert_same(found, expected)
        for i, needed in enumerate(self.needs(inputs)):
            if needed:
                alone = tuple(i == j for j in range(len(inputs)))
                self.assert_same(self.ask(kernel, sample, inputs, grad, alone)[i], expected[i])

    def test_finite_differences(self, kernel: Kernel, sample: Sample) -> None:
        """The rule's slope along some direction: the kernel's gradient has to give the same."""
        dtype = self.dtypes[-1]
        h, draw, inputs = float(np.finfo(dtype).eps) ** (1 / 3), np.random.default_rng(11), self.inputs(sample, dtype)
        along = [draw.normal(size=x.shape).astype(dtype) if n else 0 for x, n in zip(inputs, self.needs(inputs))]

        def moved(step: float) -> list[np.ndarray]:
            to = [x + self.brought(step * d) if np.ndim(d) else x for x, d in zip(inputs, along, strict=True)]
            return self.values(self.rule(sample, to))

        grad = self.grad_for(self.rule(sample, inputs))
        slopes = [(up - down) / (2 * h) for up, down in zip(moved(h), moved(-h), strict=True)]
        slope = sum(np.sum(g * each) for g, each in zip(self.values(grad), slopes, strict=True))
        pairs = zip(self.ask(kernel, sample, inputs, grad), along, strict=True)
        found = sum(np.sum(self.values(g)[0] * d) for g, d in pairs if np.ndim(d))
        np.testing.assert_allclose(found, slope, rtol=100 * h**2, atol=100 * h**2)

    @pytest.mark.parametrize("kind", SPECIALS)
    def test_nan_and_infinities(self, kernel: Kernel, sample: Sample, dtype: str, kind: str) -> None:
        inputs = self.inputs(sample, dtype, SPECIALS[kind])
        out = self.rule(sample, inputs)
        self.assert_same(self.ask(kernel, sample, inputs), out)
        for grad in (self.grad_for(out), self.grad_for(out, SPECIALS[kind])):
            self.assert_same(self.ask(kernel, sample, inputs, grad), self.rule(sample, inputs, grad))

    @pytest.mark.parametrize("kind", UNUSUAL)
    def test_unusual_inputs_are_right_or_declined(self, kernel: Kernel, sample: Sample, dtype: str, kind: str) -> None:
        inputs = self.inputs(sample, dtype, UNUSUAL[kind])
        found = self.ask(kernel, sample, inputs)
        if found is not NotImplemented:
            self.assert_same(found, self.rule(sample, inputs))

    @pytest.mark.parametrize("kind", LAYOUTS)
    def test_gradients_of_any_layout(self, kernel: Kernel, sample: Sample, dtype: str, kind: str) -> None:
        inputs = self.inputs(sample, dtype)
        grad = self.grad_for(self.rule(sample, inputs), LAYOUTS[kind])
        found = self.ask(kernel, sample, inputs, grad)
        if found is not NotImplemented:
            self.assert_same(found, self.rule(sample, inputs, grad))

    def test_what_it_is_given_stays(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        inputs = self.inputs(sample, dtype)
        out, residuals = kernel.forward(*inputs, **sample.attrs)
        grad = self.grad_for(out)
        given = arrays_in([*inputs, grad, out, residuals])
        before = self.values(given)
        assert kernel.vjp is not None
        grads = kernel.vjp(self.needs(inputs), grad, residuals, out, *inputs, **sample.attrs)
        for x, old in zip(given, before, strict=True):
            np.testing.assert_array_equal(self.target.to_numpy(x), old)
            assert not any(self.target.shares_memory(x, each) for each in arrays_in(grads))
        for each in arrays_in(out):
            assert not any(self.target.shares_memory(x, each) for x in arrays_in([*inputs, residuals]))

    def test_residuals_are_small(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        inputs = self.inputs(sample, dtype)
        _, residuals = kernel.forward(*inputs, **sample.attrs)
        kept = sum(x.nbytes for x in self.values(residuals))
        assert kept <= self.residuals_part * max(x.nbytes for x in self.values(inputs))

    def test_the_door_uses_it(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        def back(outs: Any, leaves: list[Any]) -> Any:
            return candle.autograd.grad(outs, leaves, self.tensors([self.grad_for(t._array) for t in outs]))

        assert self.with_and_without(kernel, sample, dtype, back).calls == ["forward", "vjp"]

    def test_second_derivatives_are_the_rules(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        def back_twice(outs: Any, leaves: list[Any]) -> Any:
            grads = [grad.requires_grad_() for grad in self.tensors([self.grad_for(t._array) for t in outs])]
            first: Any = candle.autograd.grad(outs, leaves, grads, create_graph=True)
            squares, ends = [(g * g).sum() for g in first], [*leaves, *grads]
            return *first, *candle.autograd.grad(squares, ends, materialize_grads=True)

        assert self.with_and_without(kernel, sample, dtype, back_twice).calls == ["forward"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
class MutatingKernelSuite(Suite):
    """For the kernel of a MutatingOp: a sample's inputs are lists of arrays, and numbers."""

    op: type[MutatingOp]

    def written(self, inputs: Any) -> list[Any]:
        return [x for name, each in zip(self.op.inputs, inputs, strict=True) if name in self.op.mutates for x in each]

    def rule(self, sample: Sample, inputs: Any) -> list[Any]:
        return [x for each in self.op.forward(self.target.xp, *inputs, **sample.attrs) for x in each]

    def check(self, kernel: Kernel, sample: Sample, inputs: Any) -> Any:
        """The kernel writes what the rule computes, or declines and writes nothing."""
        arrays, before, expected = arrays_in(inputs), self.values(inputs), self.values(self.rule(sample, inputs))
        answer = kernel.forward(*inputs, **sample.attrs)
        written = [] if answer is NotImplemented else self.written(inputs)
        self.assert_same(written, self.brought(expected[: len(written)]))
        for x, old in zip(arrays, before, strict=True):
            if not any(x is each for each in written):
                np.testing.assert_array_equal(self.target.to_numpy(x), old)
        return answer

    def test_writes_what_the_rule_computes(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        assert self.check(kernel, sample, self.inputs(sample, dtype)) is None, "declined, or returned something"

    @pytest.mark.parametrize("kind", SPECIALS)
    def test_nan_and_infinities(self, kernel: Kernel, sample: Sample, dtype: str, kind: str) -> None:
        self.check(kernel, sample, self.inputs(sample, dtype, SPECIALS[kind]))

    @pytest.mark.parametrize("kind", UNUSUAL)
    def test_unusual_inputs_are_right_or_declined(self, kernel: Kernel, sample: Sample, dtype: str, kind: str) -> None:
        self.check(kernel, sample, self.inputs(sample, dtype, UNUSUAL[kind]))

    @pytest.mark.parametrize("kind", LAYOUTS)
    def test_only_what_is_read_may_be_of_any_layout(
        self, kernel: Kernel, sample: Sample, dtype: str, kind: str
    ) -> None:
        pairs = zip(self.op.inputs, self.inputs(sample, dtype), self.inputs(sample, dtype, LAYOUTS[kind]), strict=True)
        self.check(kernel, sample, tuple(usual if name in self.op.mutates else other for name, usual, other in pairs))

    def test_the_door_uses_it(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        """... into the same memory; and whoever has kept the old values is told."""
        inputs = self.inputs(sample, dtype)
        expected, spy = self.rule(sample, inputs), Spy(kernel)
        tensors = [[wrap(x, self.target) for x in each] if isinstance(each, list) else each for each in inputs]
        changed = self.written(tensors)
        before = [(t._array, t._version) for t in changed]
        with offered(self.device, self.op.name, spy):
            mutate(self.op, *tensors, **sample.attrs)
        assert spy.calls == ["forward"]
        for t, (array, version) in zip(changed, before, strict=True):
            assert t._array is array
            assert t._version > version
        self.assert_same([t._array for t in changed], expected)

    def test_allocates_next_to_nothing(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        """As far as Python is told: NumPy tells it."""
        inputs = self.inputs(sample, dtype)
        kernel.forward(*inputs, **sample.attrs)  # compiles, perhaps
        tracemalloc.start()
        try:
            kernel.forward(*inputs, **sample.attrs)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak <= 0.1 * sum(x.nbytes for x in self.values(inputs)) + 20_000
