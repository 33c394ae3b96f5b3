"""Forward values, dtypes and shapes: of the function, of the method, and under promotion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.testing._internal.opinfo.core import SampleInput

from .ambiguity import same_result
from .compare import Mismatch, same, same_tensor
from .convert import Call, tensors_in
from .oracle import TORCH, TorchRefuses, ask
from .subject import Subject, Unconvertible
from .tables import is_unpredictable, tolerance

PARTNERS = ("bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64")
NUMBERS = (True, 2, 1.5, 1j)


def check_forward(case: Any, sample: SampleInput) -> None:
    """The function's result, and what became of its arguments."""
    options = {"values": not is_unpredictable(case.op, sample), "tolerance": tolerance(case.op, case.dtype)}
    expected_call, actual_call = Call(sample, TORCH), Call(sample, case.subject)
    expected = ask(case.op.op, *expected_call.args, **expected_call.kwargs)
    actual = case.mapping.function(*actual_call.args, **actual_call.kwargs)
    same_result(case.op, sample, expected, actual, case.subject, **options)
    stays_on_device(actual_call, actual, case.subject)
    same_arguments(expected_call, actual_call, case.subject, **options)


def check_method(case: Any, sample: SampleInput) -> None:
    """`x.op(...)` and the operator say what the function says."""
    options = {"values": not is_unpredictable(case.op, sample), "tolerance": tolerance(case.op, case.dtype)}
    for name, method in case.mapping.methods.items():
        if name.startswith("operator.") and (sample.kwargs or len(sample.args) > 1):
            continue
        call = Call(sample, TORCH)
        theirs = case.op.operator_variant if name.startswith("operator.") else case.op.method_variant
        expected = ask(theirs, *call.args, **call.kwargs)
        call = Call(sample, case.subject)
        actual = method(*call.args, **call.kwargs)
        same_result(case.op, sample, expected, actual, case.subject, where=name, **options)


def check_promotion(case: Any, sample: SampleInput) -> None:
    """The dtype (and shape) of the result, for one argument after another in each dtype."""
    compared, wrong, reasons = 0, {}, set()
    for changed, label in promoted(sample, getattr(torch, case.dtype)):
        try:
            _check_dtypes(case, changed)
            compared += 1
        except (TorchRefuses, Unconvertible):  # Unconvertible: complex32, say
            continue
        except NotImplementedError as error:
            case.outcome.note(error)
        except Mismatch as mismatch:
            wrong.setdefault(str(mismatch), []).append(label)
            reasons.add(mismatch.reason)
    if wrong:
        text = "; ".join(f"{message} for {', '.join(labels)}" for message, labels in wrong.items())
        raise Mismatch(", ".join(sorted(reasons)), text)
    if not compared:
        raise TorchRefuses("nothing to promote")


def _check_dtypes(case: Any, sample: SampleInput) -> None:
    call = Call(sample, TORCH)
    expected = ask(case.op.op, *call.args, **call.kwargs)
    call = Call(sample, case.subject)
    try:
        actual = case.mapping.function(*call.args, **call.kwargs)
    except NotImplementedError:
        raise
    except Exception as error:
        raise Mismatch(f"raises {type(error).__name__}", f"{type(error).__name__}: {error}") from error
    same(expected, actual, TORCH, case.subject, values=False)


def promoted(sample: SampleInput, dtype: torch.dtype) -> Iterator[tuple[SampleInput, str]]:
    """The sample with one of its tensors of `dtype` at a time in another, or as a number."""
    tensors = [t for t in Call(sample, TORCH).tensors if t.dtype == dtype]
    for position in range(len(tensors)):
        for base in ("float32", "int64") if len(tensors) > 1 else ("float32",):
            for partner in PARTNERS:
                dtypes = [partner if i == position else base for i in range(len(tensors))]
                yield _cast(sample, dtype, dtypes), " and ".join(dtypes)
    if len(sample.args) == 1 and isinstance(sample.args[0], torch.Tensor) and not sample.kwargs:
        for partner in PARTNERS:
            for number in NUMBERS:
                other = SampleInput(sample.input.to(getattr(torch, partner)), args=(number,))
                yield other, f"{partner} and the number {number}"


def _cast(sample: SampleInput, dtype: torch.dtype, dtypes: list[str]) -> SampleInput:
    remaining, seen = iter(dtypes), {}

    def cast(value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or value.dtype != dtype:
            return value
        if id(value) not in seen:
            seen[id(value)] = value.abs().clamp(1, 2).to(getattr(torch, next(remaining)))
        return seen[id(value)]

    return sample.transform(cast)


def same_arguments(expected: Call, actual: Call, subject: Subject, **options: Any) -> None:
    """What the call did to its arguments (nothing, mostly; running statistics move)."""
    for i, (theirs, ours) in enumerate(zip(expected.tensors, actual.tensors)):
        same_tensor(theirs, ours, TORCH, subject, where=f"argument {i} after the call", **options)


def stays_on_device(call: Call, result: Any, subject: Subject) -> None:
    """What goes in on a device comes out on it: no silent return to the host."""
    if call.tensors or call.kwargs.get("device"):
        for tensor in tensors_in(result, subject):
            if str(tensor.device).partition(":")[0] != subject.device:
                raise Mismatch("device", f"output: expected on {subject.device}, got {tensor.device}")
