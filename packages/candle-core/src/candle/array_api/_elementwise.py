"""Elementwise functions: candle's own, with the standard's names, dtypes and arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle import ops
from candle._tensor import Tensor
from candle.array_api._dtypes import KINDS, expect, same

# By the dtypes the standard allows
ONE = {
    "numeric": "abs conj isfinite isinf isnan negative positive round sign square",
    "real numeric": "ceil floor trunc",
    "floating": """acos acosh asin asinh atan atanh cos cosh exp expm1 log log1p log2 log10 reciprocal sin sinh sqrt
        tan tanh""",
    "real floating": "signbit",
    "complex floating": "imag",
    "integral or bool": "bitwise_invert",
    "bool": "logical_not",
}
TWO = {
    "any": "equal not_equal",
    "numeric": "add multiply pow subtract",
    "real numeric": "floor_divide greater greater_equal less less_equal maximum minimum remainder",
    "floating": "divide",
    "real floating": "atan2 copysign hypot logaddexp nextafter",
    "integral or bool": "bitwise_and bitwise_or bitwise_xor",
    "integral": "bitwise_left_shift bitwise_right_shift",
    "bool": "logical_and logical_or logical_xor",
}
CANDLES = {  # where candle's name is PyTorch's
    **{"conj": "conj_physical", "negative": "neg", "bitwise_invert": "bitwise_not", "equal": "eq", "not_equal": "ne"},
    **{"multiply": "mul", "subtract": "sub", "divide": "div", "greater": "gt", "greater_equal": "ge"},
    **{"less": "lt", "less_equal": "le"},
}
WHOLE = ("ceil", "floor", "trunc", "round")  # integers are what these make of them


def _one(name: str, kind: str) -> Callable[..., Tensor]:
    function = getattr(ops, CANDLES.get(name, name))

    def call(x: Tensor, /) -> Tensor:
        expect(name, kind, x)
        if name in WHOLE and x.dtype in KINDS["integral"]:
            return x.clone()
        return function(x)

    return _named(call, name, function)


def _two(name: str, kind: str) -> Callable[..., Tensor]:
    function = getattr(ops, CANDLES.get(name, name))

    def call(x1: Any, x2: Any, /) -> Tensor:
        return function(*same(name, kind, x1, x2))

    return _named(call, name, function)


def _named(call: Callable[..., Tensor], name: str, function: Any) -> Callable[..., Tensor]:
    call.__name__ = call.__qualname__ = name
    call.__doc__ = (function.__doc__ or "").strip().split("\n")[0]
    return call


for _kind, _names in ONE.items():
    globals().update({_name: _one(_name, _kind) for _name in _names.split()})
for _kind, _names in TWO.items():
    globals().update({_name: _two(_name, _kind) for _name in _names.split()})


def round(x: Tensor, /) -> Tensor:
    """To the nearest integers, halves to the even one; complex numbers part by part."""
    expect("round", "numeric", x)
    if x.dtype in KINDS["complex floating"]:
        return ops.complex(ops.round(ops.real(x)), ops.round(ops.imag(x)))
    return x.clone() if x.dtype in KINDS["integral"] else ops.round(x)


def sign(x: Tensor, /) -> Tensor:
    """x / |x|, 0 for 0, and nan for nan."""
    expect("sign", "numeric", x)
    found = ops.sgn(x)
    return ops.where(ops.isnan(x), x, found) if x.dtype in KINDS["floating"] else found


def positive(x: Tensor, /) -> Tensor:
    """A copy of x."""
    expect("positive", "numeric", x)
    return x.clone()


def real(x: Tensor, /) -> Tensor:
    """The real part of a number; a real number is its own."""
    expect("real", "numeric", x)
    return ops.real(x)


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:
    """x, and where it lies outside of [min, max] the bound; the dtype is x's."""
    expect("clip", "real numeric", x)
    bounds = []
    for bound in (min, max):
        if isinstance(bound, Tensor):
            (bound,) = (same("clip", "real numeric", x, bound)[1].to(x.dtype),)
        bounds.append(bound)
    return ops.clamp(x, *bounds) if bounds != [None, None] else x.clone()


__all__ = [
    *" ".join([*ONE.values(), *TWO.values()]).split(),
    "clip",
    "real",
]
