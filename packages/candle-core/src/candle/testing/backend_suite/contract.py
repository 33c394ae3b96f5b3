"""Every name of the contract computes what NumPy says, on arrays and on Tensors."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from candle._namespace import namespace_of
from candle._tensor import wrap
from candle.backends import contract
from candle.testing.backend_suite import reference
from candle.testing.backend_suite.base import Suite, assert_same, for_each, numpy_dtype, on_device, values
from candle.testing.backend_suite.cases import CASES, DTYPE, Case, cast
from candle.testing.samples import floats, transposed

PARTS = {"float32": "complex64", "float64": "complex128"}  # what `as_complex` makes of them
KINDS = {"bool": "b", "complex64": "c", "complex128": "c"}


def kind_of(dtype: str) -> str:
    return KINDS.get(dtype) or {"u": "u", "i": "i"}.get(dtype[0], "f")


def names_and_dtypes(supports: list[str]) -> dict[str, Any]:
    """A test for each name in each dtype that has cases."""
    found: dict[str, Any] = {}
    for case in CASES:
        for dtype in supports:
            if case.name == "as_complex" and PARTS.get(dtype) not in supports:
                continue
            if kind_of(dtype) in case.kinds:
                found.setdefault(f"{case.name}-{dtype}", (dtype, []))[1].append(case)
    return found


def dtypes_of_kinds(kinds: str) -> Any:
    return lambda supports: {name: name for name in supports if kind_of(name) in kinds}


def widened(x: Any) -> Any:
    """For the reference to compute in: double precision, which is then rounded."""
    if isinstance(x, tuple | list):
        return type(x)(map(widened, x))
    if isinstance(x, np.dtype):
        return np.dtype(np.float64) if kind_of(x.name) == "f" else x
    if not isinstance(x, np.ndarray):
        return x
    return x.astype({"f": np.float64, "c": np.complex128}.get(kind_of(x.dtype.name), x.dtype))


def narrowed(x: Any, dtype: np.dtype) -> Any:
    """The reference's answer in the precision of `dtype`."""
    if isinstance(x, tuple):
        return tuple(narrowed(each, dtype) for each in x)
    x = np.asarray(x)
    real: Any = {"complex64": np.dtype(np.float32), "complex128": np.dtype(np.float64)}.get(dtype.name, dtype)
    with np.errstate(over="ignore"):
        if x.dtype == np.complex128:
            return x.astype(PARTS.get(dtype.name, dtype))
        return x.astype(real) if x.dtype == np.float64 and kind_of(real.name) == "f" else x


def expected(case: Case, dtype: np.dtype) -> Any:
    args = [widened(cast(x, dtype)) for x in case.args]
    kwargs = {name: widened(cast(x, dtype)) for name, x in case.kwargs.items()}
    with np.errstate(all="ignore"):
        return narrowed(reference.bound(case.name)(*args, **kwargs), dtype)


class ContractTests(Suite):
    """The namespace."""

    def test_no_name_is_missing(self, target: Any) -> None:
        assert [name for name in sorted(contract.NAMES) if not hasattr(target.xp, name)] == []

    def test_every_name_has_cases(self) -> None:
        assert contract.NAMES - {case.name for case in CASES} == set()

    @for_each(lambda supports: {name: name for name in supports})
    def test_dtypes(self, target: Any, case: str) -> None:
        """`xp.float32` is what arrays have as their dtype: equal to it, and of one hash."""
        x = on_device(target, np.zeros(3, dtype=numpy_dtype(case)))
        known = {raw: d.name for raw, d in target.dtypes.items()}
        assert known.get(x.dtype) == case, f"an array of {case} has dtype {x.dtype!r}, unlike xp.{case}"

    @for_each(names_and_dtypes)
    def test_contract(self, target: Any, case: Any) -> None:
        dtype = numpy_dtype(case[0])
        for each in case[1]:
            found = self.answer(target, target.xp, each, dtype)
            if each.name != "check":
                assert_same(found, expected(each, dtype), each)

    def answer(self, target: Any, xp: Any, case: Case, dtype: np.dtype) -> Any:
        """What the device says, and that it leaves its arguments as they were."""
        raw = getattr(xp, "bool" if dtype.kind == "b" else dtype.name)
        args = [raw if x is DTYPE else on_device(target, cast(x, dtype)) for x in case.args]
        kwargs = {name: raw if x is DTYPE else x for name, x in case.kwargs.items()}
        out = getattr(xp, case.name)(*args, **kwargs)
        for given, x in zip(args, case.args, strict=True):
            if isinstance(x, np.ndarray):
                assert_same(target.to_numpy(given), cast(x, dtype), f"{case} changed its argument")
        outs = out if isinstance(out, tuple | list) else [out]
        found = [
            target.to_numpy(o if isinstance(o, target.array_type) else target.to_array(o))
            for o in outs
            if o is not None
        ]
        return found if isinstance(out, tuple | list) else found[0] if found else None

    @for_each(lambda supports: {name: cases for name, cases in names_and_dtypes(supports).items() if "float64" in name})
    def test_contract_on_tensors(self, target: Any, case: Any) -> None:
        """The same names, where derivatives are to be recorded, are ops."""
        xp, dtype = namespace_of(target), numpy_dtype(case[0])

        def tensors(x: Any) -> Any:
            if isinstance(x, tuple | list):
                return type(x)(map(tensors, x))
            return wrap(on_device(target, x), target) if isinstance(x, np.ndarray) else x

        for each in case[1]:
            args = [xp.float64 if x is DTYPE else tensors(cast(x, dtype)) for x in each.args]
            kwargs = {name: xp.float64 if x is DTYPE else x for name, x in each.kwargs.items()}
            out = getattr(xp, each.name)(*args, **kwargs)
            if each.name != "check":
                found = tuple(map(values, out)) if isinstance(out, tuple) else values(out)
                assert_same(found, expected(each, dtype), each)


ARITHMETIC = "add sub mul truediv floordiv mod pow".split()
COMPARISONS = "eq ne lt le gt ge".split()
KEYS = {
    **{"int": (1,), "negative": (-1,), "all ints": (1, -1, 0), "slice": (slice(1, 3),), "step": (slice(0, 3, 2),)},
    **{"inner": (slice(None), slice(0, 1)), "new": (None, slice(None), 0), "empty": (slice(2, 2),)},
    **{"last": (..., -1), "ints and new": (0, None, slice(None)), "everything": (...,)},
}


class OperatorTests(Suite):
    """What arrays do without the namespace: operators, with numbers too, and basic indexing."""

    @pytest.mark.parametrize("name", [*ARITHMETIC, *COMPARISONS])
    @for_each(dtypes_of_kinds("if"))
    def test_operators(self, target: Any, case: str, name: str) -> None:
        dtype, function = numpy_dtype(case), getattr(operator, name)
        x, y = cast(floats(2, 3), dtype), cast(transposed(2, 3, low=1, high=3), dtype)
        a, b = on_device(target, x), on_device(target, y)
        if dtype.kind == "i" and name in ("truediv", "pow"):
            return
        pairs = [((a, b), (x, y)), ((a, 2), (x, 2)), ((2, b), (2, y))]
        pairs += [((0.5, b), (0.5, y))] if dtype.kind == "f" else []
        for given, meant in pairs:
            with np.errstate(all="ignore"):
                assert_same(target.to_numpy(function(*given)), narrowed(function(*map(widened, meant)), dtype), meant)

    @for_each(dtypes_of_kinds("iufc"))
    def test_a_number_does_not_change_the_dtype(self, target: Any, case: str) -> None:
        x = on_device(target, cast(floats(3), numpy_dtype(case)))
        numbers = [1] if kind_of(case) in "iu" else [1, 0.5]
        for number in numbers:
            assert {(x + number).dtype, (number * x).dtype, (number - x).dtype} == {x.dtype}

    @pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
    def test_basic_indexing(self, target: Any, key: Any) -> None:
        for x in (floats(3, 2, 3).astype(np.float32), transposed(3, 2, 3).astype(np.float32)):
            found = on_device(target, x)[key if ... in key else (*key, ...)]
            assert isinstance(found, target.array_type)
            assert_same(target.to_numpy(found), x[(*key, ...)] if ... not in key else np.asarray(x[key]), key)

    def test_truth_of_one_element(self, target: Any) -> None:
        yes = on_device(target, np.array(True))
        assert bool(yes)
        assert not bool(target.xp.logical_not(yes))
