"""Law 14: every name of the contract exists at the Tensor level, where it is itself an op."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import candle
import candle.testing.strict
from candle._namespace import namespace_of
from candle.backends import contract
from candle.func.vmap_rules import namespace
from candle.plugins import backend_of

NAMES = sorted(contract.NAMES)


@pytest.mark.parametrize("device", ["cpu", "strict", "frozen"])
def test_the_tensor_level_has_every_name(device: str) -> None:
    xp = namespace_of(backend_of(device))
    assert [name for name in NAMES if not hasattr(xp, name)] == []


@pytest.mark.parametrize("device", ["cpu", "strict", "frozen"])
def test_every_backend_has_every_name(device: str) -> None:
    assert [name for name in NAMES if not hasattr(backend_of(device).xp, name)] == []


def test_vmap_has_every_name() -> None:
    assert [name for name in NAMES if not hasattr(namespace(backend_of("cpu")), name)] == []


def test_the_namespace_is_made_once() -> None:
    assert namespace_of(backend_of("cpu")) is namespace_of(backend_of("cpu"))


@pytest.mark.parametrize("device", ["cpu", "strict", "frozen"])
@pytest.mark.parametrize("name", ["asarray", "arange", "full", "zeros", "ones"])
def test_creation_lands_on_the_backend_s_device(name: str, device: str) -> None:
    xp = namespace_of(backend_of(device))
    made = {
        "asarray": lambda: xp.asarray([1.0, 2.0]),
        "arange": lambda: xp.arange(3),
        "full": lambda: xp.full((2,), 1.5),
        "zeros": lambda: xp.zeros((2,)),
        "ones": lambda: xp.ones((2,)),
    }[name]()
    assert str(made.device) == device


SMOOTH = """
exp log sqrt sin cos tanh square reciprocal exp2 expm1 log1p log2 log10 tan asin acos atan sinh cosh asinh atanh erf abs
negative positive conj
""".split()


@pytest.mark.parametrize("name", SMOOTH)
def test_functions_of_one_array_record_themselves(name: str) -> None:
    """Called on Tensors, a name of the contract can be differentiated, and that again."""
    xp = namespace_of(backend_of("cpu"))
    x = candle.tensor([0.3, 0.6, 0.8], dtype=candle.float64, requires_grad=True)
    assert candle.autograd.gradcheck(getattr(xp, name), (x,))
    assert candle.autograd.gradgradcheck(getattr(xp, name), (x,))


@pytest.mark.parametrize(
    "name", ["add", "subtract", "multiply", "divide", "pow", "maximum", "atan2", "hypot", "logaddexp"]
)
def test_functions_of_two_arrays_record_themselves(name: str) -> None:
    xp = namespace_of(backend_of("cpu"))
    x, y = (candle.tensor(v, dtype=candle.float64, requires_grad=True) for v in ([0.3, 1.6], [[0.9, 0.7], [1.2, 0.2]]))
    assert candle.autograd.gradcheck(getattr(xp, name), (x, y))
    assert candle.autograd.gradgradcheck(getattr(xp, name), (x, y))


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var", "cumulative_sum", "cumulative_prod"])
def test_reductions_record_themselves(name: str) -> None:
    xp = namespace_of(backend_of("cpu"))
    x = candle.tensor([[0.3, 1.6, 2.0], [0.9, -0.7, 1.1]], dtype=candle.float64, requires_grad=True)
    assert candle.autograd.gradcheck(lambda x: getattr(xp, name)(x, axis=1), (x,))
    assert candle.autograd.gradgradcheck(lambda x: getattr(xp, name)(x, axis=1), (x,))


def test_the_parts_of_the_contract_do_not_overlap() -> None:
    parts = [contract.REQUIRED, contract.EXTRA, contract.DERIVED]
    assert sum(map(len, parts)) == len(contract.NAMES)


def test_what_the_standard_has_is_called_as_there() -> None:
    """The array API standard (2024.12), as NumPy 2 implements it: names beyond it are few, and listed."""
    beyond = {name for name in NAMES if not hasattr(np, name)}
    special = {"sigmoid", "erf", "lgamma", "digamma", "polygamma", "i0e", "i1", "i1e"}
    views = {"as_real", "as_complex", "take_strided", "add_strided"}
    assert beyond == {
        "index_put",
        "index_add",
        "index_combine",
        "slice_put",
        "index",
        "topk",
        "check",
        *special,
        *views,
    }


def test_keywords_are_the_standard_s() -> None:
    """axis and keepdims, never dim and keepdim, wherever the Tensor level has a signature to look at."""
    xp = namespace_of(backend_of("cpu"))
    for name in NAMES:
        parameters = inspect.signature(getattr(xp, name)).parameters.values()
        by_name = {p.name for p in parameters if p.kind is not p.VAR_POSITIONAL}
        assert not {"dim", "keepdim", "dims"} & by_name, name
