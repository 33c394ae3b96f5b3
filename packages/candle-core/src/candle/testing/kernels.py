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
from candle.testing.samples import SPECIAL, Sample

Change = Callable[[Any], Any]


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


# Inputs


def on_each(change: Change, x: Any) -> Any:
    """Every NumPy array of floats changed; what else there is stays."""
    if isinstance(x, list | tuple):
        return type(x)(on_each(change, each) for each in x)
    return change(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def arrays_in(x: Any) -> list[Any]:
    if isinstance(x, list | tuple):
        return [array for each in x for array in arrays_in(each)]
    return [x] if hasattr(x, "dtype") else []


def sprinkled(x: Any) -> Any:
    """With a special value in every ninth of it: in a row each, where there are rows enough."""
    x = np.array(x)
    x.reshape(-1)[np.arange(len(SPECIAL)) * x.size // len(SPECIAL)] = SPECIAL
    return x


def begun_with(value: float) -> Change:
    def change(x: Any) -> Any:
        x = np.array(x)
        x[:1] = value
        return x

    return change


def read_only(x: Any) -> Any:
    x = np.array(x)
    x.flags.writeable = False
    return x


SPECIALS: dict[str, Change] = {
    "sprinkled": sprinkled,
    **{f"a row of {value}": begun_with(value) for value in (np.nan, np.inf, -np.inf)},
}

# What few kernels are written for: to be computed as the rule does, or declined.
LAYOUTS: dict[str, Change] = {
    "transposed": lambda x: np.array(x.T, order="C").T if x.ndim > 1 else x[::-1],
    "every other": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[..., ::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
    "read-only": read_only,
    "unaligned": lambda x: np.frombuffer(b"-" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
}
UNUSUAL: dict[str, Change] = {
    **LAYOUTS,
    "whole numbers": lambda x: (4 * x).astype(np.int64),
    "float16": lambda x: x.astype(np.float16),
    "other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "one number": lambda x: np.array(x.reshape(-1)[0]),
    "one row": lambda x: x[:1],
    "no rows": lambda x: x[:0],
    "no columns": lambda x: x[..., :0],
}


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
        """A gradient of the shape and dtype of `out`."""
        (host,) = self.values(out)
        grad = np.asarray(np.random.default_rng(7).normal(size=host.shape), host.dtype)
        return self.brought(change(grad) if grad.ndim else grad)

    def with_and_without(self, kernel: Kernel, sample: Sample, dtype: str, run: Callable[..., Any]) -> Spy:
        """run(out, leaves) has the same result with the kernel, which is asked, and by the rule alone."""
        op, spy, results = OPS[sample.name], Spy(kernel), []
        for kernels in ((), (spy,)):
            inputs = self.inputs(sample, dtype)
            tensors = [wrap(x, self.target) if hasattr(x, "dtype") else x for x in inputs]
            leaves = [x.requires_grad_() for x, needed in zip(tensors, self.needs(inputs), strict=True) if needed]
            with offered(self.device, sample.name, *kernels):
                out = apply(op, *tensors, **sample.attrs)
                results.append([t._array for t in (out, *run(out, leaves))])
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

        def moved(step: float) -> np.ndarray:
            to = [x + self.brought(step * d) if np.ndim(d) else x for x, d in zip(inputs, along, strict=True)]
            return self.values(self.rule(sample, to))[0]

        grad = self.grad_for(self.rule(sample, inputs))
        slope = np.sum(self.values(grad)[0] * (moved(h) - moved(-h)) / (2 * h))
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
        given = arrays_in([*inputs, self.grad_for(out), out, residuals])
        before = self.values(given)
        assert kernel.vjp is not None
        grads = kernel.vjp(self.needs(inputs), given[len(arrays_in(inputs))], residuals, out, *inputs, **sample.attrs)
        for x, old in zip(given, before, strict=True):
            np.testing.assert_array_equal(self.target.to_numpy(x), old)
            assert not any(self.target.shares_memory(x, each) for each in arrays_in(grads))
        assert not any(self.target.shares_memory(x, out) for x in arrays_in(inputs))

    def test_residuals_are_small(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        inputs = self.inputs(sample, dtype)
        _, residuals = kernel.forward(*inputs, **sample.attrs)
        kept = sum(x.nbytes for x in self.values(residuals))
        assert kept <= self.residuals_part * max(x.nbytes for x in self.values(inputs))

    def test_the_door_uses_it(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        def back(out: Any, leaves: list[Any]) -> Any:
            return candle.autograd.grad(out, leaves, wrap(self.grad_for(out._array), self.target))

        assert self.with_and_without(kernel, sample, dtype, back).calls == ["forward", "vjp"]

    def test_second_derivatives_are_the_rules(self, kernel: Kernel, sample: Sample, dtype: str) -> None:
        def back_twice(out: Any, leaves: list[Any]) -> Any:
            grad = wrap(self.grad_for(out._array), self.target).requires_grad_()
            first: Any = candle.autograd.grad(out, leaves, grad, create_graph=True)
            squares, ends = [(g * g).sum() for g in first], [*leaves, grad]
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
