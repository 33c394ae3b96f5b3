"""When two answers are the same answer, and what to say when they are not."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .subject import Subject, dtype_name


class Mismatch(AssertionError):
    """The subject answered otherwise. `reason` is the one-word kind kept in expected.json."""

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Tolerance:
    """|actual − expected| ≤ atol + rtol · |expected|."""

    rtol: float
    atol: float


# 1e-9 where there is room for it; torch.testing's own defaults for narrower types.
EXACT = Tolerance(0.0, 0.0)
TOLERANCES = {
    **dict.fromkeys(("float64", "complex128"), Tolerance(1e-9, 1e-9)),
    **dict.fromkeys(("float32", "complex64"), Tolerance(1.3e-6, 1e-5)),
    "float16": Tolerance(1e-3, 1e-5),
    "bfloat16": Tolerance(1.6e-2, 1e-5),
}


def same(expected: Any, actual: Any, oracle: Subject, subject: Subject, **options: Any) -> None:
    """Raise Mismatch unless two results agree: containers, fields, tensors and scalars.

    `values=False` looks at shapes and dtypes alone; `tolerance` replaces the dtype's own.
    """
    where = options.pop("where", "output")
    if oracle.is_tensor(expected):
        if not subject.is_tensor(actual):
            raise Mismatch("type", f"{where}: expected a tensor, got {type(actual).__name__}")
        return same_tensor(expected, actual, oracle, subject, where=where, **options)
    if isinstance(expected, list | tuple):
        if not isinstance(actual, list | tuple) or len(actual) != len(expected):
            raise Mismatch("type", f"{where}: expected {len(expected)} items, got {_kind(actual)}")
        _same_fields(expected, actual, where)
        for i, (e, a) in enumerate(zip(expected, actual)):
            same(e, a, oracle, subject, where=f"{where}[{i}]", **options)
        return None
    return _same_scalar(expected, actual, where, options.get("values", True))


def same_tensor(
    expected: Any,
    actual: Any,
    oracle: Subject,
    subject: Subject,
    where: str,
    values: bool = True,
    tolerance: Tolerance | None = None,
) -> None:
    dtype = dtype_name(expected.dtype)
    subject.dtype(dtype)  # Unconvertible where the subject has no such type at all
    if dtype_name(actual.dtype) != dtype:
        raise Mismatch("dtype", f"{where}: expected dtype {dtype}, got {dtype_name(actual.dtype)}")
    if tuple(actual.shape) != tuple(expected.shape):
        raise Mismatch("shape", f"{where}: expected shape {tuple(expected.shape)}, got {tuple(actual.shape)}")
    if values:
        tolerance = tolerance or TOLERANCES.get(dtype, EXACT)
        same_array(oracle.array(expected), subject.array(actual), tolerance, where)


def same_array(expected: np.ndarray, actual: np.ndarray, tolerance: Tolerance, where: str) -> None:
    """NaN equals NaN, an infinity itself; all else by the tolerance."""
    if expected.shape != actual.shape:
        raise Mismatch("shape", f"{where}: expected shape {expected.shape}, got values of {actual.shape}")
    if expected.dtype.kind in "fc":
        actual = actual.astype(expected.dtype)
    with np.errstate(all="ignore"):
        wrong = ~_close(expected, actual, tolerance)
    if wrong.any():
        raise Mismatch("values", f"{where}: {_describe(expected, actual, wrong)}")


def _close(expected: np.ndarray, actual: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    if expected.dtype.kind not in "fc":
        return np.asarray(expected == actual)
    if expected.dtype.kind == "c":
        finite = np.isfinite(expected) & np.isfinite(actual)
        parts = _close(expected.real, actual.real, tolerance) & _close(expected.imag, actual.imag, tolerance)
    else:
        finite = np.isfinite(expected) & np.isfinite(actual)
        parts = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
    near = np.abs(actual - expected) <= tolerance.atol + tolerance.rtol * np.abs(expected)
    return np.where(finite, near, parts)


def _describe(expected: np.ndarray, actual: np.ndarray, wrong: np.ndarray) -> str:
    """How many differ, the largest differences, and the first place where they do."""
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    text = f"{int(wrong.sum())} of {wrong.size} values differ"
    if expected.dtype.kind in "fciu":
        with np.errstate(all="ignore"):
            wide = expected.astype(np.complex128 if expected.dtype.kind == "c" else np.float64)
            error = np.abs(actual - wide)[wrong]
            relative = error / np.abs(wide)[wrong]
        text += f", max abs difference {_largest(error)}, max rel difference {_largest(relative)}"
    return f"{text}; first at {first}: expected {expected[first]}, got {actual[first]}"


def _largest(errors: np.ndarray) -> str:
    finite = errors[np.isfinite(errors)]
    return f"{finite.max():.3g}" if finite.size else "not finite"


def _same_fields(expected: Any, actual: Any, where: str) -> None:
    """`torch.max(x, 0).indices`: what torch gives a name must have it here too."""
    lacking = [name for name in fields(expected) if not hasattr(actual, name)]
    if lacking:
        raise Mismatch("fields", f"{where}: a {type(actual).__name__} without the field .{lacking[0]}")


def fields(value: Any) -> list[str]:
    """The names in a namedtuple or in one of torch.return_types."""
    if hasattr(value, "_fields"):
        return list(value._fields)
    if type(value).__module__ != torch.return_types.__name__:
        return []
    own = set(dir(type(value))) - set(dir(tuple))
    return sorted(name for name in own if not name.startswith(("_", "n_")))


def _same_scalar(expected: Any, actual: Any, where: str, values: bool) -> None:
    if isinstance(expected, numbers.Number) and isinstance(actual, numbers.Number):
        if isinstance(expected, bool) != isinstance(actual, bool | np.bool_):
            raise Mismatch("type", f"{where}: expected {expected!r}, got {actual!r}")
        if values:
            tolerance = EXACT if isinstance(expected, int) else TOLERANCES["float64"]
            same_array(np.asarray(expected), np.asarray(actual), tolerance, where)
        return
    comparable = type(expected) is type(actual) or (expected is None) == (actual is None)
    if not comparable or (values and dtype_name(expected) != dtype_name(actual)):
        raise Mismatch("type", f"{where}: expected {expected!r}, got {actual!r}")


def _kind(value: Any) -> str:
    return f"{len(value)} items" if isinstance(value, list | tuple) else f"one {type(value).__name__}"
