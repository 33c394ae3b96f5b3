"""First and second derivatives, for fixed random cotangents and directions."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.testing._internal.opinfo.core import SampleInput

from . import mapping
from .compare import EXACT, TOLERANCES, Mismatch, same_array
from .convert import Call, tensors_in
from .oracle import TORCH, TorchRefuses, ask
from .subject import Subject, dtype_name
from .tables import is_unpredictable, tolerance


def check_gradient(case: Any, sample: SampleInput) -> None:
    expected, actual = both_sides(case, sample)
    theirs = ask(expected.first)
    same_gradients(case, expected, theirs, actual.first(), "gradient")


def check_second(case: Any, sample: SampleInput) -> None:
    """d (gradient · directions) / d (arguments and cotangents)."""
    expected, actual = both_sides(case, sample)
    theirs = ask(expected.second)
    same_gradients(case, expected, theirs, actual.second(), "second derivative")


@dataclass
class Side:
    """One framework's outputs and leaves; both sides get the same random vectors."""

    subject: Subject
    outputs: list[Any]
    leaves: list[Any]
    shapes: list[tuple[tuple[int, ...], str]]  # of the differentiable outputs, as torch has them
    key: str

    def first(self) -> list[Any]:
        return self.subject.grad(self.outputs, self.leaves, self._cotangents())

    def second(self) -> list[Any]:
        cotangents = self._cotangents(requires_grad=True)
        first = self.subject.grad(self.outputs, self.leaves, cotangents, create_graph=True)
        shapes = self.places()[: len(self.leaves)]
        directions = [self._random("direction", i, *shape) for i, shape in enumerate(shapes)]
        return self.subject.grad(first, [*self.leaves, *cotangents], directions)

    def places(self) -> list[tuple[tuple[int, ...], str]]:
        """Shape and dtype of each gradient `second` returns; `first` returns as many as leaves."""
        return [(tuple(leaf.shape), dtype_name(leaf.dtype)) for leaf in self.leaves] + self.shapes

    def _cotangents(self, requires_grad: bool = False) -> list[Any]:
        return [self._random("cotangent", i, *shape, requires_grad) for i, shape in enumerate(self.shapes)]

    def _random(self, role: str, index: int, shape: tuple[int, ...], dtype: str, requires_grad: bool = False) -> Any:
        rng = np.random.default_rng(zlib.crc32(f"{self.key} {role} {index}".encode()))
        values = rng.standard_normal(shape)
        if dtype.startswith("complex"):
            values = values + 1j * rng.standard_normal(shape)
        return self.subject.tensor(np.asarray(values, dtype), requires_grad)


def both_sides(case: Any, sample: SampleInput) -> tuple[Side, Side]:
    if is_unpredictable(case.op, sample):
        raise TorchRefuses("random")
    theirs, their_leaves = _outputs(TORCH, case.op.op, case.op.gradcheck_wrapper, sample)
    wanted = [i for i, out in enumerate(theirs) if out.requires_grad]
    if not wanted or not their_leaves:
        raise TorchRefuses("nothing to differentiate")
    shapes = [(tuple(theirs[i].shape), dtype_name(theirs[i].dtype)) for i in wanted]
    wrapper = mapping.rebound(case.op.gradcheck_wrapper, case.subject)
    ours, our_leaves = _outputs(case.subject, case.mapping.function, wrapper, sample)
    if len(ours) != len(theirs):
        raise Mismatch("type", f"expected {len(theirs)} output tensors, got {len(ours)}")
    for i, (shape, _) in zip(wanted, shapes):
        if tuple(ours[i].shape) != shape:
            raise Mismatch("shape", f"output {i}: expected shape {shape}, got {tuple(ours[i].shape)}")
    return (
        Side(TORCH, [theirs[i] for i in wanted], their_leaves, shapes, case.op.full_name),
        Side(case.subject, [ours[i] for i in wanted], our_leaves, shapes, case.op.full_name),
    )


def same_gradients(case: Any, side: Side, expected: list[Any], actual: list[Any], what: str) -> None:
    """None and zeros are the same gradient."""
    bound = tolerance(case.op, case.dtype)
    for i, (theirs, ours, (shape, dtype)) in enumerate(zip(expected, actual, side.places())):
        where = f"{what} {i}"
        if ours is not None and (dtype_name(ours.dtype), tuple(ours.shape)) != (dtype, shape):
            raise Mismatch("gradient type", f"{where}: expected {dtype} {shape}, got {ours.dtype} {tuple(ours.shape)}")
        zeros = np.zeros(shape, dtype)
        same_array(
            zeros if theirs is None else TORCH.array(theirs),
            zeros if ours is None else case.subject.array(ours),
            bound or TOLERANCES.get(dtype, EXACT),
            where,
        )


def _outputs(
    subject: Subject, function: Callable[..., Any], wrapper: Any, sample: SampleInput
) -> tuple[list[Any], Any]:
    """The output tensors and the leaves of one call, through torch's own preparations:
    `wrapper` keeps, say, a symmetric argument symmetric when it is perturbed."""
    call = Call(sample, subject)
    process = sample.output_process_fn_grad
    if subject is TORCH:
        result = ask(lambda: process(wrapper(function, *call.args, **call.kwargs)))
    else:
        result = mapping.rebound(process, subject)(wrapper(function, *call.args, **call.kwargs))
    return list(tensors_in(result, subject)), call.leaves
