"""Modified Bessel functions of the first kind; the others are in `candle.special`."""

from __future__ import annotations

from typing import Any

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.ops._common import RealUnary

__all__ = ["i0"]


class I0(RealUnary):
    """I_0(x), a modified Bessel function;  dx = grad * I_1(x)"""

    name, contract, reads = "i0", "i0", {"x": "x"}

    def forward(xp, x):
        return xp.i0(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * xp.i1(x),)


class I0e(RealUnary):
    """e^-|x| I_0(x);  dx = grad * (e^-|x| I_1(x) - sign(x) out)"""

    name, contract, reads = "i0e", "i0e", {"x": "x out"}

    def forward(xp, x):
        return xp.i0e(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (xp.i1e(x) - xp.sign(x) * out),)


class I1(RealUnary):
    """I_1(x), a modified Bessel function;  dx = grad * (I_0(x) - out / x)"""

    name, contract, reads = "i1", "i1", {"x": "x out"}

    def forward(xp, x):
        return xp.i1(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (xp.i0(x) - ratio(xp, out, x)),)


class I1e(RealUnary):
    """e^-|x| I_1(x);  dx = grad * (e^-|x| I_0(x) - out (sign(x) + 1/x))"""

    name, contract, reads = "i1e", "i1e", {"x": "x out"}

    def forward(xp, x):
        return xp.i1e(x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (xp.i0e(x) - out * xp.sign(x) - ratio(xp, out, x)),)


def ratio(xp: Any, out: Any, x: Any) -> Any:
    """I_1(x) / x, which is 1/2 at 0."""
    zero = xp.equal(x, 0)
    one = xp.ones((), dtype=x.dtype)
    return xp.where(zero, one / 2, out / xp.where(zero, one, x))


# What users call


@method(inplace=True)
def i0(input: Tensor) -> Tensor:
    """I_0(input), the modified Bessel function of the first kind of order 0.

    >>> import candle
    >>> candle.i0(candle.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    return apply(I0, input)
