"""The divergence of one distribution from another: KL(p || q) = E_p[log p - log q]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import candle
from candle import Tensor
from candle.distributions.bernoulli import Bernoulli, softplus
from candle.distributions.categorical import Categorical
from candle.distributions.distribution import Distribution
from candle.distributions.independent import Independent
from candle.distributions.multivariate_normal import MultivariateNormal
from candle.distributions.normal import Normal
from candle.distributions.uniform import Uniform

Rule = Callable[[Any, Any], Tensor]
RULES: dict[tuple[type[Distribution], type[Distribution]], Rule] = {}


def register_kl(type_p: type[Distribution], type_q: type[Distribution]) -> Callable[[Rule], Rule]:
    """Decorate the function of p and q that finds their divergence."""

    def register(rule: Rule) -> Rule:
        RULES[type_p, type_q] = rule
        return rule

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p || q), by the rule for their classes, or for the nearest of which these are subclasses."""
    for kind_p in type(p).__mro__:
        for kind_q in type(q).__mro__:
            if (kind_p, kind_q) in RULES:
                return RULES[kind_p, kind_q](p, q)
    raise NotImplementedError(f"kl_divergence: no rule for {type(p).__name__} and {type(q).__name__}; see register_kl")


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log()) / 2


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    outside = (q.low > p.low) | (q.high < p.high)
    return ((q.high - q.low) / (p.high - p.low)).log().masked_fill(outside, candle.inf)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    yes = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    no = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    return _settled(yes, p.probs, q.probs) + _settled(no, 1 - p.probs, 1 - q.probs)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    return _settled(p.probs * (p.logits - q.logits), p.probs, q.probs).sum(-1)


def _settled(term: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """p log(p / q): infinite where q says never, and 0 where p does."""
    return term.masked_fill(q == 0, candle.inf).masked_fill(p == 0, 0)


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    spread = candle.linalg.solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    off = candle.linalg.solve_triangular(q.scale_tril, (q.loc - p.loc)[..., None], upper=False)
    squares = (spread**2).sum((-2, -1)) + (off**2).sum((-2, -1))
    return (q._diagonal.log() - p._diagonal.log()).sum(-1) + (squares - p.loc.shape[-1]) / 2


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(f"kl_divergence: {p} and {q} take different numbers of dims for one event")
    return p._summed(kl_divergence(p.base_dist, q.base_dist))
