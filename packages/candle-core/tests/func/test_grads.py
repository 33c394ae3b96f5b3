"""`grad` and `grad_and_value`: which arguments, what is returned beside, and what is refused."""

from __future__ import annotations

from collections import namedtuple

import pytest
import torch

import candle

from .trees import check

Params = namedtuple("Params", "w b")

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
Y = torch.tensor([1.5, 0.25, -0.75], dtype=torch.float64)
W = torch.tensor([[0.5, 1.0, -2.0], [0.1, 0.3, 0.7]], dtype=torch.float64)


def loss(x, y):
    return (x * y + (x * x * y).tanh()).sum()


@pytest.mark.parametrize("argnums", [0, 1, -1, -2, (0,), (1,), (0, 1), (1, 0), (-1, 0)], ids=str)
def test_argnums(argnums) -> None:
    check(lambda lib, func, x, y: func.grad(loss, argnums)(x, y), X, Y)
    check(lambda lib, func, x, y: func.grad_and_value(loss, argnums)(x, y), X, Y)


TREES = {
    "tuple": (lambda p: loss(*p), (X, Y)),
    "list": (lambda p: loss(p[0], p[1]), [X, Y]),
    "dict": (lambda p: loss(p["x"], p["y"]), {"y": Y, "x": X}),
    "nested": (lambda p: loss(p[0]["x"], p[1][0]) + (p[1][1] @ p[0]["x"]).sum(), ({"x": X}, [Y, W])),
    "named tuple": (lambda p: loss(p.w, p.b), Params(X, Y)),
    "unused leaf": (lambda p: (p[0] ** 2).sum(), (X, W)),
}


@pytest.mark.parametrize(("function", "tree"), TREES.values(), ids=TREES)
def test_the_gradient_of_a_tree_is_a_tree(function, tree) -> None:
    check(lambda lib, func, p: func.grad(function)(p), tree)
    check(lambda lib, func, p: func.grad_and_value(function)(p), tree)
    check(lambda lib, func, x, p: func.grad(lambda x, p: (x * function(p)).sin().sum(), (1, 0))(x, p), X, tree)


OTHERS = {
    "an unused argument": lambda lib, func, x, y: func.grad(lambda x, y: (x**2).sum(), (0, 1))(x, y),
    "a constant": lambda lib, func, x, y: func.grad(lambda x: lib.ones(()))(x),
    "a boolean result": lambda lib, func, x, y: func.grad(lambda x: (x > 0).any())(x),
    "a number beside": lambda lib, func, x, y: func.grad(lambda x, k: (x**k).sum())(x, 3),
    "an integer tensor beside": lambda lib, func, x, y: func.grad(lambda x, i: (x * i).sum())(x, lib.arange(3)),
    "keywords": lambda lib, func, x, y: func.grad(lambda x, *, scale: (x * scale).sin().sum())(x, scale=y),
    "the same tensor twice": lambda lib, func, x, y: func.grad(lambda a, b: (a * b * b).sum(), (0, 1))(x, x),
    "closed over itself": lambda lib, func, x, y: func.grad(lambda a: (a * x).sum())(x),
    "an aliased result": lambda lib, func, x, y: func.grad(lambda a: a)(x.sum()),
    "cut off": lambda lib, func, x, y: func.grad(lambda a: (a * a.detach()).sum())(x),
    "written in place": lambda lib, func, x, y: func.grad(lambda a: written(lib, a, y))(x),
    "control flow": lambda lib, func, x, y: func.grad(lambda a: (a * a).sum() if a.sum() > 0 else a.sum())(x),
    "values asked for": lambda lib, func, x, y: func.grad(lambda a: (a * a.sum().item()).sum())(x),
    "a mask": lambda lib, func, x, y: func.grad(lambda a: (a[a > 0] ** 3).sum())(x),
    "float32": lambda lib, func, x, y: func.grad(lambda a: (a * y).sum())(x.to(lib.float32)),
    "complex": lambda lib, func, x, y: func.grad(lambda z: (z.abs() ** 2).sum())(x + 2j * y),
}


def written(lib, a, y):
    out = a * 2
    out[0] = a[1] * 3
    out.mul_(y)
    return (out * a).sum()


@pytest.mark.parametrize("program", OTHERS.values(), ids=OTHERS)
def test_first_and_second_order(program) -> None:
    check(program, X, Y)


@pytest.mark.parametrize("name", [n for n in OTHERS if n in ("written in place", "keywords", "control flow", "a mask")])
def test_the_gradient_of_the_gradient(name: str) -> None:
    """The same functions under a second grad."""

    class Twice:
        def __init__(self, func) -> None:
            self.func = func

        def grad(self, function):
            return self.func.grad(lambda x, *a, **k: (self.func.grad(function)(x, *a, **k) ** 2).sum())

    check(lambda lib, func, x, y: OTHERS[name](lib, Twice(func), x, y), X, Y)


# --- what comes with it ---------------------------------------------------------


def test_has_aux() -> None:
    def program(lib, func, x):
        out = func.grad(lambda x: ((x * x).sum(), x * 2), has_aux=True)(x)
        both = func.grad_and_value(lambda x: ((x * x).sum(), {"a": x * 2, "b": [x]}), has_aux=True)(x)
        return out, out[1].requires_grad, both, both[1][1]["a"].requires_grad, both[1][0].requires_grad

    check(program, X)


def test_aux_may_be_anything() -> None:
    """Unlike PyTorch's, which must be tensors."""
    x = candle.tensor([1.0, 2.0])
    _, aux = candle.func.grad(lambda x: ((x * x).sum(), ("text", 3, None)), has_aux=True)(x)
    assert aux == ("text", 3, None)


def test_the_inputs_stay_as_they_were() -> None:
    def program(lib, func, x):
        seen = []
        func.grad(lambda a: (seen.append(a.requires_grad), (a * a).sum())[1])(x)
        return seen, x, x.requires_grad, x.grad, x.is_leaf

    check(program, X)


def test_name_and_docstring_stay() -> None:
    def square(x):
        """x squared."""
        return x * x

    for transform in (candle.func.grad, candle.func.grad_and_value, candle.func.jacrev, candle.func.jacfwd):
        assert transform(square).__name__ == "square"
        assert transform(square).__doc__ == "x squared."


REFUSED = {
    "a vector": (lambda f: f.grad(lambda x: x), r"0-d.*3"),
    "one element in a dim": (lambda f: f.grad(lambda x: x[:1]), r"0-d.*1"),
    "a number": (lambda f: f.grad(lambda x: 3.0), "0-d.*float"),
    "a tuple": (lambda f: f.grad(lambda x: (x.sum(), x)), "0-d.*tuple"),
    "a complex number": (lambda f: f.grad(lambda x: (x * 1j).sum()), "real|complex"),
    "no such argument": (lambda f: f.grad(lambda x: x.sum(), 1), "argnum.*1"),
    "no such argument from behind": (lambda f: f.grad(lambda x: x.sum(), -2), "argnum.*-2"),
    "an argument twice": (lambda f: f.grad(lambda x: x.sum(), (0, 0)), r"argnum.*\(0, 0\)"),
    "an argument twice, counted from both ends": (lambda f: f.grad(lambda x: x.sum(), (0, -1)), r"argnum.*\(0, -1\)"),
    "no argument": (lambda f: f.grad(lambda x: x.sum(), ()), "argnum"),
    "a list of arguments": (lambda f: f.grad(lambda x: x.sum(), [0]), "argnum.*list"),
    "no aux": (lambda f: f.grad(lambda x: x.sum(), has_aux=True), "has_aux.*tuple|tuple.*has_aux"),
    "too much aux": (lambda f: f.grad(lambda x: (x.sum(), 1, 2), has_aux=True), "has_aux.*tuple|tuple.*has_aux"),
    "by a leaf that is an integer": (
        lambda f: lambda x: f.grad(lambda p: (p[0] * p[1]).sum())((x, candle.arange(3))),
        "float",
    ),
    "by a number": (lambda f: lambda x: f.grad(lambda x, k: (x * k).sum(), 1)(x, 2.0), "float|tensor|Tensor"),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_refused(make, says: str) -> None:
    with pytest.raises((RuntimeError, TypeError, ValueError), match=says):
        make(candle.func)(candle.ones(3))


@pytest.mark.parametrize("transform", ["grad", "grad_and_value", "jacrev", "jacfwd", "hessian"])
def test_no_derivative_by_integers(transform: str) -> None:
    """PyTorch: only tensors of floating point dtype can require gradients."""
    for lib in (torch, candle):
        with pytest.raises((RuntimeError, ValueError), match="float"):
            getattr(lib.func, transform)(lambda x: (x * 2.0).sum())(lib.arange(3))
