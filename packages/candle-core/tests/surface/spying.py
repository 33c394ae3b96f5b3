"""Arrays that allow what a rule may do and nothing else, and a namespace that counts its calls."""

from __future__ import annotations

import operator
from collections import Counter
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import numpy as np

from candle.backends import contract
from candle.plugins import backend_of

REAL = backend_of("cpu").xp


class Touched(AssertionError):
    """A rule did with an array what law 1 does not allow."""


class Spy:
    """shape, ndim, dtype, operators and basic indexing; anything else raises `Touched`."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        object.__setattr__(self, "value", np.asarray(value))

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    dtype = property(lambda self: self.value.dtype)

    def __getattr__(self, name: str) -> Any:
        raise Touched(f"a rule asked an array for .{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise Touched(f"a rule set .{name} of an array")

    def __getitem__(self, key: Any) -> Spy:
        for k in key if isinstance(key, tuple) else (key,):
            if not (k is None or k is Ellipsis or isinstance(k, int | slice)):
                raise Touched(f"a rule indexed an array with a {type(k).__name__}; only xp.index and take may")
        return Spy(self.value[key])


def _forbidden(name: str) -> Any:
    def touch(self: Spy, *args: Any) -> Any:
        raise Touched(f"a rule used {name} of an array, which depends on its values (or writes them)")

    return touch


for _name in "bool float int complex index len iter contains setitem hash array".split():
    setattr(Spy, f"__{_name}__", _forbidden(f"__{_name}__"))
for _name in "add sub mul truediv floordiv mod pow matmul and_ or_ xor lt le gt ge eq ne".split():
    _function = getattr(operator, _name)
    _plain = _name.rstrip("_")

    def _binary(self: Spy, other: Any, function: Any = _function) -> Spy:
        return Spy(function(self.value, opened(other)))

    def _reflected(self: Spy, other: Any, function: Any = _function) -> Spy:
        return Spy(function(opened(other), self.value))

    setattr(Spy, f"__{_plain}__", _binary)
    setattr(Spy, f"__r{_plain}__", _reflected)
for _name in ("neg", "pos", "abs", "invert"):
    setattr(Spy, f"__{_name}__", lambda self, function=getattr(operator, _name): Spy(function(self.value)))


def opened(x: Any) -> Any:
    if isinstance(x, Spy):
        return x.value
    if isinstance(x, tuple | list):
        return type(x)(map(opened, x))
    return x


def closed(x: Any) -> Any:
    if isinstance(x, tuple | list):
        return list(map(closed, x)) if isinstance(x, list) else tuple(map(closed, x))
    return Spy(x) if isinstance(x, np.ndarray | np.generic) else x


def spying_namespace() -> Any:
    """The contract's names and dtypes, on Spies; `xp.calls` counts the calls by name."""
    xp = SimpleNamespace(calls=Counter())

    def watched(name: str) -> Any:
        function = attrgetter(name)(REAL)

        def call(*args: Any, **kwargs: Any) -> Any:
            xp.calls[name] += 1
            return closed(function(*map(opened, args), **{k: opened(v) for k, v in kwargs.items()}))

        return call

    for name in contract.NAMES:
        setattr(xp, name, watched(name))
    for part, names in contract.EXTENSIONS.items():
        setattr(xp, part, SimpleNamespace(**{name: watched(f"{part}.{name}") for name in names}))
    for (
        name
    ) in "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split():
        if hasattr(REAL, name):
            setattr(xp, name, getattr(REAL, name))
    return xp
