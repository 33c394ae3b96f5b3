"""`candle.distributions` beside torch.distributions: densities, moments, divergences, their gradients, and draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.distributions

import candle
import candle.distributions

from .oracle import assert_same, check_both, check_gradients, run_both, to_candle

D64 = torch.float64
A = torch.tensor([[0.5, -1.0, 2.0], [0.25, 0.1, -0.3]], dtype=D64, requires_grad=True)
B = torch.tensor([[0.4, 1.5, 0.7], [2.0, 0.9, 0.2]], dtype=D64, requires_grad=True)
PROBS = torch.tensor([[0.3, 0.6, 0.1], [0.05, 0.15, 0.8]], dtype=D64, requires_grad=True)


def factor(lib: Any, b: Any) -> Any:
    """Of a covariance: a triangle with a positive diagonal."""
    return (b[:, :, None] * b[:, None, :] / 4).tril(-1) + lib.diag_embed(b)


Make = Callable[[Any, Any, Any, Any], Any]
MAKE: dict[str, Make] = {
    "Normal": lambda d, lib, a, b: d.Normal(a, b),
    "Uniform": lambda d, lib, a, b: d.Uniform(a - 1, a + b),
    "Bernoulli": lambda d, lib, a, b: d.Bernoulli(logits=a),
    "Bernoulli of probs": lambda d, lib, a, b: d.Bernoulli(b / 3),
    "Categorical": lambda d, lib, a, b: d.Categorical(logits=a),
    "Categorical of probs": lambda d, lib, a, b: d.Categorical(b),
    "Independent": lambda d, lib, a, b: d.Independent(d.Normal(a, b), 1),
    "MultivariateNormal": lambda d, lib, a, b: d.MultivariateNormal(a, scale_tril=factor(lib, b)),
    "of a covariance": lambda d, lib, a, b: d.MultivariateNormal(a, factor(lib, b) @ factor(lib, b).mT),
    "of a precision": lambda d, lib, a, b: d.MultivariateNormal(a, None, factor(lib, b) @ factor(lib, b).mT),
}
VALUES = {
    "Bernoulli": torch.tensor([[0.0, 1, 1], [1, 0, 0]], dtype=D64),
    "Categorical": torch.tensor([[0, 1], [2, 2], [1, 0]]),
    "Uniform": torch.tensor([[0.2, -0.5, 2.5], [0.3, 0.1, -0.2]], dtype=D64),
}
NO_CDF = ("Bernoulli", "Categorical", "Independent", "MultivariateNormal", "of a")
REPARAMETRIZED = [name for name in MAKE if not name.startswith(("Bernoulli", "Categorical"))]
names = pytest.mark.parametrize("name", MAKE)


def value(name: str) -> torch.Tensor:
    return VALUES.get(name.split()[0], torch.tensor([[0.1, 0.2, 0.3], [1.0, -1.0, 0.0]], dtype=D64))


@names
def test_densities_and_their_gradients(name: str) -> None:
    make = MAKE[name]
    check_gradients(
        lambda lib, a, b, x: make(lib.distributions, lib, a, b).log_prob(x) + 0 * (a + b).sum(), A, B, value(name)
    )


@names
def test_entropies_and_their_gradients(name: str) -> None:
    make = MAKE[name]
    check_gradients(lambda lib, a, b: make(lib.distributions, lib, a, b).entropy() + 0 * (a + b).sum(), A, B)


@names
def test_moments_and_shapes(name: str) -> None:
    def program(lib: Any, a: Any, b: Any) -> Any:
        d = MAKE[name](lib.distributions, lib, a, b)
        shapes = [tuple(s) for s in (d.batch_shape, d.event_shape, d.sample().shape, d.sample((4, 2)).shape)]
        return d.mean, d.variance, d.stddev, shapes, d.has_rsample, d.sample().dtype == a.dtype

    check_both(program, A, B)


@pytest.mark.parametrize("name", ["Normal", "Uniform"])
def test_cumulative_and_back(name: str) -> None:
    def program(lib: Any, a: Any, b: Any, x: Any) -> Any:
        d = MAKE[name](lib.distributions, lib, a, b)
        return d.cdf(x), d.icdf(lib.full((2, 3), 0.3, dtype=lib.float64))

    check_both(program, A, B, value(name))


@pytest.mark.parametrize("name", [name for name in MAKE if "probs" not in name])
def test_divergences_and_their_gradients(name: str) -> None:
    def program(lib: Any, a: Any, b: Any) -> Any:
        make, kl = MAKE[name], lib.distributions.kl_divergence
        wider = (a - 0.1, b + 0.5) if name == "Uniform" else (b, a**2 + 0.1)
        return kl(make(lib.distributions, lib, a, b), make(lib.distributions, lib, *wider)) + 0 * (a + b).sum()

    check_gradients(program, A, B)


def test_densities_at_the_borders() -> None:
    def program(lib: Any, x: Any) -> Any:
        d = lib.distributions
        sure = [d.Bernoulli(lib.tensor([0.0, 1.0])).log_prob(x), d.Categorical(lib.tensor([0.0, 2.0])).log_prob(x)]
        return [d.Uniform(0.0, 1.0).log_prob(x), *sure, d.Bernoulli(x).entropy(), d.Categorical(x).entropy()]

    check_both(program, torch.tensor([0.0, 1.0]))


def test_divergences_at_the_borders() -> None:
    def program(lib: Any, p: Any, q: Any) -> Any:
        d = lib.distributions
        pairs = [(d.Bernoulli(x), d.Bernoulli(y)) for x, y in ((p, q), (q, p))]
        pairs += [(d.Categorical(x), d.Categorical(y)) for x, y in ((p, q), (q, p))]
        return [d.kl_divergence(*pair) for pair in [*pairs, (d.Uniform(0.0, 2.0), d.Uniform(0.0, 1.0))]]

    check_both(program, torch.tensor([0.0, 1.0, 0.5], dtype=D64), torch.tensor([0.5, 0.5, 0.0], dtype=D64))


@pytest.mark.parametrize("name", REPARAMETRIZED)
def test_gradients_go_through_draws(name: str) -> None:
    """The gradients of a draw are those of the way it is made from noise, which PyTorch's draw is turned back to."""

    def program(lib: Any, a: Any, b: Any) -> Any:
        d = MAKE[name](lib.distributions, lib, a, b)
        x = d.rsample((5,))
        (by_a,) = lib.autograd.grad(x.sum(), a, retain_graph=True)
        assert not d.sample().requires_grad
        return by_a, x.requires_grad

    check_both(program, A, B)
    a, b = to_candle(A), to_candle(B)
    draw = candle.distributions.Normal(a, b).rsample()
    (by_scale,) = candle.autograd.grad(draw.sum(), b)
    candle.testing.assert_close(by_scale, ((draw - a) / b).detach())


@names
def test_draws_have_the_moments(name: str) -> None:
    candle.manual_seed(0)
    n = 20_000
    d = MAKE[name](candle.distributions, candle, to_candle(A), to_candle(B))
    x = d.sample((n,)).double()
    if name.startswith("Categorical"):
        shares = candle.stack([(x == i).double().mean(0) for i in range(3)], -1)
        assert ((shares - d.probs).abs() < 5 * 0.5 / math.sqrt(n)).all()
    else:
        assert ((x.mean(0) - d.mean).abs() < 5 * d.stddev / math.sqrt(n)).all()
        assert ((x.var(0) / d.variance - 1).abs() < 0.1).all()
    if "of a" in name or name == "MultivariateNormal":
        off = x - d.mean
        together, expected = (off[..., None] * off[..., None, :]).mean(0), d.covariance_matrix
        error = ((expected**2 + d.variance[..., None] * d.variance[..., None, :]) / n).sqrt()  # of a sample covariance
        assert ((together - expected).abs() < 5 * error).all()


CALLS = """
d.Normal(0.0, 1.0); d.Normal(lib.zeros(2), 1); d.Bernoulli(0.3); d.Categorical(lib.tensor([[0.5, 0.5]]))
d.Uniform(0, lib.ones(1, 2)); d.Independent(d.Normal(lib.zeros(2, 3), 1.0), 1); d.Categorical(logits=lib.zeros(4))
"""


@pytest.mark.parametrize("call", [each.strip() for each in CALLS.replace("\n", ";").split(";") if each.strip()])
def test_text(call: str) -> None:
    mine, theirs = (repr(eval(call, {"d": lib.distributions, "lib": lib})) for lib in (candle, torch))
    assert mine == theirs.replace("torch.", "candle.")


def test_numbers_and_tensors_broadcast() -> None:
    def program(lib: Any, x: Any) -> Any:
        d = lib.distributions
        n = d.Normal(lib.zeros(3, 1), 2)
        return (
            n.log_prob(x),
            n.sample().shape == (3, 1),
            d.Normal(1, 2).log_prob(x),
            d.Categorical(lib.ones(3)).log_prob(x.long()),
        )

    check_both(program, torch.tensor([0.5, 1.0]))


REFUSED = """
d.Normal(0.0, -1.0); d.Normal(lib.tensor(lib.nan), 1.0); d.Uniform(1.0, 1.0); d.Bernoulli(1.5); d.Bernoulli(); d.Bernoulli(0.5, 0.5)
d.Bernoulli(logits=lib.tensor(lib.nan)); d.Categorical(logits=lib.tensor([lib.nan, 1])); d.Categorical(lib.tensor([-1.0, 2.0]))
d.Categorical(lib.tensor(1.0)); d.Bernoulli(0.5).log_prob(lib.tensor(0.5)); d.Uniform(0.0, 1.0).log_prob(lib.tensor(2.0))
d.Categorical(lib.ones(3)).log_prob(lib.tensor(3)); d.Normal(0.0, 1.0).log_prob(lib.tensor(lib.nan)); d.Independent(d.Normal(0.0, 1.0), 1)
d.MultivariateNormal(lib.zeros(2)); d.MultivariateNormal(lib.zeros(2), scale_tril=-lib.eye(2))
"""


@pytest.mark.parametrize("call", [each.strip() for each in REFUSED.replace("\n", ";").split(";") if each.strip()])
def test_what_is_refused(call: str) -> None:
    for lib in (torch, candle):
        with pytest.raises(ValueError) as error:  # noqa: PT011
            eval(call, {"d": lib.distributions, "lib": lib})
    assert str(error.value).startswith(call[2:].split("(")[0])


def test_checks_can_be_left_out() -> None:
    def program(lib: Any) -> Any:
        d = lib.distributions
        found = [d.Uniform(0.0, 1.0, validate_args=False).log_prob(lib.tensor([0.5, 2.0]))]
        d.Distribution.set_default_validate_args(False)
        try:
            return [*found, d.Normal(0.0, -1.0).variance]
        finally:
            d.Distribution.set_default_validate_args(True)

    check_both(program)


def test_no_gradient_goes_through_choices() -> None:
    for lib in (torch, candle):
        with pytest.raises(NotImplementedError):
            lib.distributions.Categorical(lib.ones(2)).rsample()
        with pytest.raises(NotImplementedError):
            lib.distributions.kl_divergence(
                lib.distributions.Bernoulli(0.5), lib.distributions.Categorical(lib.ones(2))
            )


def test_a_rule_can_be_registered() -> None:
    def program(lib: Any) -> Any:
        d = lib.distributions

        class Mine(d.Normal):
            pass

        before = d.kl_divergence(Mine(1.0, 1.0), d.Normal(0.0, 1.0))
        d.register_kl(Mine, Mine)(lambda p, q: p.loc + q.loc)
        return before, d.kl_divergence(Mine(1.0, 1.0), Mine(2.0, 1.0))

    check_both(program)


def test_inside_vmap() -> None:
    mine, theirs = run_both(
        lambda lib, a, b: lib.vmap(lambda a, b: lib.distributions.Normal(a, b, validate_args=False).log_prob(a + 1))(
            a, b
        ),
        A,
        B,
    )
    assert_same(mine, theirs)
    checked = candle.vmap(lambda a, b: candle.distributions.Normal(a, b).log_prob(a + 1))(to_candle(A), to_candle(B))
    assert_same(checked, theirs)
