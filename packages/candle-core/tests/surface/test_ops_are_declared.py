"""What every op says of itself: a formula, what its derivative reads, and two functions of arrays."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest

import candle.autograd.function  # noqa: F401  (brings its op)
from candle.op import OPS, MutatingOp, Op
from candle.testing.samples import of_core

CORE = {name: op for name, op in OPS.items() if of_core(op)}
ops = pytest.mark.parametrize("op", CORE.values(), ids=CORE)
VJP = ("xp", "needs", "grad", "out")


def positional(function) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [name for name, p in inspect.signature(function).parameters.items() if p.kind in kinds]


def keywords(function) -> list[str]:
    parameters = inspect.signature(function).parameters.items()
    return [name for name, p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]


@ops
def test_the_formula_is_one_line(op: type[Op]) -> None:
    """It is shown to users by candle.graph and candle.explain."""
    assert op.formula
    assert op.formula == (op.__doc__ or "").strip().split("\n")[0]
    assert len(op.formula) <= 110
    assert not op.formula.endswith(".")


@ops
def test_the_formula_tells_the_derivative(op: type[Op]) -> None:
    """An op with a rule says what it is, after a semicolon: `dx = grad * y`."""
    _, _, derivative = op.formula.partition(";")
    assert derivative.strip() or op.vjp is None


@ops
def test_functions_take_xp_first_and_no_self(op: type[Op]) -> None:
    """Inputs are positional, attrs keyword-only; without defaults, so that every call says all."""
    for function in (op.forward, op.vjp):
        if function is not None:
            names = list(inspect.signature(function).parameters)
            assert names[0] == "xp"
            assert "self" not in names
            kinds = {p.kind for p in inspect.signature(function).parameters.values()}
            assert inspect.Parameter.VAR_KEYWORD not in kinds
            assert all(p.default is p.empty for p in inspect.signature(function).parameters.values())


@ops
def test_vjp_takes_what_forward_takes(op: type[Op]) -> None:
    if op.vjp is not None:
        assert positional(op.vjp) == [*VJP, *positional(op.forward)[1:]]
        assert keywords(op.vjp) == keywords(op.forward)


@ops
def test_what_is_read_exists(op: type[Op]) -> None:
    assert list(op.inputs) == positional(op.forward)[1:]
    for name, read in op.reads.items():
        assert name in op.inputs
        assert set(read.split()) <= {*op.inputs, "out"}
    assert not op.reads or op.vjp is not None, "only a rule reads"


@ops
def test_what_is_promoted_exists(op: type[Op]) -> None:
    assert set(op.promotes.split()) <= set(op.inputs)
    assert not op.floats or op.promotes


@ops
def test_names_are_those_of_users(op: type[Op]) -> None:
    assert op.name == op.name.lower()
    assert op.name.isidentifier()
    assert OPS[op.name] is op


def test_no_two_ops_have_one_name() -> None:
    with pytest.raises(TypeError, match="two ops are called 'add'"):

        class Second(Op):
            """x"""

            name = "add"

            def forward(xp, x):
                return x

    assert OPS["add"].__name__ == "Add"


def test_a_class_that_is_defined_again_replaces_itself() -> None:
    """As when a notebook's cell runs twice."""

    def cell() -> type[Op]:
        class Doubled(Op):
            """2 x"""

            name = "surface_test_doubled"

            def forward(xp, x):
                return x + x

        return Doubled

    try:
        cell()
        again = cell()
        assert OPS["surface_test_doubled"] is again
    finally:
        OPS.pop("surface_test_doubled", None)


@pytest.mark.parametrize("wrong", [{"x": "y"}, {"y": "x"}, {"x": "x output"}])
def test_an_op_that_reads_what_it_has_not_is_found_when_it_is_written(wrong: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="surface_test_unknown: .*`reads` names (y|output)"):

        class Unknown(Op):
            """x;  dx = grad"""

            name, reads = "surface_test_unknown", wrong

            def forward(xp, x):
                return x

    assert "surface_test_unknown" not in OPS


def mutating() -> list[type[MutatingOp]]:
    return MutatingOp.__subclasses__()


@pytest.mark.parametrize("op", mutating(), ids=lambda op: op.name)
def test_mutating_ops_name_what_they_mutate(op: type[MutatingOp]) -> None:
    assert op.name
    assert (op.__doc__ or "").strip()
    assert op.mutates
    assert set(op.mutates) <= set(op.inputs)
    assert positional(op.forward)[0] == "xp"


DIRECT = [op for op in CORE.values() if op.forward.__code__.co_names == (op.contract,)]


@pytest.mark.parametrize("op", DIRECT, ids=lambda op: op.name)
def test_the_door_may_call_the_contract_instead_of_forward(op: type[Op]) -> None:
    """`Backend.rule` takes such a forward for one call that hands on what it got, in order and under the same names."""
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(op.forward))).body
    assert isinstance(function, ast.FunctionDef)
    handed_on = [f"*{name}" if op.variadic and name == op.inputs[-1] else name for name in op.inputs]
    handed_on += [f"{name}={name}" for name in keywords(op.forward)]
    assert "\n".join(map(ast.unparse, function.body)) == f"return xp.{op.contract}({', '.join(handed_on)})"
