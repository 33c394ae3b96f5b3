"""Calls that must fail: candle may choose the exception, not the silence."""

from __future__ import annotations

from typing import Any

from torch.testing._internal.opinfo.core import ErrorInput

from .compare import Mismatch
from .convert import Call
from .oracle import TORCH, TorchRefuses
from .tables import may_answer


def check_errors(case: Any, error: ErrorInput) -> None:
    message = torch_message(case, error)
    call = Call(error.sample_input, case.subject)
    try:
        answer = case.mapping.function(*call.args, **call.kwargs)
    except Exception:
        return
    if not may_answer(case.op, message):
        raise Mismatch("answers", f"must raise, but returned a {type(answer).__name__}; torch: {message}")


def torch_message(case: Any, error: ErrorInput) -> str:
    call = Call(error.sample_input, TORCH)
    try:
        case.op.op(*call.args, **call.kwargs)
    except Exception as refused:
        return f"{type(refused).__name__}: {refused}".splitlines()[0]
    raise TorchRefuses("torch answers on this platform")
