"""`jacrev`, `jacfwd` and `hessian`: shapes, forms and values."""

from __future__ import annotations

import pytest
import torch

import candle

from .trees import check

X = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
Y = torch.tensor([1.5, 0.25], dtype=torch.float64)
M = torch.tensor([[0.5, 1.0, -2.0], [0.1, 0.3, 0.7]], dtype=torch.float64)

# function(lib), argnums, inputs
FUNCTIONS = {
    "vector to vector": (lambda lib: lambda x: x * x.sum(), 0, (X,)),
    "vector to number": (lambda lib: lambda x: x.prod(), 0, (X,)),
    "number to vector": (lambda lib: lambda s: s * lib.arange(3), 0, (X.sum(),)),
    "number to number": (lambda lib: lambda s: s * s.sin(), 0, (X.sum(),)),
    "matrix to matrix": (lambda lib: lambda m: m @ m.T, 0, (M,)),
    "matrix to vector": (lambda lib: lambda m: (m * m).sum(1), 0, (M,)),
    "the second": (lambda lib: lambda x, y: x.outer(y), 1, (X, Y)),
    "both": (lambda lib: lambda x, y: x.outer(y), (0, 1), (X, Y)),
    "both, the other way": (lambda lib: lambda x, y: x.outer(y).sin(), (1, 0), (X, Y)),
    "one in a tuple": (lambda lib: lambda x, y: x.outer(y), (0,), (X, Y)),
    "two results": (lambda lib: lambda x: (x * x, x.sum()), 0, (X,)),
    "two by two": (lambda lib: lambda x, y: (x.outer(y), y * y), (0, 1), (X, Y)),
    "a list of results": (lambda lib: lambda x: [x.exp(), x.sum()], 0, (X,)),
    "a dict of results": (lambda lib: lambda x: {"z": x * x, "a": x[0]}, 0, (X,)),
    "a dict of inputs": (lambda lib: lambda d: d["b"].outer(d["a"]), 0, ({"b": X, "a": Y},)),
    "dict to dict": (lambda lib: lambda d: {"p": d["x"].sum() * d["y"], "q": d["x"]}, 0, ({"x": X, "y": Y},)),
    "a number beside": (lambda lib: lambda x, k: x**k, 0, (X, 3)),
    "an unused input": (lambda lib: lambda x, y: x * 2, (0, 1), (X, Y)),
    "a constant": (lambda lib: lambda x: lib.ones(2, dtype=lib.float64), 0, (X,)),
    "itself": (lambda lib: lambda x: x, 0, (X,)),
    "linear": (lambda lib: lambda x: x.flip(0) * 3, 0, (X,)),
    "empty to empty": (lambda lib: lambda x: x * x, 0, (X[:0],)),
    "to nothing": (lambda lib: lambda x: x[:0], 0, (X,)),
    "one element": (lambda lib: lambda x: x * x, 0, (X[:1],)),
    "two precisions": (lambda lib: lambda x, y: x.sum() * y, (0, 1), (X.float(), Y)),
    "in place on its own": (lambda lib: lambda x: in_place(x * x), 0, (X,)),
    "in place on zeros": (lambda lib: lambda x: into(lib.zeros_like(x), x), 0, (X,)),
    "a max": (lambda lib: lambda x: x * x[x.argmax(0)], 0, (X,)),
    "softmax": (lambda lib: lambda m: m.softmax(1), 0, (M,)),
    "control flow": (lambda lib: lambda x: x * x if x.sum() > 0 else x, 0, (X,)),
    "a value asked for": (lambda lib: lambda x: x * x.sum().item(), 0, (X,)),
    "a mask": (lambda lib: lambda x: x[x > 0] * x[1], 0, (X,)),
}


def in_place(x):
    x[0] = x[1] * 2
    return x.mul_(3)


def into(zeros, x):
    zeros[1] = x[0] * x[2]
    return zeros


@pytest.mark.parametrize("name", ["jacrev", "jacfwd"])
@pytest.mark.parametrize(("function", "argnums", "inputs"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_jacobians(function, argnums, inputs, name: str) -> None:
    check(lambda lib, func, *xs: getattr(func, name)(function(lib), argnums)(*xs), *inputs)


@pytest.mark.parametrize(("function", "argnums", "inputs"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_hessians(function, argnums, inputs) -> None:
    check(lambda lib, func, *xs: func.hessian(function(lib), argnums)(*xs), *inputs)


def test_the_second_counted_from_behind() -> None:
    """PyTorch's jacfwd gets this one wrong, so both are compared with argnums=1."""
    x, y = candle.tensor([0.5, -1.0, 2.0]), candle.tensor([1.5, 0.25])
    for transform in (candle.func.jacrev, candle.func.jacfwd, candle.func.hessian):
        expected = transform(lambda x, y: x.outer(y), 1)(x, y).tolist()
        assert transform(lambda x, y: x.outer(y), -1)(x, y).tolist() == expected


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
def test_chunks(chunk_size: int) -> None:
    def program(lib, func, x, y):
        return func.jacrev(lambda x, y: (x.outer(y), x.sum()), (0, 1), chunk_size=chunk_size)(x, y)

    check(program, X, Y)


@pytest.mark.parametrize("name", ["jacrev", "jacfwd"])
def test_has_aux(name: str) -> None:
    def program(lib, func, x):
        jacobian, aux = getattr(func, name)(lambda x: (x * x, {"twice": x * 2}), has_aux=True)(x)
        return jacobian, aux, aux["twice"].requires_grad

    check(program, X)


def test_by_loop() -> None:
    """An oracle that has neither vmap nor jvp: one gradient after the other."""
    x = X.clone().requires_grad_()
    out = (x.sin().outer(x)).tanh()
    rows = [torch.autograd.grad(o, x, retain_graph=True)[0] for o in out.reshape(-1)]
    expected = torch.stack(rows).reshape(3, 3, 3)
    for transform in (candle.func.jacrev, candle.func.jacfwd):
        found = transform(lambda x: (x.sin().outer(x)).tanh())(candle.tensor(X.numpy()))
        torch.testing.assert_close(torch.tensor(found.numpy()), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["jacrev", "jacfwd"])
def test_of_complex_inputs_refused(name: str) -> None:
    """A complex function has no one Jacobian; PyTorch refuses too."""
    for lib in (torch, candle):
        with pytest.raises(RuntimeError, match="real|complex"):
            getattr(lib.func, name)(lambda z: z * z)(lib.tensor([1 + 2j, 3 - 1j]))


@pytest.mark.parametrize("name", ["jacrev", "jacfwd"])
def test_argnums_are_checked(name: str) -> None:
    transform = getattr(candle.func, name)
    for argnums in (2, -3, (0, 0), (), [0]):
        with pytest.raises((RuntimeError, TypeError, ValueError), match="argnum"):
            transform(lambda x, y: x * y, argnums)(candle.ones(2), candle.ones(2))


@pytest.mark.parametrize("name", ["jacrev", "jacfwd"])
def test_the_function_runs_once(name: str) -> None:
    calls = []
    getattr(candle.func, name)(lambda x: (calls.append(1), x * x)[1])(candle.ones(3))
    assert calls == [1]


def test_random_numbers_of_their_own_for_each_column() -> None:
    """As in PyTorch: with "different" the function runs for each column, with "same" once."""

    def kinds(randomness: str) -> int:
        found = candle.func.jacfwd(lambda x: x.sum() * candle.rand(1), randomness=randomness)(candle.ones(20))
        return len(set(found.reshape(-1).tolist()))

    assert (kinds("same"), kinds("different")) == (1, 20)
