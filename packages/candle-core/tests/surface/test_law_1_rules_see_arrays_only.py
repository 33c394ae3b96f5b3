"""Law 1: a rule sees only inputs, `out` and attrs, and uses only xp, operators and shape, ndim, dtype."""

from __future__ import annotations

import ast
import dis
import inspect
import textwrap
from typing import Any

import numpy as np
import pytest

from candle.op import OPS, Op
from candle.testing.samples import Sample

from .calls import ALL, RULES, arrays, weights
from .spying import Spy, closed, spying_namespace


@pytest.mark.parametrize("sample", ALL.values(), ids=ALL)
def test_forward(sample: Sample) -> None:
    given, outs = arrays(sample)
    with np.errstate(all="ignore"):
        found = OPS[sample.name].forward(spying_namespace(), *closed(given), **sample.attrs)
    for mine, expected in zip(found if isinstance(found, tuple) else (found,), outs, strict=True):
        np.testing.assert_array_equal(mine.value, expected)


@pytest.mark.parametrize("sample", RULES.values(), ids=RULES)
def test_vjp(sample: Sample) -> None:
    given, outs = arrays(sample)
    out = closed(outs[0] if len(outs) == 1 else outs)
    needs = tuple(isinstance(x, np.ndarray) and x.dtype.kind in "fc" for x in given)
    with np.errstate(all="ignore"):
        xp, grad = spying_namespace(), closed(weights(outs))
        found = OPS[sample.name].vjp(xp, needs, grad, out, *closed(given), **sample.attrs)
    assert isinstance(found, tuple)
    assert len(found) == len(given)
    assert all(isinstance(g, Spy) for g, needed in zip(found, needs, strict=True) if needed)


@pytest.mark.parametrize("sample", ALL.values(), ids=ALL)
def test_attrs_are_static(sample: Sample) -> None:
    """Hashable, and no arrays among them: what changes every step is an input."""
    hash(tuple(sample.attrs.items()))

    def scan(x: Any) -> None:
        assert not hasattr(x, "__array__"), f"{sample.name} has an array among its attrs"
        for each in x if isinstance(x, tuple) else ():
            scan(each)

    scan(tuple(sample.attrs.values()))


# --- in the source ----------------------------------------------------------------


def functions_of(op: type[Op]) -> list[Any]:
    return [f for f in (op.forward, op.vjp) if f is not None]


def globals_of(function: Any) -> dict[str, Any]:
    """What its code looks up in its module, also in lambdas and comprehensions inside."""
    found, codes = {}, [function.__code__]
    while codes:
        code = codes.pop()
        codes += [c for c in code.co_consts if inspect.iscode(c)]
        names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
        found.update({name: function.__globals__[name] for name in names if name in function.__globals__})
    return found


def reached(function: Any, seen: set[Any]) -> set[Any]:
    """The function and the helpers of the project that it calls."""
    if function not in seen:
        seen.add(function)
        for value in globals_of(function).values():
            if inspect.isfunction(value) and value.__module__.startswith("candle"):
                reached(value, seen)
    return seen


OURS = {name: op for name, op in OPS.items() if op.__module__.startswith("candle.ops")}


@pytest.mark.parametrize("op", OURS.values(), ids=OURS)
def test_rules_name_no_library(op: type[Op]) -> None:
    """Neither NumPy nor Tensors nor modes: `xp` alone, `math` and candle's own pure helpers."""
    for function in {f for each in functions_of(op) for f in reached(each, set())}:
        found = globals_of(function)
        modules = {name for name, value in found.items() if inspect.ismodule(value)}
        assert modules <= {"math", "_dtypes"}, f"{function.__qualname__} uses {modules}"
        classes = {name for name, value in found.items() if inspect.isclass(value)}
        assert all(issubclass(found[name], Op) for name in classes), f"{function.__qualname__} uses {classes}"
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not imports, f"{function.__qualname__} imports inside a rule"


@pytest.mark.parametrize("op", OURS.values(), ids=OURS)
def test_rules_write_nothing(op: type[Op]) -> None:
    """No x[...] = y, no x += y on what came in."""
    for function in functions_of(op):
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        given = set(inspect.signature(function).parameters)
        for node in ast.walk(tree):
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AugAssign)
                else []
            )
            for target in targets:
                assert not isinstance(target, ast.Subscript | ast.Attribute), f"{op.name} writes into something"
                if isinstance(node, ast.AugAssign) and isinstance(target, ast.Name):
                    assert target.id not in given, f"{op.name} writes into {target.id}"
