"""`autograd.functional`, against PyTorch's."""

from __future__ import annotations

import pytest
import torch

import candle

from .trees import check

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
Y = torch.tensor([1.5, 0.25], dtype=torch.float64)
V = torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
U = torch.tensor([0.25, 3.0], dtype=torch.float64)


def of(lib):
    return lib.autograd.functional


# function, inputs as given, v for the outputs, v for the inputs
FUNCTIONS = {
    "one to one": (lambda x: x * x.sum(), X, V, V),
    "one in a tuple": (lambda x: x * x.sum(), (X,), V, (V,)),
    "two to one": (lambda x, y: x.outer(y).sin(), (X, Y), torch.outer(V, U), (V, U)),
    "one to two": (lambda x: (x * x, x[:2].exp()), X, (V, U), V),
    "one to a tuple of one": (lambda x: (x.exp(),), X, (V,), V),
    "two to two": (lambda x, y: (x * y.sum(), y * x.prod()), (X, Y), (V, U), (V, U)),
    "an unused input": (lambda x, y: x * x, (X, Y), V, (V, U)),
    "linear": (lambda x: x.flip(0) * 2, X, V, V),
    "float32": (lambda x: x.sigmoid(), X.float(), V.float(), V.float()),
}
NUMBERS = {
    "cubes": (lambda x: (x**3).sum() * x[0], X, V),
    "cubes in a tuple": (lambda x: (x**3).sum() * x[0], (X,), (V,)),
    "two inputs": (lambda x, y: (x.outer(y).sin()).sum() * y[0], (X, Y), (V, U)),
    "one element": (lambda x: (x**3).sum().reshape(1), X, V),
    "an unused input": (lambda x, y: (x**3).sum(), (X, Y), (V, U)),
    "linear": (lambda x: x.sum(), X, V),
    "softmax": (lambda x: (x.softmax(0) * x).sum(), X, V),
}

functions = pytest.mark.parametrize(("function", "inputs", "v", "u"), FUNCTIONS.values(), ids=FUNCTIONS)
numbers = pytest.mark.parametrize(("function", "inputs", "u"), NUMBERS.values(), ids=NUMBERS)


@functions
@pytest.mark.parametrize("vectorize", [False, True])
def test_jacobian(function, inputs, v, u, vectorize: bool) -> None:
    check(lambda lib, func, xs: of(lib).jacobian(function, xs, vectorize=vectorize), inputs)


@functions
def test_jacobian_forward(function, inputs, v, u) -> None:
    """PyTorch's forward mode has lists in places where its reverse mode has tuples."""
    options = {"vectorize": True, "strategy": "forward-mode"}
    check(lambda lib, func, xs: as_tuples(of(lib).jacobian(function, xs, **options)), inputs)


def as_tuples(tree):
    return tuple(map(as_tuples, tree)) if isinstance(tree, tuple | list) else tree


@functions
def test_vjp(function, inputs, v, u) -> None:
    check(lambda lib, func, xs, v: of(lib).vjp(function, xs, v), inputs, v)


@functions
def test_jvp(function, inputs, v, u) -> None:
    check(lambda lib, func, xs, u: of(lib).jvp(function, xs, u), inputs, u)


@numbers
@pytest.mark.parametrize("vectorize", [False, True])
def test_hessian(function, inputs, u, vectorize: bool) -> None:
    check(lambda lib, func, xs: of(lib).hessian(function, xs, vectorize=vectorize), inputs)


@numbers
def test_hessian_forward_over_reverse(function, inputs, u) -> None:
    """PyTorch's documentation promises tuples, here too."""
    options = {"vectorize": True, "outer_jacobian_strategy": "forward-mode"}
    check(lambda lib, func, xs: as_tuples(of(lib).hessian(function, xs, **options)), inputs)


@numbers
@pytest.mark.parametrize("name", ["vhp", "hvp"])
def test_hessian_products(function, inputs, u, name: str) -> None:
    check(lambda lib, func, xs, u: getattr(of(lib), name)(function, xs, u), inputs, u)


def test_v_may_be_left_out_for_one_number() -> None:
    def program(lib, func, x):
        f = of(lib)
        one = x[:1]
        return f.vjp(lambda x: (x**2).sum(), x), f.jvp(lambda x: x**2, one), f.hvp(lambda x: (x**3).sum(), one)

    check(program, X)


# --- history ---------------------------------------------------------------------

CALLS = {
    "jacobian": lambda lib, x, v, **o: [of(lib).jacobian(lambda x: x**3, x, **o)],
    "jacobian, vectorized": lambda lib, x, v, **o: [of(lib).jacobian(lambda x: x**3, x, vectorize=True, **o)],
    "hessian": lambda lib, x, v, **o: [of(lib).hessian(lambda x: (x**4).sum(), x, **o)],
    "vjp": lambda lib, x, v, **o: list(of(lib).vjp(lambda x: x**3, x, v, **o)),
    "jvp": lambda lib, x, v, **o: list(of(lib).jvp(lambda x: x**3, x, v, **o)),
    "vhp": lambda lib, x, v, **o: list(of(lib).vhp(lambda x: (x**4).sum(), x, v, **o)),
    "hvp": lambda lib, x, v, **o: list(of(lib).hvp(lambda x: (x**4).sum(), x, v, **o)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_create_graph_nothing_is_remembered(call) -> None:
    def program(lib, func, x, v):
        x.requires_grad_()
        return [t.requires_grad for t in call(lib, x, v)], x.grad

    check(program, X, V)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_create_graph(call) -> None:
    def program(lib, func, x, v):
        x.requires_grad_()
        found = call(lib, x, v, create_graph=True)
        return [t.detach() for t in found], lib.autograd.grad(sum((t**2).sum() for t in found), x)

    check(program, X, V)


def test_create_graph_by_v() -> None:
    def program(lib, func, x, v):
        v.requires_grad_()
        _, found = of(lib).vjp(lambda x: x**3, x, v, create_graph=True)
        return lib.autograd.grad(found.sum(), v)

    check(program, X, V)


@pytest.mark.parametrize("name", ["jacobian", "hessian", "vjp", "jvp", "vhp", "hvp"])
def test_the_function_is_called_once(name: str) -> None:
    """So that what it draws at random, and what it writes down, is one thing."""

    def program(lib, func, x):
        calls = []
        more = (x,) if name in ("jvp", "vhp", "hvp") else ()
        getattr(of(lib), name)(lambda x: (calls.append(1), (x**3).sum())[1], x, *more)
        return len(calls)

    check(program, X)


def test_under_no_grad() -> None:
    def program(lib, func, x, v):
        with lib.no_grad():
            return of(lib).jacobian(lambda x: x**2, x), of(lib).hvp(lambda x: (x**3).sum(), x, v)

    check(program, X, V)


# --- refused ----------------------------------------------------------------------

ONE = candle.ones(3)

STRICT = {
    "jacobian, an unused input": lambda f, x: f.jacobian(lambda x, y: x * 2, (x, x), strict=True),
    "jacobian, a constant": lambda f, x: f.jacobian(lambda x: x.detach() * 0, x, strict=True),
    "jacobian, vectorized": lambda f, x: f.jacobian(lambda x: x * x, x, strict=True, vectorize=True),
    "hessian, linear": lambda f, x: f.hessian(lambda x: x.sum(), x, strict=True),
    "vjp, an unused input": lambda f, x: f.vjp(lambda x, y: x * x, (x, x), x, strict=True),
    "jvp, a constant": lambda f, x: f.jvp(lambda x: x.detach() * 0, x, x, strict=True),
    "hvp, an unused input": lambda f, x: f.hvp(lambda x, y: (x**3).sum(), (x, x), (x, x), strict=True),
    "vhp, linear": lambda f, x: f.vhp(lambda x: x.sum(), x, x, strict=True),
    "jacobian, one output by one input": lambda f, x: f.jacobian(lambda x, y: (x * y, y * 1), (x, x), strict=True),
    "hessian, no mixed terms": lambda f, x: f.hessian(lambda x, y: (x**2 + y**2).sum(), (x, x), strict=True),
    "hvp, linear in one": lambda f, x: f.hvp(lambda x, y: (x**2 + y).sum(), (x, x), (x, x), strict=True),
    "vjp, linear": lambda f, x: f.vjp(lambda x: x * 2, x, x, strict=True, create_graph=True),
}


@pytest.mark.parametrize("call", STRICT.values(), ids=STRICT)
def test_strict(call) -> None:
    with pytest.raises(RuntimeError):
        call(torch.autograd.functional, torch.ones(3))
    with pytest.raises(RuntimeError, match="strict"):
        call(candle.autograd.functional, ONE)


STRICT_PASSES = {
    "jacobian": lambda f, x: f.jacobian(lambda x: x * x, x, strict=True),
    "jacobian, all zero": lambda f, x: f.jacobian(lambda x: x.floor(), x, strict=True),
    "vjp, each input once": lambda f, x: f.vjp(lambda x, y: (x * 1, y * 2), (x, x), (x, x), strict=True),
    "jvp, each input once": lambda f, x: f.jvp(lambda x, y: (x * 1, y * 2), (x, x), (x, x), strict=True),
    "hessian": lambda f, x: f.hessian(lambda x, y: ((x * y) ** 2).sum(), (x, x), strict=True),
    "hvp, no mixed terms": lambda f, x: f.hvp(lambda x, y: (x**2 + y**2).sum(), (x, x), (x, x), strict=True),
    "vhp": lambda f, x: f.vhp(lambda x: (x**3).sum(), x, x, strict=True),
    "vjp to be differentiated": lambda f, x: plain(f.vjp(lambda x: x**2, x, x, strict=True, create_graph=True)),
}


def plain(tensors):
    return tuple(t.detach() for t in tensors)


@pytest.mark.parametrize("call", STRICT_PASSES.values(), ids=STRICT_PASSES)
def test_strict_lets_pass_what_depends(call) -> None:
    check(lambda lib, func, x: call(of(lib), x), X)


REFUSED = {
    "an unknown strategy": (lambda f: f.jacobian(lambda x: x, ONE, strategy="sideways"), "strategy"),
    "a list of inputs": (lambda f: f.jacobian(lambda x, y: x * y, [ONE, ONE]), "jacobian.*tuple"),
    "a number": (lambda f: f.jacobian(lambda x: x * 2, 3.0), "jacobian.*float"),
    "a number returned": (lambda f: f.jacobian(lambda x: 3.0, ONE), "jacobian.*float"),
    "integers": (lambda f: f.jacobian(lambda x: x * 2.0, candle.arange(3)), "float"),
    "the Hessian of a vector": (lambda f: f.hessian(lambda x: x**3, ONE), "hessian.*(one|single|number)"),
    "the Hessian of two numbers": (
        lambda f: f.hessian(lambda x: (x.sum(), x.sum()), ONE),
        "hessian.*(one|single|Tensor)",
    ),
    "hvp of a vector": (lambda f: f.hvp(lambda x: x**3, ONE, ONE), "(hvp|vhp).*(one|single|number)"),
    "vjp of a vector without v": (lambda f: f.vjp(lambda x: x, ONE), "v may only be left out"),
    "jvp of a vector without v": (lambda f: f.jvp(lambda x: x, ONE), "v may only be left out"),
    "jvp of two without v": (lambda f: f.jvp(lambda x, y: x * y, (ONE[:1], ONE[:1])), "v may only be left out"),
    "hvp of a vector without v": (lambda f: f.hvp(lambda x: x.sum(), ONE), "v may only be left out"),
    "too many v": (lambda f: f.vjp(lambda x: x, ONE, (ONE, ONE)), "vjp|v "),
    "too few v": (lambda f: f.jvp(lambda x, y: x, (ONE, ONE), (ONE,)), "jvp|v "),
    "v of another shape": (lambda f: f.vjp(lambda x: x, ONE, ONE[:2]), r"\(2,\).*\(3,\)"),
}


@pytest.mark.parametrize(("call", "says"), REFUSED.values(), ids=REFUSED)
def test_refused(call, says: str) -> None:
    with pytest.raises((RuntimeError, TypeError, ValueError), match=says):
        call(candle.autograd.functional)
