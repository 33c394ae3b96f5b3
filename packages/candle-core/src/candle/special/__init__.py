"""`candle.special`: special functions, by PyTorch's names. Loaded on first use."""

from candle.ops import (
    digamma,
    erf,
    erfc,
    erfinv,
    exp2,
    expm1,
    i0,
    log1p,
    log_softmax,
    logit,
    logsumexp,
    polygamma,
    round,
    sinc,
    softmax,
    xlogy,
)
from candle.ops import digamma as psi
from candle.ops import igamma as gammainc
from candle.ops import igammac as gammaincc
from candle.ops import lgamma as gammaln
from candle.ops import mvlgamma as multigammaln
from candle.ops import sigmoid as expit
from candle.special.bessel import *  # noqa: F403
from candle.special.bessel import __all__ as _bessel
from candle.special.distributions import *  # noqa: F403
from candle.special.distributions import __all__ as _distributions
from candle.special.polynomials import *  # noqa: F403
from candle.special.polynomials import __all__ as _polynomials

__all__ = [
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlogy",
]
__all__ += _bessel
__all__ += _distributions
__all__ += _polynomials
