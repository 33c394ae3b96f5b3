"""Orthogonal polynomials, by the recurrence that each of them has: p_0 = 1, then p_1, then

p_(k+1) = (a_k + b_k x) p_k - c_k p_(k-1)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle._apply import apply
from candle._tensor import Tensor
from candle.ops._common import Binary, Number
from candle.ops.arithmetic import array_like

__all__ = [
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]

Step = Callable[[int], tuple[float, float, float]]


def _chebyshev(k: int) -> tuple[float, float, float]:
    return 0, 2, 1


def _shifted(k: int) -> tuple[float, float, float]:
    """The same at 2x - 1."""
    return -2, 4, 1


# (p_1 as its coefficients of 1 and x; a, b and c by k)
FAMILIES: dict[str, tuple[tuple[float, float], Step]] = {
    "chebyshev_t": ((0, 1), _chebyshev),
    "chebyshev_u": ((0, 2), _chebyshev),
    "chebyshev_v": ((-1, 2), _chebyshev),
    "chebyshev_w": ((1, 2), _chebyshev),
    "shifted_chebyshev_t": ((-1, 2), _shifted),
    "shifted_chebyshev_u": ((-2, 4), _shifted),
    "shifted_chebyshev_v": ((-3, 4), _shifted),
    "shifted_chebyshev_w": ((-1, 4), _shifted),
    "hermite_h": ((0, 2), lambda k: (0, 2, 2 * k)),
    "hermite_he": ((0, 1), lambda k: (0, 1, k)),
    "laguerre_l": ((1, -1), lambda k: ((2 * k + 1) / (k + 1), -1 / (k + 1), k / (k + 1))),
    "legendre_p": ((0, 1), lambda k: (0, (2 * k + 1) / (k + 1), k / (k + 1))),
}


class Orthogonal(Binary):
    """the polynomial of degree n of a family, at x"""

    name, promotes, floats = "orthogonal_polynomial", "x n", True
    real = True

    def forward(xp, x, n, *, family, highest):
        x, n = array_like(xp, x, n), array_like(xp, n, x)
        first, step = FAMILIES[family]
        degree = xp.trunc(n)
        before, now = 0 * x, 1 + 0 * x
        out = xp.where(xp.equal(degree, 0), now, xp.zeros((), dtype=x.dtype))
        for k in range(highest):
            a, b, c = step(k) if k else (*first, 0.0)
            before, now = now, (a + b * x) * now - c * before
            out = xp.where(xp.equal(degree, k + 1), now, out)
        return out


def _polynomial(family: str, input: Number, n: Number) -> Tensor:
    if not isinstance(input, Tensor) and not isinstance(n, Tensor):
        raise TypeError(f"{family}: expected at least one tensor, got {input!r} and {n!r}")
    top: Any = n if not isinstance(n, Tensor) else n.max() if n.numel() else 0
    return apply(Orthogonal, input, n, family=family, highest=max(int(top), 0))


# What users call


def chebyshev_polynomial_t(input: Number, n: Number) -> Tensor:
    """Chebyshev's polynomial of the first kind: T_n(cos t) = cos(n t).

    >>> import candle
    >>> candle.special.chebyshev_polynomial_t(candle.tensor([0.5, 2.0]), 3)  # 4 x^3 - 3 x
    tensor([-1., 26.])
    """
    return _polynomial("chebyshev_t", input, n)


def chebyshev_polynomial_u(input: Number, n: Number) -> Tensor:
    """Chebyshev's polynomial of the second kind: U_n(cos t) sin(t) = sin((n + 1) t)."""
    return _polynomial("chebyshev_u", input, n)


def chebyshev_polynomial_v(input: Number, n: Number) -> Tensor:
    """Chebyshev's polynomial of the third kind: V_n(cos t) cos(t / 2) = cos((n + 1/2) t)."""
    return _polynomial("chebyshev_v", input, n)


def chebyshev_polynomial_w(input: Number, n: Number) -> Tensor:
    """Chebyshev's polynomial of the fourth kind: W_n(cos t) sin(t / 2) = sin((n + 1/2) t)."""
    return _polynomial("chebyshev_w", input, n)


def shifted_chebyshev_polynomial_t(input: Number, n: Number) -> Tensor:
    """T_n(2 input - 1)."""
    return _polynomial("shifted_chebyshev_t", input, n)


def shifted_chebyshev_polynomial_u(input: Number, n: Number) -> Tensor:
    """U_n(2 input - 1)."""
    return _polynomial("shifted_chebyshev_u", input, n)


def shifted_chebyshev_polynomial_v(input: Number, n: Number) -> Tensor:
    """V_n(2 input - 1)."""
    return _polynomial("shifted_chebyshev_v", input, n)


def shifted_chebyshev_polynomial_w(input: Number, n: Number) -> Tensor:
    """W_n(2 input - 1)."""
    return _polynomial("shifted_chebyshev_w", input, n)


def hermite_polynomial_h(input: Number, n: Number) -> Tensor:
    """Hermite's polynomial, of the weight exp(-x^2)."""
    return _polynomial("hermite_h", input, n)


def hermite_polynomial_he(input: Number, n: Number) -> Tensor:
    """Hermite's polynomial, of the weight exp(-x^2 / 2)."""
    return _polynomial("hermite_he", input, n)


def laguerre_polynomial_l(input: Number, n: Number) -> Tensor:
    """Laguerre's polynomial, of the weight exp(-x) from 0 on."""
    return _polynomial("laguerre_l", input, n)


def legendre_polynomial_p(input: Number, n: Number) -> Tensor:
    """Legendre's polynomial, of the weight 1 from -1 to 1.

    >>> import candle
    >>> candle.special.legendre_polynomial_p(candle.tensor([0.5, 1.0]), 2)  # (3 x^2 - 1) / 2
    tensor([-0.1250,  1.0000])
    """
    return _polynomial("legendre_p", input, n)
