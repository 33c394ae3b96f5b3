"""Element types and PyTorch's rules for mixing them.

A `dtype` is a name with a category; what bytes it stands for is the backend's business.
"""

from __future__ import annotations

import math
from typing import Any

BOOL, INT, FLOAT, COMPLEX = range(4)  # categories, in the order in which they win


class dtype:
    """One element type, such as `candle.float32`.

    >>> import candle
    >>> candle.float32, candle.float32.is_floating_point, candle.int8.itemsize
    (candle.float32, True, 1)
    """

    __slots__ = ("category", "is_complex", "is_floating_point", "is_signed", "itemsize", "name")

    def __init__(self, name: str, category: int, itemsize: int, is_signed: bool = True):
        self.name, self.category, self.itemsize, self.is_signed = name, category, itemsize, is_signed
        self.is_floating_point, self.is_complex = category == FLOAT, category == COMPLEX

    def __repr__(self) -> str:
        return f"candle.{self.name}"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return by_name, (self.name,)

    def to_real(self) -> dtype:
        """The type of one part of a complex number; other types are themselves."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def to_complex(self) -> dtype:
        """The complex type whose parts have this precision.

        >>> import candle
        >>> candle.float64.to_complex()
        candle.complex128
        """
        return complex128 if self in (float64, complex128) else complex64


bool_ = dtype("bool", BOOL, 1, is_signed=False)
uint8, int8 = dtype("uint8", INT, 1, is_signed=False), dtype("int8", INT, 1)
uint16, int16 = dtype("uint16", INT, 2, is_signed=False), dtype("int16", INT, 2)
uint32, int32 = dtype("uint32", INT, 4, is_signed=False), dtype("int32", INT, 4)
uint64, int64 = dtype("uint64", INT, 8, is_signed=False), dtype("int64", INT, 8)
float16, bfloat16 = dtype("float16", FLOAT, 2), dtype("bfloat16", FLOAT, 2)
float32, float64 = dtype("float32", FLOAT, 4), dtype("float64", FLOAT, 8)
complex64, complex128 = dtype("complex64", COMPLEX, 8), dtype("complex128", COMPLEX, 16)

ALL = (
    *(bool_, uint8, int8, uint16, int16, uint32, int32, uint64, int64),
    *(float16, bfloat16, float32, float64, complex64, complex128),
)
BY_NAME = {each.name: each for each in ALL}
GIVEN = {bool: bool_, int: int64, float: float64, complex: complex128}  # Python's types where a dtype is expected
LARGEST = {float16: 65504.0, bfloat16: 3.3895313892515355e38, float32: 3.4028234663852886e38}
PYTHON = {bool: bool_, int: int64, float: float32, complex: complex64}  # what a Python number becomes

_default = float32


def by_name(name: str) -> dtype:
    return BY_NAME[name]


def chosen(given: Any, otherwise: Any = None) -> Any:
    """The dtype that somebody gave, by one of Python's types perhaps, or else another.

    >>> chosen(float), chosen(None, float32)
    (candle.float64, candle.float32)
    """
    return otherwise if given is None else GIVEN.get(given, given)


def get_default_dtype() -> dtype:
    """The type of floats that nobody gave one: `candle.float32` unless set."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Make `d` the type of new floating-point tensors."""
    global _default
    if not d.is_floating_point:
        raise TypeError(f"set_default_dtype: only floating-point types can be the default, got {d}")
    _default = d
    PYTHON[float], PYTHON[complex] = d, d.to_complex()
    _cache.clear()


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that holds both, as PyTorch counts it.

    >>> import candle
    >>> candle.promote_types(candle.int64, candle.float16), candle.promote_types(candle.uint8, candle.int8)
    (candle.float16, candle.int16)
    """
    a, b = type1, type2
    if a is b:
        return a
    low, high = sorted((a, b), key=lambda d: d.category)
    if low.category != high.category:
        if high.category == COMPLEX and low is float64:
            return complex128
        return high
    if high.category == FLOAT and low.itemsize == high.itemsize == 2:  # float16 and bfloat16
        return float32
    if high.category == INT and a.is_signed != b.is_signed:
        signed, unsigned = (a, b) if a.is_signed else (b, a)
        if unsigned is uint64:
            return float32
        return BY_NAME[f"int{max(signed.itemsize, 2 * unsigned.itemsize) * 8}"]
    return max(a, b, key=lambda d: d.itemsize)


def _combine(higher: dtype | None, lower: dtype | None) -> dtype | None:
    """A tensor with dimensions outranks one without, which outranks a number: the lower
    rank only matters where its category is higher (int tensor + 1.5 is float)."""
    if higher is None or lower is None:
        return higher or lower
    if lower.category <= higher.category:
        return higher
    if higher.category == FLOAT:
        return higher.to_complex()
    return promote_types(higher, lower) if higher.category == BOOL else lower


_cache: dict[tuple[dtype | None, ...], dtype] = {}


def result_of(ranks: tuple[dtype | None, dtype | None, dtype | None]) -> dtype:
    """The common type of (tensors with dimensions, tensors without, Python numbers)."""
    found = _cache.get(ranks)
    if found is None:
        result = _combine(ranks[0], _combine(ranks[1], ranks[2]))
        assert result is not None
        found = _cache[ranks] = result
    return found


def wrapped(x: int, d: dtype) -> int:
    """A Python integer in the range of an integer type, as C converts it.

    >>> wrapped(300, uint8), wrapped(200, int8)
    (44, -56)
    """
    if not -(2**63) <= x < 2**64:
        raise RuntimeError(f"{x} cannot be converted to {d} without overflow: it has more than 64 bits")
    size = 1 << 8 * d.itemsize
    x %= size
    return x - size if d.is_signed and x >= size // 2 else x


def range_of(d: dtype) -> tuple[float, float]:
    """What numbers a type takes. As in PyTorch, negative ones count down from the top of an unsigned type."""
    high = LARGEST.get(d, math.inf)
    if d.category == INT:
        high = 2 ** (8 * d.itemsize - d.is_signed) - 1
    return -high - (d.category == INT and d.is_signed), high


def fitting(name: str, x: Any, d: dtype) -> Any:
    """A Python number as a type holds it; RuntimeError where it has no room for it.

    >>> fitting("fill", -1, uint8), fitting("fill", 1.5, int8)
    (255, 1)
    """
    x = x.item() if hasattr(x, "item") else x
    if type(x) not in PYTHON:
        raise TypeError(f"{name}: expected a number, got {type(x).__name__}")
    if d.category in (BOOL, COMPLEX):
        return bool(x) if d is bool_ else complex(x)
    real, (low, high) = x.real, range_of(d)
    if x.imag or not (low <= real <= high or (d.category == FLOAT and not math.isfinite(real))):
        raise RuntimeError(f"{name}: {x} cannot be converted to {d} without overflow; it takes {low} to {high}")
    return wrapped(int(real), d) if d.category == INT else float(real)


def refuse_complex(name: str, d: dtype) -> None:
    """For operations of real numbers only."""
    if d.is_complex:
        raise RuntimeError(f"{name}: not for complex numbers ({d}); use .abs(), .real or .imag")


def of_number(x: Any) -> dtype:
    """The dtype of a Python (or NumPy) number."""
    x = x.item() if hasattr(x, "item") else x
    if type(x) not in PYTHON:
        raise TypeError(f"expected a Tensor or a number, got {type(x).__name__}")
    return PYTHON[type(x)]


def merge(rank: dtype | None, d: dtype) -> dtype:
    """Add one more operand to its rank."""
    return d if rank is None else promote_types(rank, d)
