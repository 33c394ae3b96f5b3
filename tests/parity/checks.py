"""Which checks an entry of op_db gets, and how one of them is run over its samples."""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.testing._internal.opinfo.core import OpInfo

from . import mapping, oracle
from .compare import Mismatch
from .errors import check_errors
from .gradients import check_gradient, check_second
from .inplace import check_inplace
from .oracle import OPS, TorchRefuses
from .subject import Subject, Unconvertible
from .tables import fits, never_predictable
from .values import check_forward, check_method, check_promotion

FORWARD = ("float64", "float32", "int64", "bool", "complex128")
DIFFERENTIABLE = ("float64", "complex128")
DEVICES = ("cpu", "strict")  # strict: the array-API fake that stands for every other device

KINDS: dict[str, Callable[..., None]] = {
    "forward": check_forward,
    "gradient": check_gradient,
    "second": check_second,
    "errors": check_errors,
    "inplace": check_inplace,
    "method": check_method,
    "promotion": check_promotion,
}


@dataclass(frozen=True)
class Check:
    """One question about one op, e.g. `gradient` in float64 on the strict device."""

    op: str
    kind: str
    dtype: str
    device: str

    @property
    def key(self) -> str:
        """Its name in expected.json."""
        return "-".join(filter(None, (self.kind, self.dtype, self.device)))

    @property
    def id(self) -> str:
        return "-".join(filter(None, (self.op, self.dtype, self.device)))


@dataclass
class Outcome:
    """What became of the samples: compared, unsupported (with the message), or failed."""

    compared: int = 0
    unsupported: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)

    def note(self, error: Exception) -> None:
        """An unsupported option: the message, without the sizes that differ by sample."""
        first = (str(error).splitlines() or [""])[0] or type(error).__name__
        self.unsupported.add(re.sub(r"(?<![\w.])-?\d+(\.\d+)?(?![\w.])", "N", first)[:160])


@dataclass
class Case:
    """What a check function is handed, along with one sample at a time."""

    op: OpInfo
    mapping: mapping.Mapping
    subject: Subject
    dtype: str
    outcome: Outcome


def candle(device: str = "cpu") -> Subject:
    """The subject these tests are about."""
    import candle

    if device == "strict":
        importlib.import_module("candle.testing.strict")
    return Subject(candle, device)


def checks_of(op: OpInfo, subject: Subject) -> Iterator[Check]:
    """Every check that fits an entry the subject has; none for one it has not."""
    mapped = mapping.find(op, subject)
    if mapped is not None:
        yield from (check for check in _checks_of(op, mapped) if fits(op, check.key))


def _checks_of(op: OpInfo, mapped: mapping.Mapping) -> Iterator[Check]:
    predictable = not never_predictable(op)
    for dtype in FORWARD:
        if oracle.supports(op, dtype):
            yield from (Check(op.full_name, "forward", dtype, device) for device in _devices(dtype))
    for dtype in DIFFERENTIABLE:
        if predictable and oracle.supports(op, dtype, backward=True):
            yield from (Check(op.full_name, "gradient", dtype, device) for device in _devices(dtype))
            if op.supports_gradgrad:
                yield Check(op.full_name, "second", dtype, "cpu")
    first = next((dtype for dtype in FORWARD if oracle.supports(op, dtype)), None)
    if mapped.inplace:
        for dtype in sorted({first, "int64"} - {None}):
            if oracle.supports(op, dtype):
                yield Check(op.full_name, "inplace", dtype, "cpu")
    if mapped.methods and first:
        yield Check(op.full_name, "method", first, "cpu")
    if first:
        yield Check(op.full_name, "promotion", first, "cpu")
    if op.error_inputs_func:
        yield Check(op.full_name, "errors", "", "cpu")


def run(check: Check, subject: Subject, full: bool = False) -> Outcome:
    """Put a check to the samples of a tier."""
    op = OPS[check.op]
    mapped = mapping.find(op, subject)
    assert mapped is not None, f"{check.op} is no longer covered"
    outcome = Outcome()
    case = Case(op, mapped, subject, check.dtype, outcome)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        everything = full or check.kind == "errors"  # there are few of them, each of another kind
        for index, sample in oracle.chosen(_samples(check, op), check.op + check.dtype, everything):
            judge(KINDS[check.kind], case, index, sample)
    return outcome


def judge(function: Callable[..., None], case: Case, index: int, sample: Any) -> None:
    outcome = case.outcome
    try:
        function(case, sample)
    except TorchRefuses:
        return
    except (NotImplementedError, Unconvertible) as error:
        if function is not check_errors:
            outcome.note(error)
        return
    except Mismatch as mismatch:
        reason, message = mismatch.reason, str(mismatch)
    except Exception as error:
        reason, message = f"raises {type(error).__name__}", f"{type(error).__name__}: {error} ({_origin(error)})"
    else:
        outcome.compared += 1
        return
    outcome.reasons.update(reason.split(", "))
    outcome.failures.append(f"{case.op.full_name}, sample {index}: {describe(sample)}\n    {message}")


def describe(sample: Any) -> str:
    """`f(float64[3, 4], dim=1)`: the shapes and dtypes of tensors, all else as it is."""
    sample = getattr(sample, "sample_input", sample)
    positional = [_brief(each) for each in (sample.input, *sample.args)]
    return f"({', '.join(positional + [f'{key}={_brief(each)}' for key, each in sample.kwargs.items()])})"


def _brief(value: Any) -> str:
    match value:
        case torch.Tensor():
            strided = "" if value.layout is not torch.strided or value.is_contiguous() else f" strides {value.stride()}"
            return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}{strided}"
        case list() | tuple():
            return f"({', '.join(map(_brief, value))})"
    return repr(value)


def _origin(error: Exception) -> str:
    """The last line of candle's own code the error came through."""
    trace, found = error.__traceback__, "outside candle"
    while trace:
        code = trace.tb_frame.f_code
        if "/candle/" in code.co_filename:
            found = f"{code.co_filename.rpartition('/candle/')[2]}:{trace.tb_lineno} in {code.co_name}"
        trace = trace.tb_next
    return found


def _samples(check: Check, op: OpInfo) -> list[Any]:
    if check.kind == "errors":
        return oracle.error_samples(op)
    if check.kind == "promotion":
        return oracle.samples(op, check.dtype)[:2]
    differentiable = oracle.supports(op, check.dtype, backward=True) and check.dtype in DIFFERENTIABLE
    wants_grad = {"gradient": True, "second": True, "inplace": differentiable and op.supports_inplace_autograd}
    return oracle.samples(op, check.dtype, requires_grad=bool(wants_grad.get(check.kind)))


def _devices(dtype: str) -> tuple[str, ...]:
    return DEVICES if dtype == "float64" else DEVICES[:1]
