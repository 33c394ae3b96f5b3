"""`assert_close`: that two results agree, or where and by how much they do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from candle import _dtypes
from candle._tensor import Tensor
from candle.ops.creation import from_numpy, tensor
from candle.ops.indexing import unravel_index

__all__ = ["assert_close"]

# (rtol, atol) where none are given; other dtypes must be equal. Those of PyTorch
TOLERANCES = {
    **{"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)},
    **{"complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7)},
}
NUMBERS = (bool, int, float, complex)


@dataclass(frozen=True)
class Comparison:
    """What counts as close."""

    tolerance: tuple[float, float] | None
    equal_nan: bool
    attributes: tuple[str, ...]

    def check(self, actual: Any, expected: Any, place: str = "") -> None:
        """Raise an AssertionError for the first difference."""
        at = f"\n\nThe failure occurred for item {place}" if place else ""
        if isinstance(actual, Tensor) and isinstance(expected, Tensor):
            self.check_tensors("Tensor-likes", actual, expected, at)
        elif isinstance(actual, np.ndarray) and isinstance(expected, np.ndarray):
            self.check_tensors("Tensor-likes", from_numpy(actual), from_numpy(expected), at)
        elif isinstance(actual, NUMBERS) and isinstance(expected, NUMBERS):
            if "dtype" in self.attributes and type(actual) is not type(expected):
                raise AssertionError(f"The (d)types do not match: {type(actual)} != {type(expected)}.{at}")
            self.check_tensors("Scalars", _of_number(actual), _of_number(expected), at)
        elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
            if actual.keys() != expected.keys():
                raise AssertionError(f"The keys of the mappings do not match: {[*actual]} != {[*expected]}{at}")
            for key in actual:
                self.check(actual[key], expected[key], f"{place}[{key!r}]")
        elif _is_sequence(actual) and _is_sequence(expected):
            if len(actual) != len(expected):
                raise AssertionError(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}{at}")
            for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
                self.check(a, e, f"{place}[{i}]")
        elif actual is not None and expected is not None:
            raise TypeError(f"assert_close: cannot compare {type(actual).__name__} and {type(expected).__name__}{at}")
        elif actual is not expected:
            raise AssertionError(f"None mismatch: {actual} is not {expected}{at}")

    def check_tensors(self, what: str, actual: Tensor, expected: Tensor, at: str) -> None:
        for name in ("shape", *self.attributes):
            a, e = (getattr(x, name)() if name == "stride" else getattr(x, name) for x in (actual, expected))
            if a != e:
                raise AssertionError(f"The values for attribute {name!r} do not match: {a} != {e}.{at}")
        with np.errstate(all="ignore"):  # inf - inf, and whatever else the values bring
            told = self.difference(actual.detach().cpu(), expected.detach().cpu())
        if told:
            raise AssertionError(f"{what} are not {told}{at}")

    def difference(self, actual: Tensor, expected: Tensor) -> str:
        """What to tell of values that are not close; empty where they are."""
        both = [TOLERANCES.get(x.dtype.name, (0.0, 0.0)) for x in (actual, expected)]
        rtol, atol = self.tolerance or (max(both[0][0], both[1][0]), max(both[0][1], both[1][1]))
        wide = _dtypes.promote_types(actual.dtype, expected.dtype)
        if wide.category < _dtypes.FLOAT:
            wide = _dtypes.int64
        a, e = actual.to(wide), expected.to(wide)
        close = a.isclose(e, rtol=rtol, atol=atol, equal_nan=self.equal_nan)
        if close.all():
            return ""
        off, count = (a - e).abs().masked_fill(close, 0), int((~close).sum())
        lines = [f"Mismatched elements: {count} / {a.numel()} ({100 * count / a.numel():.1f}%)"]
        for name, by, allowed in (("absolute", off, atol), ("relative", off / e.abs(), rtol)):
            by = by.masked_fill(close, 0)
            place, limit = by.argmax(), f" (up to {allowed} allowed)" if rtol or atol else ""
            index = tuple(int(i) for i in unravel_index(place, a.shape))
            lines.append(f"Greatest {name} difference: {by[index].item()} at index {index}{limit}")
        return "\n".join([f"{'close' if rtol or atol else 'equal'}!\n", *lines])


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise an AssertionError unless |actual - expected| <= atol + rtol |expected| everywhere.

    For tensors, arrays, numbers, and sequences and mappings of them. Tolerances go by the dtype, unless given.

    >>> import candle
    >>> candle.testing.assert_close(candle.ones(2), candle.ones(2) + 1e-7)
    """
    if (rtol is None) != (atol is None):
        raise ValueError(f"assert_close: give both rtol and atol or none, got rtol={rtol} and atol={atol}")
    tolerance = None if rtol is None or atol is None else (rtol, atol)
    wanted = {"device": check_device, "dtype": check_dtype, "layout": check_layout, "stride": check_stride}
    comparison = Comparison(tolerance, equal_nan, tuple(name for name, check in wanted.items() if check))
    try:
        comparison.check(actual, expected)
    except AssertionError as error:
        if msg is None:
            raise
        raise AssertionError(msg(str(error)) if callable(msg) else msg) from None


def _of_number(x: Any) -> Tensor:
    return tensor(x, dtype=_dtypes.GIVEN[type(x)])  # in double precision


def _is_sequence(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str | bytes)
