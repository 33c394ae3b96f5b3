"""Activations: what torch's own samples leave out (those are in tests/parity): in place, random, and default dims."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

import candle
from candle import nn
from candle.nn import functional as F

from .twins import check, normal

X = normal(3, 4) * 3
INPLACE = {
    **dict.fromkeys("relu relu6 elu selu celu silu mish hardswish hardsigmoid leaky_relu hardtanh".split(), ()),
    **{"threshold": (0.1, 20.0), "rrelu": (0.2, 0.3)},
}


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_writes_into_the_input_and_has_the_same_gradient(name: str) -> None:
    if name != "hardsigmoid":  # torch's 1/6 there is a single one
        check(getattr(TF, name), getattr(F, name), X, *INPLACE[name])
    x = candle.tensor(X)
    assert getattr(F, name)(x, *INPLACE[name], inplace=True) is x
    assert x.tolist() == getattr(F, name)(candle.tensor(X), *INPLACE[name]).tolist()
    leaf = candle.tensor(X, requires_grad=True)
    getattr(F, name)(leaf * 1, *INPLACE[name], inplace=True).sum().backward()
    other = torch.tensor(X, requires_grad=True)
    getattr(TF, name)(other * 1, *INPLACE[name], inplace=True).sum().backward()
    np.testing.assert_allclose(leaf.grad.numpy(), other.grad.numpy(), 1e-7)


@pytest.mark.parametrize("name", "relu_ elu_ selu_ celu_ leaky_relu_ hardtanh_ threshold_ rrelu_".split())
def test_functions_with_an_underscore_write_in_place(name: str) -> None:
    x = candle.tensor(X)
    args = INPLACE[name[:-1]]
    assert getattr(F, name)(x, *args) is x
    assert x.tolist() == getattr(F, name[:-1])(candle.tensor(X), *args).tolist()


def test_large_numbers_stay_finite() -> None:
    """e^1000 is no number, but nothing of it may reach the result or the gradient."""
    for name in "elu selu celu silu mish softplus logsigmoid hardswish gelu".split():
        x = candle.tensor([-1000.0, 1000.0], dtype=candle.float64, requires_grad=True)
        first = candle.autograd.grad(getattr(F, name)(x).sum(), x, create_graph=True)[0]
        second = candle.autograd.grad(first.sum(), x, allow_unused=True)[0]
        assert first.isfinite().all(), name
        if name not in ("silu", "softplus", "logsigmoid"):  # candle-core's, whose rules take e^x as it is
            assert second.isfinite().all(), name


def test_rrelu_draws_a_slope_for_every_element() -> None:
    x = candle.full((1000,), -1.0)
    drawn = -F.rrelu(x, 0.1, 0.4, training=True)
    assert 0.1 <= float(drawn.min()) < 0.12
    assert 0.38 < float(drawn.max()) <= 0.4
    assert nn.RReLU(0.1, 0.4).eval()(x).unique().tolist() == pytest.approx([-0.25])
    assert repr(nn.RReLU(0.1, 0.4, inplace=True)) == repr(torch.nn.RReLU(0.1, 0.4, inplace=True))


@pytest.mark.parametrize("ndim", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
def test_softmax_without_dim_warns_and_chooses_as_torch_does(name: str, ndim: int) -> None:
    x = normal(*range(2, ndim + 2))
    with pytest.warns(UserWarning, match="Implicit dimension"):
        expected = getattr(TF, name)(torch.tensor(x))
    with pytest.warns(UserWarning, match="say dim"):
        actual = getattr(F, name)(candle.tensor(x))
    np.testing.assert_allclose(actual.numpy(), expected.numpy(), 1e-12)


def test_gumbel_softmax_chooses_by_softmax_and_has_a_gradient() -> None:
    candle.manual_seed(0)
    logits = candle.tensor([0.5, 2.0, 1.0], dtype=candle.float64, requires_grad=True)
    chosen = F.gumbel_softmax(logits.expand(20000, 3), hard=True)
    assert set(chosen.unique().tolist()) <= {0.0, 1.0} or np.allclose(chosen.unique().numpy().round(), chosen.unique())
    np.testing.assert_allclose(chosen.mean(0).detach().numpy(), logits.softmax(0).detach().numpy(), atol=0.015)
    (chosen[:, 0]).mean().backward()
    assert logits.grad.abs().sum() > 0
    soft = F.gumbel_softmax(logits.detach().expand(4, 3), tau=0.5)
    np.testing.assert_allclose(soft.sum(-1).numpy(), 1)
    assert F.gumbel_softmax(candle.zeros(2, 3), hard=True, dim=0).sum(0).tolist() == [1, 1, 1]


REPRS = """
    ReLU() ReLU(True) ReLU6() ReLU6(True) LeakyReLU(0.2) LeakyReLU(0.2,True) PReLU(3) Threshold(0.1,20)
    Threshold(0.1,20,True) Hardtanh() Hardtanh(-2.0,2.0,True) Hardsigmoid() Hardswish() Hardshrink() Softshrink(0.3)
    ELU() ELU(0.5,True) CELU() SELU(True) SiLU() SiLU(True) Mish() GELU('tanh') GLU() GLU(2) Sigmoid() LogSigmoid()
    Tanh() Tanhshrink() Softsign() Softplus() Softmax(1) Softmax() Softmin(0) LogSoftmax(1) Softmax2d()
""".split()


@pytest.mark.parametrize("made", REPRS)
def test_layers_look_as_torchs_and_compute_the_same(made: str) -> None:
    theirs, ours = eval(f"torch.nn.{made}"), eval(f"nn.{made}")
    assert repr(ours) == repr(theirs)
    x = normal(2, 3, 4, 2) * 2
    if "()" in made and "Softmax" in made and "2d" not in made:
        return
    given = copy.deepcopy(x)
    expected, actual = theirs.double()(torch.tensor(x)), ours.double()(candle.tensor(given))
    np.testing.assert_allclose(actual.detach().numpy(), expected.detach().numpy(), 1e-9, 1e-12)


MISTAKES = [
    (lambda: F.glu(candle.zeros(3)), RuntimeError, "not even"),
    (lambda: F.glu(candle.zeros(())), RuntimeError, "0-d"),
    (lambda: F.softshrink(candle.zeros(3), -0.5), RuntimeError, "must not be negative"),
    (lambda: F.celu(candle.zeros(3), 0.0), RuntimeError, "alpha must not be 0"),
    (lambda: F.prelu(candle.zeros(2, 3), candle.zeros(2)), RuntimeError, r"weight must have shape \(1\) or \(3\)"),
    (lambda: F.rrelu(candle.zeros(3), 0.5, 0.1), RuntimeError, "must not be above"),
    (lambda: nn.Hardtanh(1.0, -1.0), ValueError, "larger than min_val"),
    (lambda: nn.Softmax2d()(candle.zeros(3)), ValueError, "3D or 4D"),
    (lambda: F.normalize(candle.zeros(3), out=candle.zeros(3)), NotImplementedError, "out"),
]


@pytest.mark.parametrize(("call", "kind", "told"), MISTAKES)
def test_mistakes_are_named(call, kind, told) -> None:
    with pytest.raises(kind, match=told):
        call()
