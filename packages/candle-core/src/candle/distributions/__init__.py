"""Probability distributions: samples, densities, entropies and divergences, with gradients by their parameters.

>>> import candle
>>> from candle.distributions import Normal, kl_divergence
>>> policy = Normal(candle.zeros(2), candle.ones(2))
>>> policy.log_prob(candle.tensor([0.0, 1.0]))
tensor([-0.9189, -1.4189])
>>> kl_divergence(policy, Normal(1.0, 1.0))
tensor([0.5000, 0.5000])
"""

from candle.distributions.bernoulli import Bernoulli
from candle.distributions.categorical import Categorical
from candle.distributions.distribution import Distribution
from candle.distributions.independent import Independent
from candle.distributions.kl import kl_divergence, register_kl
from candle.distributions.multivariate_normal import MultivariateNormal
from candle.distributions.normal import Normal
from candle.distributions.uniform import Uniform

__all__ = [
    "Bernoulli",
    "Categorical",
    "Distribution",
    "Independent",
    "MultivariateNormal",
    "Normal",
    "Uniform",
    "kl_divergence",
    "register_kl",
]
