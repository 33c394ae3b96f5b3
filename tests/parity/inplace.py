"""`x.op_(...)`: the value it leaves, and the gradient through a non-leaf it changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.testing._internal.opinfo.core import SampleInput

from .compare import Mismatch, same
from .convert import Call
from .gradients import Side, same_gradients
from .oracle import TORCH, TorchRefuses, ask
from .subject import Subject, dtype_name
from .tables import is_unpredictable, tolerance


def check_inplace(case: Any, sample: SampleInput) -> None:
    """Every in-place spelling; what torch refuses to do in place must be refused."""
    for name, inplace in case.mapping.inplace.items():
        is_operator = name.startswith("operator.")
        if not (is_operator and (sample.kwargs or len(sample.args) > 1)):
            theirs = case.op.inplace_operator_variant if is_operator else case.op.inplace_variant
            _check(case, sample, name, theirs, inplace)


def _check(case: Any, sample: SampleInput, name: str, theirs: Callable[..., Any], ours: Callable[..., Any]) -> None:
    options = {"values": not is_unpredictable(case.op, sample), "tolerance": tolerance(case.op, case.dtype)}
    try:
        expected, their_clone, their_leaves = ask(_change, TORCH, theirs, sample)
    except TorchRefuses as refusal:
        return _must_refuse(case, sample, name, ours, refusal)
    actual, our_clone, our_leaves = _change(case.subject, ours, sample)
    same(expected, actual, TORCH, case.subject, where=f"result of {name}", **options)
    same(their_clone, our_clone, TORCH, case.subject, where=f"input after {name}", **options)
    if their_leaves and expected.requires_grad and options["values"]:
        shapes = [(tuple(expected.shape), dtype_name(expected.dtype))]
        left = Side(TORCH, [expected], their_leaves, shapes, case.op.full_name)
        right = Side(case.subject, [actual], our_leaves, shapes, case.op.full_name)
        same_gradients(case, left, ask(left.first), right.first(), f"gradient through {name}")
    return None


def _change(subject: Subject, inplace: Callable[..., Any], sample: SampleInput) -> tuple[Any, Any, list[Any]]:
    """(result, the changed clone, the leaves behind it)."""
    call = Call(sample, subject)
    clone = call.args[0].clone()
    return inplace(clone, *call.args[1:], **call.kwargs), clone, call.leaves


def _must_refuse(case: Any, sample: SampleInput, name: str, ours: Callable[..., Any], refusal: Exception) -> None:
    try:
        _change(case.subject, ours, sample)
    except Exception:
        return
    raise Mismatch("answers", f"{name} must raise; torch: {refusal}")
