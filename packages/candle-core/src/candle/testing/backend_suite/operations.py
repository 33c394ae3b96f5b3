"""Every op: its values and gradients are the CPU's and those of finite differences, twice over."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import candle
from candle._apply import apply
from candle.autograd import grad, gradcheck, gradgradcheck
from candle.op import OPS
from candle.testing.backend_suite.base import Suite, assert_same, for_each, numpy_dtype, tensor_on, values
from candle.testing.samples import SAMPLES, TURNING, Sample, missing

HALVES = ("float16", "bfloat16")


def dtype_of(sample: Sample) -> str:
    complex_ = any(getattr(x, "dtype", None) == np.complex128 for x in sample.inputs)
    complex_ = complex_ or OPS[sample.name].contract == "as_complex"  # which makes such of real ones
    asked = getattr(sample.attrs.get("dtype"), "name", "float64")
    return "complex128" if complex_ or asked == "complex128" else "float64"


def samples(supports: list[str]) -> dict[str, Sample]:
    """In double precision, as they are."""
    numbered = ((f"{name}-{i}", s) for name, all_ in SAMPLES.items() for i, s in enumerate(all_))
    return {key: s for key, s in numbered if dtype_of(s) in supports and "float64" in supports}


def single(supports: list[str]) -> dict[str, tuple[str, list[Sample]]]:
    """All real samples of an op, in each of the smaller precisions."""
    smaller = [d for d in ("float32", *HALVES) if d in supports]
    return {
        f"{name}-{d}": (d, [s for s in all_ if dtype_of(s) == "float64"])
        for name, all_ in SAMPLES.items()
        for d in smaller
        if not (OPS[name].extension and d in HALVES)  # where linear algebra has no half precision
    }


def run(device: str, sample: Sample) -> tuple[list[Any], list[Any]]:
    """The inputs and outputs of one call on a device."""
    inputs = [tensor_on(device, x, requires_grad=True) for x in sample.inputs]
    out = call(sample, *inputs)
    return inputs, list(out) if isinstance(out, tuple) else [out]


def call(sample: Sample, *inputs: Any) -> Any:
    """What the op says, as far as that is unique."""
    out = apply(OPS[sample.name], *inputs, **sample.attrs)
    return tuple(each.abs() for each in out) if sample.name in TURNING else out


def carrying(sample: Sample, *inputs: Any) -> Any:
    """The outputs that have a gradient, of those that the op has."""
    out = call(sample, *inputs)
    silent = OPS[sample.name].no_grad_outputs
    return tuple(o for i, o in enumerate(out) if i not in silent) if isinstance(out, tuple) else out


def lacks(device: str, sample: Sample) -> bool:
    """Whether the device is without the extension of the standard that the op needs, and says so."""
    if not OPS[sample.name].extension:
        return False
    try:
        run(device, sample)
    except NotImplementedError:
        return True
    return False


def gradients(inputs: list[Any], outputs: list[Any]) -> list[np.ndarray | None]:
    """By every input, of the outputs weighted one by one."""
    carrying = [o for o in outputs if o.requires_grad]
    leaves = [x for x in inputs if isinstance(x, candle.Tensor) and x.requires_grad]
    if not carrying or not leaves:
        return []
    device = leaves[0].device
    weights = [tensor_on(str(device), (np.arange(o.numel()) % 5 - 1.7).reshape(o.shape)).to(o.dtype) for o in carrying]
    found = grad(carrying, leaves, weights, allow_unused=True)
    assert all(g is None or (g.device == x.device and g.dtype is x.dtype) for g, x in zip(found, leaves, strict=True))
    return [None if g is None else values(g) for g in found]


def in_precision(sample: Sample, dtype: str) -> Sample:
    kind = numpy_dtype(dtype)
    inputs = (x.astype(kind) if getattr(x, "dtype", None) == np.float64 else x for x in sample.inputs)
    return Sample(sample.name, tuple(inputs), sample.attrs, sample.smooth)


class OpTests(Suite):
    """The ops."""

    every_element = False  # whether differences go along each element by itself, as they do for the CPU, or along all

    def test_every_op_has_a_sample(self) -> None:
        assert missing() == []

    def test_a_function_with_a_gradient_of_its_own(self, backend: str) -> None:
        class Cube(candle.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x * x * x

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                (x,) = ctx.saved_tensors
                return grad * 3 * x * x

        x = candle.tensor([1.0, -2.0], device=backend, requires_grad=True)
        first: Any = grad(Cube.apply(x).sum(), x, create_graph=True)[0]
        second: Any = grad(first.sum(), x)[0]
        assert (first.tolist(), second.tolist()) == ([3, 12], [6, -12])

    @for_each(samples)
    def test_op(self, backend: str, target: Any, case: Sample) -> None:
        """Values and gradients, against the CPU; the inputs stay what they were, and only views share their memory."""
        if lacks(backend, case):
            return
        inputs, outs = run(backend, case)
        host_inputs, host_outs = run("cpu", case)
        assert_same(list(map(values, outs)), list(map(values, host_outs)), case)
        assert_same(gradients(inputs, outs), gradients(host_inputs, host_outs), f"gradients of {case}")
        for x, given in zip(inputs, case.inputs, strict=True):
            if isinstance(given, np.ndarray):
                assert_same(values(x), given, f"{case} changed its input")
                shared = target.aliases and any(target.shares_memory(o.current(), x.current()) for o in outs)
                assert not shared or OPS[case.name].view, f"{case} returns its input's memory"

    @for_each(lambda supports: {name: s for name, s in samples(supports).items() if s.smooth})
    def test_op_against_differences(self, backend: str, case: Sample) -> None:
        """First and second derivatives, on the device, against finite differences."""
        if lacks(backend, case):
            return
        inputs, outs = run(backend, case)
        leaves = [x for x in inputs if isinstance(x, candle.Tensor) and x.requires_grad]
        if leaves and any(o.requires_grad for o in outs):
            for check in (gradcheck, gradgradcheck):
                assert check(partial(carrying, case), tuple(inputs), fast_mode=not self.every_element)

    @for_each(single)
    def test_op_in_single_precision(self, backend: str, case: tuple[str, list[Sample]]) -> None:
        """The dtype is kept, by values and gradients, and the values are right for it."""
        dtype, all_ = case
        all_ = [s for s in all_ if not lacks(backend, s)]
        for each in (in_precision(s, dtype) for s in all_ if dtype not in HALVES or s.smooth):
            inputs, outs = run(backend, each)
            host_inputs, host_outs = run("cpu", each)
            assert_same(list(map(values, outs)), list(map(values, host_outs)), each)
            if dtype not in HALVES:
                assert_same(gradients(inputs, outs), gradients(host_inputs, host_outs), f"gradients of {each}")
