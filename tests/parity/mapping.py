"""From an entry of op_db to candle's callables, by name alone.

An entry's callable is either a function of torch (then candle's is the one of the
same name) or a small wrapper in torch's test suite, such as

    lambda self, condition, other: torch.where(condition, self, other)

which is run as it stands, with `torch` meaning the subject.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.testing._internal.opinfo.core import OpInfo

from .subject import Subject

# Methods that Python or candle spell in another way than op_db does.
METHOD_NAMES = {"__rdiv__": "__rtruediv__"}


@dataclass(frozen=True)
class Mapping:
    """What the subject offers for one entry. `missing`: names torch has here and it has not."""

    function: Callable[..., Any]
    methods: dict[str, Callable[..., Any]]
    inplace: dict[str, Callable[..., Any]]
    missing: tuple[str, ...]


def find(op: OpInfo, subject: Subject) -> Mapping | None:
    """The subject's counterpart of an entry, or None: uncovered."""
    function = _function(op, subject)
    if function is None:
        return None
    methods = _found(METHOD_NAMES.get(op.name, op.name), op.method_variant, subject)
    if methods and op.operator_variant:
        methods[f"operator.{op.operator_variant.__name__}"] = op.operator_variant
    inplace = _found(inplace_name(op), op.inplace_variant, subject)
    if inplace and op.inplace_operator_variant:
        inplace[f"operator.{op.inplace_operator_variant.__name__}"] = op.inplace_operator_variant
    return Mapping(function, methods, inplace, tuple(_missing(op, subject, methods, inplace)))


def rebound(function: Callable[..., Any], subject: Subject) -> Callable[..., Any]:
    """A function of torch's test suite, reading the subject where it says `torch`."""
    if isinstance(function, functools.partial):
        return functools.partial(rebound(function.func, subject), *function.args, **function.keywords)
    if not isinstance(function, types.FunctionType):
        return function
    if not _is_wrapper(function):  # a function of torch itself, found by its name
        module = function.__module__.removeprefix("torch").lstrip(".")
        return subject.function(f"{module}.{function.__name__}".lstrip("."))
    names = {**function.__globals__, "torch": Names(subject), "wrapper_set_seed": _call}
    copy = types.FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


class Names:
    """`torch.nn.functional.gelu` as a wrapper reads it; `torch.zero_` may be a method."""

    def __init__(self, subject: Subject, path: str = ""):
        self._subject, self._path = subject, path

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}.{name}".lstrip(".")
        found = self._subject.find(path)
        if found is None and not self._path:
            found = self._subject.method(name)
        return Names(self._subject, path) if found is None or isinstance(found, types.ModuleType) else found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise AttributeError(f"no function {self._path}")


def _function(op: OpInfo, subject: Subject) -> Callable[..., Any] | None:
    named = subject.function(op.name)
    if _is_wrapper(op.op):
        known = named or subject.method(op.name) or subject.method(op.name + "_")
        return rebound(op.op, subject) if known else None
    return named or subject.method(METHOD_NAMES.get(op.name, op.name))


def _is_wrapper(function: Any) -> bool:
    return isinstance(function, types.FunctionType) and function.__module__.startswith("torch.testing.")


def inplace_name(op: OpInfo) -> str:
    return op.name.removesuffix("_") + "_"


def _found(name: str, variant: Any, subject: Subject) -> dict[str, Callable[..., Any]]:
    """The subject's own of torch's variant: a wrapper is rebound, a method looked up."""
    if variant is None:
        return {}
    plain = not _is_wrapper(variant) and not isinstance(variant, functools.partial)
    own = subject.method(name) if plain else rebound(variant, subject)
    return {} if own is None else {name: own}


def _missing(op: OpInfo, subject: Subject, methods: dict[str, Any], inplace: dict[str, Any]) -> list[str]:
    is_method = _is_wrapper(op.op) or getattr(torch.Tensor, op.name, None) is op.op
    names = [] if is_method or subject.function(op.name) else [op.name]
    names += [f"Tensor.{op.name}"] if op.method_variant and not methods else []
    names += [f"Tensor.{inplace_name(op)}"] if op.inplace_variant and not inplace else []
    for alias in op.aliases:
        names += [] if subject.function(alias.name.removeprefix("torch.")) else [alias.name]
        names += [f"Tensor.{alias.name}"] if alias.method_variant and not subject.method(alias.name) else []
        names += [f"Tensor.{alias.name}_"] if alias.inplace_variant and not subject.method(alias.name + "_") else []
    return names


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)
