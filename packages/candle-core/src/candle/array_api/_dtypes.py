"""Data types: their kinds, what they may become, and their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from candle import _dtypes
from candle._dtypes import dtype
from candle._tensor import Tensor
from candle.utils import _limits

INTEGERS = tuple(_dtypes.BY_NAME[f"{sign}int{bits}"] for sign in ("", "u") for bits in (8, 16, 32, 64))
KINDS: dict[str, tuple[dtype, ...]] = {
    "bool": (_dtypes.bool_,),
    "signed integer": INTEGERS[:4],
    "unsigned integer": INTEGERS[4:],
    "integral": INTEGERS,
    "real floating": (_dtypes.float32, _dtypes.float64),
    "complex floating": (_dtypes.complex64, _dtypes.complex128),
}
KINDS["floating"] = KINDS["real floating"] + KINDS["complex floating"]
KINDS["real numeric"] = KINDS["integral"] + KINDS["real floating"]
KINDS["numeric"] = KINDS["integral"] + KINDS["floating"]
KINDS["integral or bool"] = KINDS["integral"] + KINDS["bool"]
KINDS["any"] = KINDS["numeric"] + KINDS["bool"]

NUMBERS: dict[type, str] = {bool: "bool", int: "numeric", float: "floating", complex: "complex floating"}


def isdtype(dtype: dtype, kind: Any) -> bool:
    """Whether a dtype is of a kind ("bool", "integral", "real floating", ...), is a dtype, or one of several.

    >>> import candle
    >>> candle.array_api.isdtype(candle.int8, ("signed integer", "bool"))
    True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, each) for each in kind)
    if isinstance(kind, str):
        if kind not in KINDS or kind in ("floating", "real numeric", "integral or bool", "any"):
            raise ValueError(f"isdtype: unknown kind {kind!r}")
        return dtype in KINDS[kind]
    return dtype is kind


def expect(name: str, kind: str, *arrays: Any) -> None:
    """Refuse what is no array, or not of this kind."""
    for x in arrays:
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: expected an array, got {type(x).__name__}")
        if x.dtype not in KINDS[kind]:
            raise TypeError(f"{name}: only {kind} dtypes are allowed, got {x.dtype}")


def result_type(*arrays_and_dtypes: Any) -> dtype:
    """The dtype that arrays, dtypes and at most some Python numbers have together; kinds do not mix.

    >>> import candle
    >>> candle.array_api.result_type(candle.int8, candle.uint8)
    candle.int16
    """
    given = [x.dtype if isinstance(x, Tensor) else x for x in arrays_and_dtypes]
    dtypes = [x for x in given if isinstance(x, dtype)]
    if not dtypes:
        raise ValueError("result_type: expected at least one array or dtype")
    found = dtypes[0]
    for each in dtypes[1:]:
        found = _together(found, each)
    for number in (x for x in given if not isinstance(x, dtype)):
        found = _with_number(found, number)
    return found


def _together(a: dtype, b: dtype) -> dtype:
    floats = a in KINDS["floating"] and b in KINDS["floating"]
    wide = {a.name, b.name} >= {"uint64"} and (a.is_signed or b.is_signed) and a is not b
    if a is b:
        return a
    if not floats and not (a in INTEGERS and b in INTEGERS and not wide):
        raise TypeError(f"the standard has no common dtype for {a} and {b}; use astype")
    return _dtypes.promote_types(a, b)


def _with_number(d: dtype, number: Any) -> dtype:
    if type(number) not in NUMBERS:
        raise TypeError(f"expected an array, a dtype or a number, got {type(number).__name__}")
    if type(number) is complex and d in KINDS["real floating"]:
        return d.to_complex()
    if d not in KINDS[NUMBERS[type(number)]]:
        raise TypeError(f"the standard has no common dtype for {d} and the number {number!r}; use astype")
    return d


def same(name: str, kind: str, *inputs: Any) -> tuple[Tensor, ...]:
    """Arrays and numbers as arrays of their common dtype, which must be of a kind."""
    arrays = [x for x in inputs if isinstance(x, Tensor)]
    if not arrays:
        raise TypeError(f"{name}: at least one of the inputs must be an array")
    expect(name, kind, *arrays)
    try:
        common = result_type(*inputs)
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
    if common not in KINDS[kind]:
        raise TypeError(f"{name}: only {kind} dtypes are allowed, and together these are {common}")
    return tuple(x.to(common) if isinstance(x, Tensor) else arrays[0].new_tensor(x, dtype=common) for x in inputs)


def can_cast(from_: Any, to: dtype, /) -> bool:
    """Whether promotion can lead from a dtype (or an array's) to another."""
    try:
        return result_type(from_, to) is to
    except TypeError:
        return False


def astype(x: Tensor, dtype: dtype, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """x in another dtype; complex numbers do not become real ones."""
    if x.dtype in KINDS["complex floating"] and dtype not in KINDS["complex floating"]:
        raise TypeError(f"astype: {x.dtype} cannot become {dtype}; take real(x) or imag(x) first")
    return x.to(dtype=dtype, device=device, copy=copy)


@dataclass(frozen=True)
class FloatInfo:
    """The limits of a floating-point dtype."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: dtype


@dataclass(frozen=True)
class IntInfo:
    """The limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: dtype


def finfo(type: Any, /) -> FloatInfo:
    """The limits of a floating-point dtype, or of an array's."""
    d = type.dtype if isinstance(type, Tensor) else type
    if d not in KINDS["floating"]:
        raise TypeError(f"finfo: expected a floating dtype, got {d}")
    limits = _limits.finfo(d)
    return FloatInfo(limits.bits, limits.eps, limits.max, limits.min, limits.smallest_normal, d.to_real())


def iinfo(type: Any, /) -> IntInfo:
    """The limits of an integer dtype, or of an array's."""
    d = type.dtype if isinstance(type, Tensor) else type
    if d not in INTEGERS:
        raise TypeError(f"iinfo: expected an integer dtype, got {d}")
    limits = _limits.iinfo(d)
    return IntInfo(limits.bits, limits.max, limits.min, d)


def axes_of(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """All axes for None; counted from the front."""
    given = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if any(not -ndim <= a < ndim for a in given) or len({a % ndim for a in given}) != len(given):
        raise IndexError(f"axis: {axis} does not fit {ndim} dimensions")
    return tuple(a % ndim for a in given)
