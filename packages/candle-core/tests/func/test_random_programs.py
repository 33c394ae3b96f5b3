"""Random programs under random transforms, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils import _pytree

import candle

from .expressions import TORCH
from .trees import candles

# Lines over vectors of three: {a}, {b} and {c} are earlier results, each line makes another. (amax, for where values
# are tied, PyTorch's max has other gradients in nested vmaps.)
LINES = """
{a}.sin(); {a}.tanh(); {a}.exp() * 0.1; {a} * {b}; {a} + {b}; {a} - {b} * {c}; {a} / ({b} * {b} + 1); -{a}; {a} * 0.5
{a}.sigmoid(); lib.gelu({a}); lib.softplus({a}); {a}.softmax(0); {a}.log_softmax(0); {a}.cumsum(0); {a}.flip(0)
{a} * {b}.sum(); {a} + {b}.mean(); {a} * {b}.amax(); ({a} @ {b}) * {c}; {a}.outer({b}) @ {c}; {a}.outer({b}).sum(0)
{a}[{b}.argsort(0)]; {a}.sort(0).values; {a}.gather(0, {b}.argsort(0)); {a}.scatter_add(0, {b}.argsort(0), {c})
lib.where({a} > {b}, {a}, {c}); {a}.masked_fill({b} > 0, 0.5); lib.maximum({a}, {b}); {a}.clamp(-0.5, 0.5); {a}.abs()
lib.cat([{a}[1:], {b}[:1]]); lib.stack([{a}, {b}]).sum(0); lib.stack([{a}, {b}, {c}]) @ {a}; {a}.reshape(3, 1)[:, 0]
lib.layer_norm({a}, [3]) * {b}; lib.rms_norm({a}, [3]) + {c}; {a}.expand(3, 3).T[0] * {b}; {a}.square().sum().sqrt() * {b}; {a}.relu() + {b}
lib.einsum("i,j->j", {a}, {b}); {a} * {b}.detach(); {a}.var(0) * {b}; {a}.logsumexp(0) - {b}; {a}.prod() + {b}
written({a} * 1, {b}); added({a} * 1, {b})
""".replace("\n", ";").split(";")
LINES = [line.strip() for line in LINES if line.strip()]


def written(x: Any, y: Any) -> Any:
    x[0] = y[1]
    return x


def added(x: Any, y: Any) -> Any:
    x[1:].add_(y[:2])
    return x.mul_(2)


@st.composite
def programs(draw: Any) -> str:
    """A function of x and w: some lines, and a number that depends on the last three."""
    names, lines = ["x", "w"], []
    for i in range(draw(st.integers(1, 6))):
        recent = st.sampled_from(names[-3:])
        line = draw(st.sampled_from(LINES)).format(a=draw(recent), b=draw(recent), c=draw(recent))
        lines.append(f"    v{i} = {line}")
        names.append(f"v{i}")
    total = " + ".join(f"({name} * lib.tensor([1.0, -0.5, 2.0], dtype=lib.float64)).sum()" for name in names[-3:])
    return "\n".join(["def f(lib, x, w):", *lines, f"    return {total}"])


def vector(lib: Any, f: Any) -> Any:
    """The function of x with values in three dims."""
    return lambda x, w: f(x, w) * x.sin()


class Composed(type(TORCH)):
    """PyTorch with layer_norm written out: its own has wrong third derivatives, and wrong second ones through jacfwd."""

    @staticmethod
    def layer_norm(x: Any, shape: list[int]) -> Any:
        return (x - x.mean(-1)) / (x.var(-1, correction=0) + 1e-5).sqrt()


TRANSFORMS = {
    "grad": lambda lib, func, f, x, w: func.grad(f, (0, 1))(x[0], w),
    "vmap": lambda lib, func, f, x, w: func.vmap(f, (0, None))(x, w),
    "vmap of grad": lambda lib, func, f, x, w: func.vmap(func.grad(f, (0, 1)), (0, None))(x, w),
    "grad of vmap": lambda lib, func, f, x, w: func.grad(
        lambda x, w: (func.vmap(f, (0, None))(x, w) ** 2).sum(), (0, 1)
    )(x, w),
    "closure": lambda lib, func, f, x, w: func.grad(lambda w: func.vmap(lambda r: f(r, w))(x).sin().sum())(w),
    "grad of vmap of grad": lambda lib, func, f, x, w: func.grad(
        lambda w: func.vmap(func.grad(lambda r: f(r, w)))(x).sin().sum()
    )(w),
    "vmap of vmap": lambda lib, func, f, x, w: func.vmap(lambda r: func.vmap(lambda q: f(r, q))(x))(x),
    "grad of vmap of vmap": lambda lib, func, f, x, w: func.grad(
        lambda x: func.vmap(lambda r: func.vmap(lambda q: f(r, q))(x))(x).sum()
    )(x),
    "vmap of grad of vmap": lambda lib, func, f, x, w: func.vmap(
        func.grad(lambda r: func.vmap(lambda q: f(r, q))(x).sum())
    )(x),
    "jvp": lambda lib, func, f, x, w: func.jvp(vector(lib, f), (x[0], w), (x[1], x[0])),
    "vmap of jvp": lambda lib, func, f, x, w: func.vmap(lambda r: func.jvp(vector(lib, f), (r, w), (w, r)))(x),
    "jacrev": lambda lib, func, f, x, w: func.jacrev(vector(lib, f), (0, 1))(x[0], w),
    "jacfwd": lambda lib, func, f, x, w: func.jacfwd(vector(lib, f), (0, 1))(x[0], w),
    "hessian": lambda lib, func, f, x, w: func.hessian(f, (0, 1))(x[0], w),
    "jacrev of jacrev": lambda lib, func, f, x, w: func.jacrev(func.jacrev(f))(x[0], w),
    "jacrev of jacfwd": lambda lib, func, f, x, w: func.jacrev(func.jacfwd(f))(x[0], w),
    "vmap of hessian": lambda lib, func, f, x, w: func.vmap(func.hessian(f), (0, None))(x, w),
    "grad of hessian": lambda lib, func, f, x, w: func.grad(lambda v: func.hessian(f)(v, w).sum())(x[0]),
}

W = torch.tensor([0.4, -0.9, 1.3], dtype=torch.float64)
# None at a bound of the lines above, or tied with what they fill in: there PyTorch with and without vmap disagree
X = torch.tensor([[0.55, -1.0, 0.75], [-0.3, 0.6, 1.1]], dtype=torch.float64)


def defined(program: str, lib: Any) -> Any:
    scope: dict[str, Any] = {"written": written, "added": added}
    exec(program, scope)
    return lambda x, w: scope["f"](lib, x, w)


# What one library cannot do and says so: writing what differs between examples into what does not, and
# what PyTorch's vmap or forward mode has no rule for. They may differ in what they do, not in what they answer.
CANNOT = (
    *("vmap: inplace arithmetic", "output with shape", "atching rule", "in-place operation", "not implemented"),
    "inside vmap, values that differ",
)


def compare(program: str, name: str) -> None:
    answers = []
    for lib, func, inputs in ((Composed(), torch.func, (X, W)), (candle, candle.func, candles((X, W)))):
        try:
            answers.append(TRANSFORMS[name](lib, func, defined(program, lib), *inputs))
        except RuntimeError as error:
            if not any(each in str(error) for each in CANNOT):
                raise
    if len(answers) == 2:
        theirs, mine = map(_pytree.tree_leaves, answers)
        for m, t in zip(mine, theirs, strict=True):
            scale = max(1.0, float(t.detach().abs().max()))  # long products lose some digits
            np.testing.assert_allclose(
                m.detach().numpy(), t.detach().numpy(force=True), 1e-6, 1e-9 * scale, err_msg=program
            )


@pytest.mark.parametrize("name", TRANSFORMS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_random_programs(name: str, program: str) -> None:
    compare(program, name)


@pytest.mark.full
@pytest.mark.parametrize("name", TRANSFORMS)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_many_random_programs(name: str, program: str) -> None:
    compare(program, name)
