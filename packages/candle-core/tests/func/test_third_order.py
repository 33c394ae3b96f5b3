"""Transforms of transforms, to third order, in all orders."""

from __future__ import annotations

import itertools

import pytest
import torch

from .trees import check

X = torch.tensor([0.5, -1.25], dtype=torch.float64)
S = torch.tensor(0.75, dtype=torch.float64)


def quartic(x):
    return (x**4).sum() * x[0] + (x[0] * x[1]).sin()


def saved(x):
    """Of ops that keep their output, or what they computed on the way."""
    return (x.softmax(0) * x.exp()).sum().sqrt() + x.logsumexp(0) * (x @ x).sigmoid()


def matrices(x):
    m = x.outer(x)
    return (m @ m).tanh().sum()


@pytest.mark.parametrize("names", list(itertools.product(("jacrev", "jacfwd"), repeat=2)), ids="-".join)
@pytest.mark.parametrize("function", [quartic, saved, matrices])
def test_second_order(function, names) -> None:
    def program(lib, func, x):
        outer, inner = (getattr(func, name) for name in names)
        return outer(inner(function))(x)

    check(program, X)


@pytest.mark.parametrize("names", list(itertools.product(("jacrev", "jacfwd"), repeat=3)), ids="-".join)
@pytest.mark.parametrize("function", [quartic, saved, matrices])
def test_third_order(function, names) -> None:
    def program(lib, func, x):
        first, second, third = (getattr(func, name) for name in names)
        return first(second(third(function)))(x)

    check(program, X)


def ones(lib, x):
    return (lib.ones_like(x),)


PRODUCTS = {
    "grad": lambda lib, func, f: func.grad(lambda x: f(x).sum()),
    "vjp": lambda lib, func, f: lambda x: func.vjp(f, x)[1](lib.ones_like(f(x)))[0],
    "jvp": lambda lib, func, f: lambda x: func.jvp(f, (x,), ones(lib, x))[1],
    "vmap": lambda lib, func, f: lambda x: func.vmap(f)(lib.stack([x, x * 2])).sum(0),
    "jacobian's rows": lambda lib, func, f: lambda x: func.jacrev(f)(x).reshape(-1, *x.shape).sum(0),
    "jacobian's columns": lambda lib, func, f: lambda x: func.jacfwd(f)(x).reshape(-1, *x.shape).sum(0),
}


@pytest.mark.parametrize("names", list(itertools.product(PRODUCTS, repeat=3)), ids="-".join)
def test_every_transform_of_every_transform(names) -> None:
    """Of a vector function, three deep; all are linear combinations of third (or lower) derivatives."""

    def program(lib, func, x):
        f = lambda v: v.sin() * v.exp().sum() + v**3  # noqa: E731
        for name in reversed(names):
            f = PRODUCTS[name](lib, func, f)
        return f(x)

    check(program, X)


CONFUSION = {
    "grad in grad": lambda func, x: func.grad(lambda a: a * func.grad(lambda b: a + b)(x))(x),
    "the same variable": lambda func, x: func.grad(lambda a: a * func.grad(lambda b: a * a * b)(a))(x),
    "jvp in jvp": lambda func, x: func.jvp(lambda a: a * func.jvp(lambda b: a * b, (x,), (x,))[1], (x,), (x,)),
    "grad in jvp": lambda func, x: func.jvp(lambda a: a * func.grad(lambda b: a * b * b)(a), (x,), (x,)),
    "jvp in grad": lambda func, x: func.grad(lambda a: a * func.jvp(lambda b: a * b * b, (a,), (x,))[1])(x),
    "three deep": lambda func, x: func.grad(
        lambda a: func.grad(lambda b: func.grad(lambda c: (a * b * c * c).sin())(b) * a)(a) * a
    )(x),
    "sine": lambda func, x: func.grad(func.grad(func.grad(func.grad(lambda a: a.sin()))))(x),
}


@pytest.mark.parametrize("program", CONFUSION.values(), ids=CONFUSION)
def test_levels_are_not_confused(program) -> None:
    """Siskind and Pearlmutter (2005), "Perturbation confusion and referential transparency"."""
    check(lambda lib, func, x: program(func, x), S)
