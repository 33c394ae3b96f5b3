"""vmap within vmap, and with other transforms."""

from __future__ import annotations

import pytest
import torch

import candle

from .trees import candles, check

NESTS = {
    "rows by rows": lambda vmap, x, y: vmap(lambda a: vmap(lambda b: a * b + a.sum())(y))(x),
    "the outer one alone": lambda vmap, x, y: vmap(lambda a: vmap(lambda b: a)(y))(x),
    "the inner one alone": lambda vmap, x, y: vmap(lambda a: vmap(lambda b: b)(y))(x),
    "other axes": lambda vmap, x, y: vmap(vmap(torch_or_candle_dot, (None, 1)), (0, None), 1)(x, y.mT),
    "negative axes": lambda vmap, x, y: vmap(vmap(lambda a: a * a, -1, -1), 0, 1)(x.unsqueeze(0)),
    "matrix products": lambda vmap, x, y: vmap(vmap(lambda a, b: a @ b), (None, 0))(
        x, y.reshape(2, 1, 3).expand(2, 2, 3)
    ),
    "indices of the inner one": lambda vmap, x, y: vmap(lambda a: vmap(lambda b: a[b.argmax(0)])(y))(x),
    "indices of the outer one": lambda vmap, x, y: vmap(lambda a: vmap(lambda b: b[a.argmax(0)])(y))(x),
    "scattering": lambda vmap, x, y: vmap(lambda a: vmap(lambda b: a.scatter_add(0, b.argsort(0), b * 10))(y))(x),
    "a level that the function does not use": lambda vmap, x, y: vmap(lambda a: vmap(lambda b: b * 2)(y).sum(0))(x),
    "reductions between": lambda vmap, x, y: vmap(lambda a: vmap(lambda b: (a - b).square().sum())(y).amin(0))(x),
}


def torch_or_candle_dot(a, b):
    return a @ b


@pytest.mark.parametrize("program", NESTS.values(), ids=NESTS)
def test_two_levels(program) -> None:
    x, y = torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64)
    check(lambda lib, func, x, y: program(func.vmap, x, y), x, y)


def test_three_levels() -> None:
    """x and y and z each mapped by a level of its own: a tensor of all combinations."""

    def program(lib, func, x, y, z):
        vmap = func.vmap
        each = vmap(vmap(vmap(lambda a, b, c: a * b - c, (0, None, None)), (None, 0, None)), (None, None, 0), 2)
        return each(x, y, z)

    check(program, *(torch.arange(float(n), dtype=torch.float64) for n in (2, 3, 4)))


def test_levels_end_with_an_error() -> None:
    """A function that fails leaves nothing behind."""
    x = candles(torch.arange(6.0).reshape(2, 3))
    with pytest.raises(RuntimeError, match="vmap"):
        candle.vmap(lambda r: candle.vmap(lambda q: q if q > 0 else -q)(r))(x)
    assert (x * 2).tolist() == [[0, 2, 4], [6, 8, 10]]
    assert candle.vmap(lambda r: candle.vmap(lambda q: q + r[0])(r))(x).tolist() == [[0, 1, 2], [6, 7, 8]]


def test_grad_within_vmap_within_grad() -> None:
    """The gradient of a penalty on per-example gradients."""

    def program(lib, func, w, x):
        def penalty(w):
            slopes = func.vmap(lambda row: func.grad(lambda r: ((r * w).tanh() ** 2).sum())(row))(x)
            return (slopes**2).sum()

        return func.grad(penalty)(w), penalty(w)

    check(program, torch.randn(3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64))


def test_vmap_within_grad_within_vmap() -> None:
    def program(lib, func, w, x):
        loss = lambda w: func.vmap(lambda row: (row @ w).sin())(x).sum()  # noqa: E731
        return func.vmap(func.grad(loss))(w)

    check(program, torch.randn(4, 3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64))


def test_vmap_of_vjp_and_jvp() -> None:
    def program(lib, func, x, t):
        f = lambda v: lib.stack([v.prod(), (v * v).sum(), v.sin().sum()])  # noqa: E731
        back = func.vmap(lambda v, g: func.vjp(f, v)[1](g)[0])(x, t)
        ahead = func.vmap(lambda v, g: func.jvp(f, (v,), (g,)))(x, t)
        basis = func.vmap(func.vjp(f, x[0])[1])(lib.eye(3, dtype=lib.float64))
        return back, ahead, basis

    check(program, torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64))


def test_vmap_of_jacobians() -> None:
    def program(lib, func, x):
        f = lambda v: v.exp() * v.sum()  # noqa: E731
        return (
            func.vmap(func.jacrev(f))(x),
            func.vmap(func.jacfwd(f))(x),
            func.vmap(func.hessian(lambda v: f(v).sum()))(x),
        )

    check(program, torch.randn(2, 3, dtype=torch.float64))


def test_an_ensemble() -> None:
    """Several models at once: their parameters stacked, all on the same data."""

    def program(lib, func, w, b, x, y):
        def loss(w, b):
            return lib.nn.functional.cross_entropy(x @ w + b, y) if lib is torch else lib.cross_entropy(x @ w + b, y)

        return func.vmap(func.grad_and_value(loss, (0, 1)))(w, b)

    shapes = (3, 4, 5), (3, 5), (6, 4)
    w, b, x = (torch.randn(s, dtype=torch.float64) for s in shapes)
    check(program, w, b, x, torch.tensor([0, 2, 4, 1, 1, 3]))
