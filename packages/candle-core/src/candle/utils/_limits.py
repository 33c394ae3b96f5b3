"""The limits of dtypes: `finfo` and `iinfo`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from candle import _dtypes

__all__ = ["finfo", "iinfo"]

# Binary digits with the leading one, and the exponent of the first power of two that is too large (IEEE 754, table 3.5)
FORMATS = {"float16": (11, 16), "bfloat16": (8, 128), "float32": (24, 128), "float64": (53, 1024)}


@dataclass(frozen=True, repr=False)
class FloatLimits:
    """What `finfo` tells."""

    resolution: float
    min: float
    max: float
    eps: float
    smallest_normal: float
    tiny: float
    bits: int
    dtype: str

    def __repr__(self) -> str:
        return _told("finfo", self, "resolution min max eps smallest_normal tiny")


@dataclass(frozen=True, repr=False)
class IntegerLimits:
    """What `iinfo` tells."""

    min: int
    max: int
    bits: int
    dtype: str

    def __repr__(self) -> str:
        return _told("iinfo", self, "min max")


def _told(function: str, limits: FloatLimits | IntegerLimits, names: str) -> str:
    numbers = "".join(f"{name}={getattr(limits, name):g}, " for name in names.split())
    return f"{function}({numbers}dtype={limits.dtype})"


def finfo(type: _dtypes.dtype | None = None) -> FloatLimits:
    """The limits of a floating-point dtype, the default one unless given; of a complex one, those of its parts.

    >>> import candle
    >>> candle.finfo(candle.bfloat16).eps
    0.0078125
    """
    d = (type or _dtypes.get_default_dtype()).to_real()
    if not d.is_floating_point:
        raise TypeError(f"finfo: expected a floating-point dtype, got {d}; use candle.iinfo")
    digits, exponent = FORMATS[d.name]
    largest, least = math.ldexp(2 - 2.0 ** (1 - digits), exponent - 1), math.ldexp(1.0, 2 - exponent)
    resolution = 10.0 ** -int((digits - 1) * math.log10(2))
    return FloatLimits(resolution, -largest, largest, 2.0 ** (1 - digits), least, least, 8 * d.itemsize, d.name)


def iinfo(type: _dtypes.dtype) -> IntegerLimits:
    """The limits of an integer dtype.

    >>> import candle
    >>> candle.iinfo(candle.int8).max
    127
    """
    if type.category != _dtypes.INT:
        raise TypeError(f"iinfo: expected an integer dtype, got {type}; candle.finfo is for floats")
    bits = 8 * type.itemsize
    low = -(2 ** (bits - 1)) if type.is_signed else 0
    return IntegerLimits(low, low + 2**bits - 1, bits, type.name)
