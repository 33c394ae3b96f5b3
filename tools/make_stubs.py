"""Writes `_methods.pyi`, which tells type checkers of the methods that ops attach to Tensor.

hatch run stubs            write it
hatch run stubs --check    fail if it is not up to date (run by the tests)
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import candle
from candle._methods import Methods

TARGET = Path(candle.__file__).with_name("_methods.pyi")
ALIASES = {"Number": "Any", "Dtype": "dtype | None", "_dtypes.dtype": "dtype", "source.Generator": "Generator"}
IGNORE = {
    **dict.fromkeys(("__iadd__", "__isub__"), "  # type: ignore[misc]"),
}
HEAD = '''\
"""Made by tools/make_stubs.py from the ops; do not edit."""

import builtins
from collections.abc import Callable, Sequence
from typing import Any

from candle._dtypes import dtype
from candle._tensor import Tensor
from candle.ops.properties import Memory
from candle.random import Generator

Dims = int | Sequence[int] | None

class Methods:
'''


def annotation(value: Any) -> str:
    text = value if isinstance(value, str) else getattr(value, "__name__", str(value))
    for alias, meaning in ALIASES.items():
        text = text.replace(alias, meaning)
    return re.sub(r"\b(bool|int|float)\b", r"builtins.\1", text)  # here x.int() and so on hide Python's


def parameter(p: inspect.Parameter) -> str:
    star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
    default = "" if p.default is p.empty else f" = {p.default!r}"
    return f"{star}{p.name}: {'Any' if p.annotation is p.empty else annotation(p.annotation)}{default}"


def stub(name: str, function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    shown, starred = ["self"], False
    for p in list(signature.parameters.values())[1:]:
        if p.kind is p.KEYWORD_ONLY and not starred:
            shown.append("*")
        starred = starred or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        shown.append(parameter(p))
    ignore = IGNORE.get(name, "")
    return f"    def {name}({', '.join(shown)}) -> {annotation(signature.return_annotation)}: ...{ignore}"


def text() -> str:
    members = sorted(vars(Methods).items())
    properties = [
        f"    @property\n    def {n}(self) -> {annotation(value.fget.__annotations__.get('return', 'Tensor'))}: ..."
        for n, value in members
        if isinstance(value, property)
    ]
    methods = [stub(name, value) for name, value in members if inspect.isfunction(value)]
    return HEAD + "\n".join(properties + methods) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        if TARGET.read_text() != text():
            sys.exit(f"{TARGET.name} is not up to date: run `hatch run stubs`")
    else:
        TARGET.write_text(text())
