"""Arguments for every name of the contract, with what is awkward about arrays in them.

A case's float64 arrays are brought to each dtype of its `kinds` (NumPy's letters: b, i, u, f, c); index and
truth arrays stay what they are. `DTYPE` stands for the dtype of the moment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from candle.testing.samples import SPECIAL, at, floats, transposed, truths

DTYPE = "the dtype under test"


@dataclass(frozen=True)
class Case:
    """xp.<name>(*args, **kwargs)"""

    name: str
    kinds: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __str__(self) -> str:
        return f"xp.{self.name}(*{self.args}, **{self.kwargs})"


CASES: list[Case] = []


def case(names: str, kinds: str, *args: Any, **kwargs: Any) -> None:
    args = tuple(np.asarray(x) if isinstance(x, np.generic) else x for x in args)
    CASES.extend(Case(name, kinds, args, kwargs) for name in names.split())


def cast(x: Any, dtype: np.dtype) -> Any:
    """A case's argument in the dtype under test: integers are three times the numbers, rounded."""
    if isinstance(x, tuple | list):
        return type(x)(cast(each, dtype) for each in x)
    if x is DTYPE:
        return dtype
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        return x
    if dtype.kind == "b":
        return np.asarray(x > 0)
    if dtype.kind in "iu":
        whole = np.asarray(np.round(3 * x))
        return np.asarray(np.abs(whole) if dtype.kind == "u" else whole).astype(dtype)
    if dtype.kind == "c":
        return np.asarray(x + 1j * np.flip(x)).astype(dtype)
    return x.astype(dtype)


# Elementwise

ANYWHERE = "sin cos tanh exp expm1 exp2 atan sinh cosh asinh sigmoid erf tan"
POSITIVE = "log log2 log10 log1p sqrt reciprocal"
STEPS = "floor ceil trunc round"

for _x in (floats(), floats(0, 3), floats(5), transposed(2, 3)):
    case(ANYWHERE + " isnan isinf isfinite", "f", _x)
    case(POSITIVE, "f", abs(_x) + 0.1)
    case("acosh", "f", abs(_x) + 1.01)
    case("asin acos atanh", "f", _x / 2.2)
    case("exp expm1 log log1p sqrt sin cos tanh sinh cosh reciprocal sigmoid", "c", _x)
    case("isnan isinf isfinite conj real imag", "c", _x)
    case("negative abs square sign positive", "ifc", _x)
    case("abs square sign positive bitwise_invert", "u", _x)
    case(STEPS, "ifu", _x)
    case("conj real positive", "if", _x)
    case("bitwise_invert", "i", _x)
    case("logical_not", "b", _x)
    case("add subtract multiply", "if", _x, 2)
    case("add subtract multiply", "if", 2, _x)
    case("equal less not_equal less_equal greater greater_equal maximum minimum", "if", _x, 1)
    case("multiply divide pow maximum minimum less", "f", _x, 0.5)
    case("divide pow subtract", "f", 2.0, abs(_x) + 0.1)
    case("floor_divide remainder", "if", _x, 2)
case(ANYWHERE + " log sqrt log1p isnan isinf isfinite abs negative square sign " + STEPS, "f", SPECIAL)
case("log2 log10 reciprocal acosh", "f", SPECIAL[SPECIAL > 0])
case("expm1 log1p", "f", np.array([1e-3, -1e-3, 2e-4, 1e-5, -1e-5, 0.1]))
case("round", "f", np.array([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6]))

for _x, _y in (
    (floats(2, 3), transposed(2, 3, low=0.5, high=3)),
    (floats(2, 1, 3), floats(2, 1, low=0.5, high=3)),
    (floats(), floats(3, low=0.5, high=3)),
    (floats(0, 3), floats(3, low=0.5, high=3)),
):
    case("add subtract multiply", "iufc", _x, _y)
    case("divide", "fc", _x, _y)
    case("floor_divide remainder", "iuf", _x, _y)
    case("floor_divide remainder", "if", _x, -_y)
    case("pow", "iu", _x, abs(_y))
    case("pow", "f", abs(_x), _y)
    case("equal not_equal", "biufc", _x, _y)
    case("less less_equal greater greater_equal maximum minimum", "iuf", _x, _y)
    case("atan2 hypot logaddexp", "f", _x, _y)
    case("logical_and logical_or logical_xor", "b", _x, _y - 1.5)
    case("bitwise_and bitwise_or bitwise_xor", "iu", _x, _y)
case("add multiply maximum minimum less less_equal equal logaddexp", "f", SPECIAL, SPECIAL.reshape(-1, 1))
case("subtract divide not_equal greater greater_equal atan2", "f", SPECIAL[3:], SPECIAL[5:].reshape(-1, 1))
case("hypot", "f", SPECIAL[5:], SPECIAL[3:].reshape(-1, 1))
case("hypot", "f", np.array([1e30, 1e-30, 0.0]), np.array([1e30, 1e-30, 0.0]))
case("asinh acosh log1p", "f", np.array([1e30, 3.0, 1e4]))
case("sinh", "f", np.array([1e-8, -1e-3, 30.0]))
case("where", "biufc", truths(2, 3), floats(3), transposed(2, 3))
case("where", "f", truths(3), math.nan, floats(2, 3))
case("where", "if", truths(3), floats(2, 3), 0)
case("where", "f", truths(), floats(), floats(0))


# Creation

case("arange", "if", 5, dtype=DTYPE)
case("arange", "if", 1, 8, 3, dtype=DTYPE)
case("arange", "if", 4, -1, -1, dtype=DTYPE)
case("arange", "i", 0, dtype=DTYPE)
for _shape in ((), (2, 3), (0,), (2, 0)):
    case("zeros ones", "biufc", _shape, dtype=DTYPE)
    case("full", "biufc", _shape, 1, dtype=DTYPE)
    case("full", "f", _shape, -math.inf, dtype=DTYPE)
case("asarray", "iuf", 3, dtype=DTYPE)
case("asarray", "f", -1.5, dtype=DTYPE)
case("asarray", "biufc", transposed(2, 3))
case("asarray", "biufc", transposed(2, 3), copy=True)
case("astype", "biufc", floats(2, 3), DTYPE)
case("astype", "biuf", truths(2, 3), DTYPE)
case("astype", "biuf", at(3, 0, 2), DTYPE)


# Reductions

for _axis, _keepdims in ((None, False), (None, True), (0, False), (-1, True), ((0, 2), False), ((1, -1), True)):
    for _x in (floats(2, 3, 2), transposed(2, 3, 2)):
        case("sum prod", "ifc", _x, axis=_axis, keepdims=_keepdims)
        case("max min", "iuf", _x, axis=_axis, keepdims=_keepdims)
        case("any all", "b", _x, axis=_axis, keepdims=_keepdims)
        case("mean", "fc", _x, axis=_axis, keepdims=_keepdims)
        case("var", "f", _x, axis=_axis, correction=0, keepdims=_keepdims)
        case("var", "f", _x, axis=_axis, correction=1, keepdims=_keepdims)
        if not isinstance(_axis, tuple):
            case("argmax argmin", "if", _x, axis=_axis, keepdims=_keepdims)
case("sum prod", "if", floats(0, 3), axis=0)
case("any all", "b", floats(0, 3), axis=0)
case("sum prod", "if", floats(2, 0))
case("sum max prod any argmax", "f", floats())
case("sum max min mean prod", "f", np.array([[1.0, math.nan], [math.inf, -math.inf], [2, 2]]), axis=1)
case("argmax argmin", "if", np.array([[1.0, 3, 1, 3], [2, 2, 2, 2]]), axis=1)
for _axis in (0, 1, -1):
    case("cumulative_sum", "if", transposed(2, 3), axis=_axis)
    case("cumulative_prod", "f", transposed(2, 3), axis=_axis)
    case("argsort sort", "iuf", np.array([[2.0, 1, 2, 1], [0, 3, 0, 3], [1, 1, 1, 1]]), axis=_axis)
    case("argsort sort", "if", np.array([[2.0, 1, 2, 1], [0, 3, 0, 3]]), axis=_axis, descending=True)
    case("topk", "if", transposed(3, 4), 2, axis=_axis)
    case("topk", "if", transposed(3, 4), 2, axis=_axis, largest=False)
case("argsort sort", "f", transposed(2, 5))
case("topk", "f", np.array([1.0, 3, 3, 2, 3]), 2, axis=0)


# Shapes

for _x in (floats(2, 3, 2), transposed(2, 3, 2)):
    case("reshape", "biufc", _x, (3, 4))
    case("reshape", "f", _x, (-1,))
    case("permute_dims", "biufc", _x, (2, 0, 1))
    case("broadcast_to", "bf", _x, (2, 2, 3, 2))
    case("concat", "biufc", [_x, _x[:, :1]], axis=1)
    case("concat", "f", [_x, _x, _x], axis=-1)
    case("stack", "biufc", [_x, _x], axis=0)
    case("stack", "f", [_x, _x], axis=-1)
    case("flip", "bif", _x)
    case("flip", "f", _x, axis=1)
    case("flip", "f", _x, axis=(0, -1))
    case("tril triu", "bifc", _x)
    case("tril triu", "f", _x, k=-1)
    case("tril triu", "f", _x, k=1)
case("reshape", "f", floats(), (1, 1))
case("reshape", "f", floats(0, 3), (3, 0, 2))
case("permute_dims", "f", floats(), ())
case("broadcast_to", "f", floats(), (2, 3))
case("broadcast_to", "f", floats(2, 1), (0, 2, 3))
case("concat", "f", [floats(0, 2), floats(1, 2)], axis=0)


# Indices

for _x in (floats(4, 3), transposed(4, 3)):
    case("take", "biufc", _x, at(2, 0, 0), axis=0)
    case("take", "f", _x, at(2, 0, 0, 1), axis=1)
    case("take_along_axis", "bif", _x, at([3, 0, -1], [0, 0, 1]), axis=0)
    case("take_along_axis", "f", _x, at([2], [0], [-1], [1]), axis=1)
    case("index", "bifc", _x, at(2, 0, -1, 0))
    case("index", "f", _x, at([2, 0], [1, -4]))
    case("index", "f", _x, at([2], [0]), at(1, 0, -3))
    case("index_put", "bifc", _x, (at(2, -1),), floats(2, 3))
    case("index_put", "f", _x, (at(2, 0), at(-1, 0)), floats(2))
    case("index_put", "f", _x, (at([2], [-3]),), floats(3))
    case("index_put", "f", _x, (at(1, 0),), floats())
    case("index_add", "if", _x, (at(2, 0, 2, -2),), floats(4, 3))
    case("index_add", "if", _x, (at(3, 3, -1), at(1, 1, -2)), floats(3))
    case("index_add", "f", _x, (at([1], [1]),), floats(3))
    case("slice_put", "bifc", _x, (slice(None), slice(1, 3)), floats(4, 2))
    case("slice_put", "f", _x, (slice(0, 4, 2), -1), floats(2))
    case("slice_put", "f", _x, (2,), floats(3))
    case("slice_put", "f", _x, (None, slice(2, 4)), floats(1, 2, 3))
    case("slice_put", "f", _x, (slice(2, 2),), floats(0, 3))
    case("slice_put", "f", _x, (slice(1, 3), ...), floats())
case("take", "f", floats(4, 3), at(), axis=1)
case("index", "f", floats(3), at(-1).reshape(()))
case("index", "f", floats(3, 2), at())
case("index_add", "fc", floats(3), (at(0, 0, 0, 2),), floats(4))
case("index_add", "f", floats(3, 2), (at(),), floats(0, 2))
case("index_add", "f", floats(3), (at(1, 2, 1),), floats())
for _how in ("prod", "max", "min"):
    case("index_combine", "if", floats(4, 3), (at(2, 0, 2, -2),), floats(4, 3), _how)
    case("index_combine", "f", transposed(4, 3), (at(3, 3, -1), at(1, 1, -2)), floats(3), _how)
    case("index_combine", "f", floats(3), (at([1, 1], [2, 1]),), floats(2, 2), _how)
    case("index_combine", "f", floats(3, 2), (at(),), floats(0, 2), _how)
for _x in (floats(3, 4), transposed(3, 4)):
    case("take_strided", "biufc", _x, shape=(3,), start=(0, 1), steps=((1,), (1,)))  # a diagonal
    case("take_strided", "f", _x, shape=(3, 2, 2), start=(0, 0), steps=((1, 0, 0), (0, 2, 1)))  # windows
    case("take_strided", "f", _x, shape=(0, 2), start=(0, 0), steps=((1, 0), (0, 1)))
    case("add_strided", "fc", _x, floats(3), start=(0, 1), steps=((1,), (1,)))
    case("add_strided", "if", _x, floats(3, 2, 2), start=(0, 0), steps=((1, 0, 0), (0, 2, 1)))
    case("add_strided", "f", _x, floats(3, 3, 2), start=(0, 0), steps=((1, 0, 0), (0, 1, 1)))  # windows that overlap
    case("add_strided", "f", _x, floats(2, 3), start=(1, 2), steps=((0, 0), (0, 0)))  # all at one place
case("take_strided", "f", floats(6), shape=(2, 3), start=(0,), steps=((1, 2),))
case("add_strided", "f", floats(6), floats(2, 3), start=(0,), steps=((1, 2),))
case("add_strided", "f", floats(6), floats(2, 0), start=(0,), steps=((1, 2),))
case("nonzero", "b", floats(2, 3))
case("nonzero", "b", floats(5) - 9)
case("check", "b", floats(3) + 9, "never seen")


# Products

for _shapes in (((2, 3), (3, 2)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 2, 3), (3, 2)), ((0, 3), (3, 2))):
    case("matmul", "ifc", *(floats(*each) for each in _shapes))
case("matmul", "f", floats(2, 0), floats(0, 3))
case("matmul", "f", floats(2, 1, 2, 3), floats(2, 3, 2))
case("matmul", "f", transposed(2, 3), transposed(3, 4))


# How numbers are written

case("signbit", "f", SPECIAL)
case("signbit", "f", transposed(2, 3))
case("frexp", "f", np.array([1.0, 0.5, -3.7, 0.0, math.inf, -math.inf, math.nan, 1e4, 2e-4]))
case("copysign", "f", floats(2, 3), transposed(2, 3))
case("copysign", "f", SPECIAL, SPECIAL.reshape(-1, 1))
case("nextafter", "f", SPECIAL, SPECIAL)  # other neighbours differ from precision to precision
case("bitwise_left_shift bitwise_right_shift", "i", floats(2, 3), at(0, 1, 2))
case("gcd", "i", floats(2, 3, low=-9, high=9), transposed(2, 3, low=-9, high=9))
case("as_real", "c", floats(2, 3))
case("as_complex", "f", floats(3, 2))


# Special functions

for _x in (floats(), floats(0, 3), transposed(2, 3, low=0.3, high=9), floats(7, low=-3.9, high=-0.1)):
    case("lgamma digamma", "f", _x)
    case("i0 i0e i1 i1e", "f", _x)
case("i0e i1e", "f", floats(5, low=-60, high=60))
for _n in (0, 1, 3):
    case("polygamma", "f", _n, floats(5, low=0.4, high=12))
