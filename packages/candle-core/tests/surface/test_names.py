"""The public surface: what is listed exists, what exists is listed, and all of it is told."""

from __future__ import annotations

import inspect
import subprocess
import sys
import types
from pathlib import Path

import pytest

import candle
import candle.autograd.functional
import candle.distributions
import candle.func
import candle.random
import candle.signal.windows
import candle.special.bessel
import candle.special.distributions
import candle.special.polynomials
import candle.utils.checkpoint
from candle._methods import Methods
from candle.ops import _options

ROOT = Path(__file__).parents[4]
MODULES = [
    candle,
    candle.autograd,
    candle.autograd.functional,
    candle.distributions,
    candle.func,
    candle.ops,
    candle.utils.checkpoint,
    candle.signal,
    candle.signal.windows,
    candle.special,
    candle.special.bessel,
    candle.special.distributions,
    candle.special.polynomials,
    *candle.ops.FAMILIES,
]
FUNCTIONS = {name: getattr(candle, name) for name in candle.__all__ if inspect.isfunction(getattr(candle, name))}
WITH_OPTIONS = {*_options.CREATING.split(), *_options.WRITING.split()}  # `out=` and such, at the top only
METHODS = {
    name: value
    for kind in (Methods, candle.Tensor)
    for name, value in vars(kind).items()
    if inspect.isfunction(value) and not name.startswith("_")
}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_what_is_listed_exists_once(module: types.ModuleType) -> None:
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert sorted(module.__all__) == sorted(set(module.__all__))


def test_what_exists_is_listed() -> None:
    """Everything without an underscore is public, or a module."""
    public = {name for name, value in vars(candle).items() if not name.startswith("_") and not inspect.ismodule(value)}
    constants = {"contiguous_format", "preserve_format", "strided"}
    assert public - set(candle.__all__) - constants - {"annotations"} == set()


def test_star_import() -> None:
    code = "from candle import *; print(tensor([1.0]).shape, float32)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "candle.Size([1]) candle.float32\n"


def bare(name: str) -> object:
    """The function without the options that only the one at the top takes."""
    function = getattr(candle, name)
    return function.__wrapped__ if name in WITH_OPTIONS else function


def test_every_op_s_public_functions_are_at_the_top() -> None:
    assert set(candle.ops.__all__) <= set(candle.__all__)
    for name in candle.ops.__all__:
        assert bare(name) is getattr(candle.ops, name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_told(name: str) -> None:
    doc = inspect.getdoc(FUNCTIONS[name]) or ""
    assert len(doc) > 5
    assert doc[0] not in " \n"


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_told(name: str) -> None:
    assert inspect.getdoc(METHODS[name]), f"Tensor.{name} has no docstring"


@pytest.mark.parametrize("name", METHODS)
def test_methods_carry_their_own_name(name: str) -> None:
    """For tracebacks and help(): aliases carry that of what they stand for."""
    value = METHODS[name]
    assert not value.__name__.startswith("<")
    if name.endswith("_"):
        assert value.__name__.endswith("_")


def test_methods_and_functions_are_one() -> None:
    """x.f(...) is candle.f(x, ...): the same function object, wherever both are there."""
    different = {
        name
        for name in METHODS.keys() & FUNCTIONS.keys()
        if METHODS[name] is not bare(name) and METHODS[name].__name__ == FUNCTIONS[name].__name__
    }
    # what has another order of arguments as a method, or is Python's own business of the class
    assert different <= {"where", "is_complex", "is_floating_point", "numel", "real", "imag"}


def test_lazy_names_are_found_and_shown() -> None:
    assert {"func", "vmap", "graph", "explain", "utils", "testing"} <= set(dir(candle))
    for name in ("func", "vmap", "graph", "explain", "utils", "testing"):
        assert getattr(candle, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'candle' has no attribute 'tensr'"):
        candle.tensr  # noqa: B018
    assert not hasattr(candle, "tensr")


def test_a_sibling_that_is_not_installed_says_what_to_install() -> None:
    code = """
import sys
sys.modules["candle.nn"] = None
import candle
try:
    candle.nn
except AttributeError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "candle-nn" in found.stdout
    assert "install" in found.stdout


def test_help_shows_the_signature() -> None:
    assert list(inspect.signature(candle.sum).parameters)[:3] == ["input", "dim", "keepdim"]
    assert inspect.signature(candle.Tensor.sum) == inspect.signature(candle.sum)


def test_the_stubs_are_up_to_date() -> None:
    found = subprocess.run(
        [sys.executable, ROOT / "tools/make_stubs.py", "--check"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr


def test_the_stubs_name_every_method() -> None:
    text = Path(candle.__file__).with_name("_methods.pyi").read_text()
    compile(text, "_methods.pyi", "exec")
    missing = [name for name in vars(Methods) if not name.startswith("__") and f"def {name}(" not in text]
    assert missing == []


def test_the_package_says_that_it_is_typed() -> None:
    assert Path(candle.__file__).with_name("py.typed").exists()
