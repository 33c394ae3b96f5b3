"""`vjp` and `jvp`: products with Jacobians from either side."""

from __future__ import annotations

import pytest
import torch

import candle

from .trees import candles, check

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
Y = torch.tensor([1.5, 0.25, -0.75], dtype=torch.float64)
T = torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)

# function(lib), primals: the outputs' form decides that of the weights
FUNCTIONS = {
    "one to one": (lambda lib: lambda x: x * x.sum(), (X,)),
    "two to one": (lambda lib: lambda x, y: x.outer(y).sin(), (X, Y[:2])),
    "one to two": (lambda lib: lambda x: (x.exp(), x.sum()), (X,)),
    "to a list": (lambda lib: lambda x: [x * 2, x * x], (X,)),
    "to a dict": (lambda lib: lambda x: {"z": x * x, "a": x.prod()}, (X,)),
    "to a nest": (lambda lib: lambda x: (x[0] * x, {"k": [x.sin()]}), (X,)),
    "from a dict": (lambda lib: lambda d: d["a"] * d["b"], ({"b": X, "a": Y},)),
    "from a nest": (lambda lib: lambda p, y: p[0] * p[1]["q"] - y, ((X, {"q": Y}), T)),
    "linear": (lambda lib: lambda x: x * 3 - x.flip(0), (X,)),
    "constant": (lambda lib: lambda x: lib.ones(2, dtype=lib.float64), (X,)),
    "constant in part": (lambda lib: lambda x: (x * x, lib.ones(2, dtype=lib.float64)), (X,)),
    "an input unused": (lambda lib: lambda x, y: x * 2, (X, Y)),
    "itself": (lambda lib: lambda x: x, (X,)),
    "a view": (lambda lib: lambda x: x[1:], (X,)),
    "by itself": (lambda lib: lambda x, y: (y, x), (X, Y)),
    "matrices": (lambda lib: lambda a, b: a @ b, (torch.outer(X, Y), torch.outer(Y, T))),
    "in place": (lambda lib: lambda x: (x * 2).mul_(x).sin_(), (X,)),
    "float32": (lambda lib: lambda x: x.exp(), (X.float(),)),
    "complex": (lambda lib: lambda z: z * z.conj() * z, (X + 1j * Y,)),
    "from real to complex": (lambda lib: lambda x: x * x * (1 + 2j), (X,)),
    "from complex to real": (lambda lib: lambda z: z.abs(), (X + 1j * Y,)),
    "discontinuous": (lambda lib: lambda x: x.floor() * x, (X,)),
    "saturated": (lambda lib: lambda x: (x * 1e4).sigmoid(), (X,)),
    "scalars": (lambda lib: lambda x, y: x.sum() * y.prod(), (X, Y)),
}


def like(tree, factor: float):
    """Weights or tangents: different numbers of the same form."""
    counter = iter(range(100))

    def other(t):
        values = torch.arange(t.numel(), dtype=torch.float64) * 0.3 + 0.7 + next(counter)
        return (values * factor).to(t.dtype).reshape(t.shape)

    return torch.utils._pytree.tree_map(other, tree)


@pytest.mark.parametrize(("function", "primals"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_vjp(function, primals) -> None:
    weights = like(function(torch)(*primals), 1.0)

    def program(lib, func, weights, *primals):
        out, pull = func.vjp(function(lib), *primals)
        return out, pull(weights), pull(weights)  # the function can be called again

    check(program, weights, *primals)


@pytest.mark.parametrize(("function", "primals"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_jvp(function, primals) -> None:
    check(lambda lib, func, x, t: func.jvp(function(lib), x, t), primals, like(primals, 0.5))


@pytest.mark.parametrize(("function", "primals"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_two_agree(function, primals) -> None:
    """<v, J t> = <J^T v, t>, for real numbers."""
    given = candles(primals)
    tangents = candles(like(primals, 0.5))
    out, pull = candle.func.vjp(function(candle), *given)
    weights = candles(like(function(torch)(*primals), 1.0))
    _, pushed = candle.func.jvp(function(candle), given, tangents)
    leaves = torch.utils._pytree.tree_leaves

    def inner(a, b) -> float:
        return sum(float((p.conj() * q).sum().real.item()) for p, q in zip(leaves(a), leaves(b), strict=True))

    assert inner(weights, pushed) == pytest.approx(inner(pull(weights), tangents), rel=1e-5, abs=1e-9)


def test_has_aux() -> None:
    def program(lib, func, x, t):
        out, pull, aux = func.vjp(lambda x: (x * x, {"twice": x * 2}), x, has_aux=True)
        pushed = func.jvp(lambda x: (x * x, {"twice": x * 2}), (x,), (t,), has_aux=True)
        return out, pull(t), aux, aux["twice"].requires_grad, pushed, pushed[2]["twice"].requires_grad

    check(program, X, T)


def test_jvp_of_results_without_a_derivative() -> None:
    """Integers and truths have a tangent of zero, of their own dtype."""
    check(lambda lib, func, x, t: func.jvp(lambda x: (x * x, x.argmax(), x > 0), (x,), (t,)), X, T)


def test_strict_jvp() -> None:
    """Every output must depend on the inputs; not every input need be used."""
    check(lambda lib, func, x, t: func.jvp(lambda x, y: x * x, (x, x), (t, t), strict=True), X, T)
    for lib in (torch, candle):
        with pytest.raises(RuntimeError, match="strict"):
            lib.func.jvp(lambda x: (x, lib.ones(2)), (lib.ones(3),), (lib.ones(3),), strict=True)


def test_what_is_not_by_a_primal_is_no_problem() -> None:
    def program(lib, func, x, t):
        i, k = lib.arange(3), 2.0
        pushed = func.jvp(lambda x: x * i * k, (x,), (t,))
        out, pull = func.vjp(lambda x: x * i * k, x)
        return pushed, out, pull(t)

    check(program, X, T)


def test_vjp_keeps_its_graph_until_it_goes() -> None:
    """pull may be called when everything else is gone."""

    def make():
        x = candle.tensor([1.0, 2.0, 3.0]) * 2
        return candle.func.vjp(lambda a: (a * a).exp() / a, x)[1]

    pull = make()
    first = pull(candle.ones(3))
    assert first[0].tolist() == pull(candle.ones(3))[0].tolist()


ONE = candle.ones(3)

REFUSED = {
    "too few weights": lambda f: f.vjp(lambda x: (x, x * 2), ONE)[1](ONE),
    "too many weights": lambda f: f.vjp(lambda x: x, ONE)[1]((ONE, ONE)),
    "no weights": lambda f: f.vjp(lambda x: x, ONE)[1](),
    "weights of another form": lambda f: f.vjp(lambda x: {"a": x}, ONE)[1]([ONE]),
    "weights of another shape": lambda f: f.vjp(lambda x: x, ONE)[1](candle.ones(2)),
    "weights that would broadcast": lambda f: f.vjp(lambda x: x, ONE)[1](candle.ones(1)),
    "an integer result of vjp": lambda f: f.vjp(lambda x: (x > 0).long(), ONE)[1](candle.ones(3, dtype=candle.int64)),
    "a number from vjp's function": lambda f: f.vjp(lambda x: 2.0, ONE),
    "vjp by integers": lambda f: f.vjp(lambda x: x * 2.0, candle.arange(3)),
    "primals not in a tuple": lambda f: f.jvp(lambda x: x, ONE, ONE),
    "too many tangents": lambda f: f.jvp(lambda x: x, (ONE,), (ONE, ONE)),
    "too few tangents": lambda f: f.jvp(lambda x, y: x * y, (ONE, ONE), (ONE,)),
    "tangents of another form": lambda f: f.jvp(lambda d: d["a"], ({"a": ONE},), ([ONE],)),
    "tangents of another shape": lambda f: f.jvp(lambda x: x, (ONE,), (candle.ones(2),)),
    "tangents that would broadcast": lambda f: f.jvp(lambda x: x, (ONE,), (candle.ones(1),)),
    "jvp by integers": lambda f: f.jvp(lambda x: x * 2.0, (candle.arange(3),), (candle.arange(3),)),
    "a number from jvp's function": lambda f: f.jvp(lambda x: 2.0, (ONE,), (ONE,)),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_refused(call) -> None:
    """With a message that says vjp or jvp, not zip() or an attribute."""
    with pytest.raises((RuntimeError, TypeError, ValueError), match="vjp|jvp|gradient of shape|float"):
        call(candle.func)
