"""Results of which several are right, brought to one form before they are compared.

Only where the plain comparison found different values: eigenvectors are unique up to
a sign, and a sort that is not stable may return equal elements in any order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch.testing._internal.opinfo.core import OpInfo, SampleInput

from . import mapping
from .compare import EXACT, Mismatch, same, same_array
from .convert import tensors_in
from .oracle import TORCH
from .subject import Subject

# Ops whose indices may point at any of several equal elements, and where `dim` stands
# among their arguments. (max and min promise the first.)
INDICES_OF_EQUALS = {"sort": 0, "argsort": 0, "topk": 1, "kthvalue": 1, "median": 0, "nanmedian": 0, "mode": 0}


def same_result(op: OpInfo, sample: SampleInput, expected: Any, actual: Any, subject: Subject, **options: Any) -> None:
    """`same`, up to what is ambiguous about this op."""
    try:
        same(expected, actual, TORCH, subject, **options)
    except Mismatch as mismatch:
        if mismatch.reason != "values":
            raise
        if has_free_signs(sample):
            process = sample.output_process_fn_grad
            same(process(expected), mapping.rebound(process, subject)(actual), TORCH, subject, **options)
        elif op.name in INDICES_OF_EQUALS and not sample.kwargs.get("stable"):
            _same_elements(op, sample, expected, actual, subject, options.get("where", "output"))
        else:
            raise


def has_free_signs(sample: SampleInput) -> bool:
    """Whether torch's sample brings a rule for what to compare, such as |eigenvectors|."""
    return sample.output_process_fn_grad.__qualname__ != "SampleInput.__init__.<locals>.<lambda>"


def _same_elements(op: OpInfo, sample: SampleInput, expected: Any, actual: Any, subject: Subject, where: str) -> None:
    """The last output, the indices, must point at the same elements; the others are the same."""
    theirs = [TORCH.array(each) for each in tensors_in(expected, TORCH)]
    ours = [subject.array(each) for each in tensors_in(actual, subject)]
    for left, right in zip(theirs[:-1], ours[:-1]):
        same_array(left, right, EXACT, where)
    left, right = _elements(op, sample, theirs[-1]), _elements(op, sample, ours[-1])
    same_array(left, right, EXACT, f"elements at the indices of the {where}")


def _elements(op: OpInfo, sample: SampleInput, indices: np.ndarray) -> np.ndarray:
    source = TORCH.array(sample.input)
    position = INDICES_OF_EQUALS[op.name]
    dim = sample.kwargs.get("dim", sample.args[position] if len(sample.args) > position else -1)
    if not source.ndim:
        return indices
    if indices.ndim < source.ndim:
        indices = np.expand_dims(indices, dim)
    return np.take_along_axis(source, indices, dim)
