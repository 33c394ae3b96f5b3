"""Bessel functions, and Ai. (I_0, I_1 and their scaled versions are in `ops/bessel.py`.)"""

from __future__ import annotations

from candle._apply import apply
from candle._tensor import Tensor
from candle.numerics.bessel import airy_ai as _airy_ai
from candle.numerics.bessel import j0, j1, k0e, k1e, spherical_j0, y0, y1
from candle.ops._common import RealUnary
from candle.ops.bessel import I1, I0e, I1e
from candle.ops.bessel import i0 as modified_bessel_i0

__all__ = [
    "airy_ai",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "i0e",
    "i1",
    "i1e",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "spherical_bessel_j0",
]


class BesselJ0(RealUnary):
    """J_0(x), a Bessel function;  dx = -grad * J_1(x)"""

    name, reads = "bessel_j0", {"x": "x"}

    def forward(xp, x):
        return j0(xp, x)

    def vjp(xp, needs, grad, out, x):
        return (-grad * j1(xp, x),)


class BesselJ1(RealUnary):
    """J_1(x), a Bessel function;  dx = grad * (J_0(x) - out / x)"""

    name, reads = "bessel_j1", {"x": "x out"}

    def forward(xp, x):
        return j1(xp, x)

    def vjp(xp, needs, grad, out, x):
        zero, one = xp.equal(x, 0), xp.ones((), dtype=x.dtype)
        return (grad * (j0(xp, x) - xp.where(zero, one / 2, out / xp.where(zero, one, x))),)


class BesselY0(RealUnary):
    """Y_0(x), a Bessel function of the second kind;  dx = -grad * Y_1(x)"""

    name, reads = "bessel_y0", {"x": "x"}

    def forward(xp, x):
        return y0(xp, x)

    def vjp(xp, needs, grad, out, x):
        return (-grad * y1(xp, x),)


class BesselY1(RealUnary):
    """Y_1(x), a Bessel function of the second kind;  dx = grad * (Y_0(x) - out / x)"""

    name, reads = "bessel_y1", {"x": "x out"}

    def forward(xp, x):
        return y1(xp, x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (y0(xp, x) - out / x),)


class BesselK0(RealUnary):
    """K_0(x), a modified Bessel function of the second kind;  dx = -grad * K_1(x)"""

    name, reads = "bessel_k0", {"x": "x"}

    def forward(xp, x):
        return k0e(xp, x) * xp.exp(-x)

    def vjp(xp, needs, grad, out, x):
        return (-grad * (k1e(xp, x) * xp.exp(-x)),)


class BesselK1(RealUnary):
    """K_1(x), a modified Bessel function of the second kind;  dx = -grad * (K_0(x) + out / x)"""

    name, reads = "bessel_k1", {"x": "x out"}

    def forward(xp, x):
        return k1e(xp, x) * xp.exp(-x)

    def vjp(xp, needs, grad, out, x):
        return (-grad * (k0e(xp, x) * xp.exp(-x) + out / x),)


class BesselK0e(RealUnary):
    """e^x K_0(x);  dx = grad * (out - e^x K_1(x))"""

    name, reads = "bessel_k0e", {"x": "x out"}

    def forward(xp, x):
        return k0e(xp, x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (out - k1e(xp, x)),)


class BesselK1e(RealUnary):
    """e^x K_1(x);  dx = grad * (out - e^x K_0(x) - out / x)"""

    name, reads = "bessel_k1e", {"x": "x out"}

    def forward(xp, x):
        return k1e(xp, x)

    def vjp(xp, needs, grad, out, x):
        return (grad * (out - k0e(xp, x) - out / x),)


class SphericalJ0(RealUnary):
    """sin(x) / x, 1 for x = 0;  dx = grad * (cos(x) - out) / x"""

    name, reads = "spherical_bessel_j0", {"x": "x out"}

    def forward(xp, x):
        return spherical_j0(xp, x)

    def vjp(xp, needs, grad, out, x):
        zero, one = xp.equal(x, 0), xp.ones((), dtype=x.dtype)
        return (grad * xp.where(zero, 0 * one, (xp.cos(x) - out) / xp.where(zero, one, x)),)


class AiryAi(RealUnary):
    """Ai(x), the solution of y'' = x y that goes to 0"""

    name = "airy_ai"

    def forward(xp, x):
        return _airy_ai(xp, x)


# What users call


def i0e(input: Tensor) -> Tensor:
    """exp(-|input|) I_0(input)."""
    return apply(I0e, input)


def i1(input: Tensor) -> Tensor:
    """I_1(input), the modified Bessel function of the first kind of order 1."""
    return apply(I1, input)


def i1e(input: Tensor) -> Tensor:
    """exp(-|input|) I_1(input)."""
    return apply(I1e, input)


def bessel_j0(input: Tensor) -> Tensor:
    """J_0(input), the Bessel function of the first kind of order 0.

    >>> import candle
    >>> candle.special.bessel_j0(candle.tensor([0.0, 1.0, 3.0]))
    tensor([ 1.0000,  0.7652, -0.2601])
    """
    return apply(BesselJ0, input)


def bessel_j1(input: Tensor) -> Tensor:
    """J_1(input), the Bessel function of the first kind of order 1."""
    return apply(BesselJ1, input)


def bessel_y0(input: Tensor) -> Tensor:
    """Y_0(input), the Bessel function of the second kind of order 0."""
    return apply(BesselY0, input)


def bessel_y1(input: Tensor) -> Tensor:
    """Y_1(input), the Bessel function of the second kind of order 1."""
    return apply(BesselY1, input)


def modified_bessel_k0(input: Tensor) -> Tensor:
    """K_0(input), the modified Bessel function of the second kind of order 0."""
    return apply(BesselK0, input)


def modified_bessel_k1(input: Tensor) -> Tensor:
    """K_1(input), the modified Bessel function of the second kind of order 1."""
    return apply(BesselK1, input)


def scaled_modified_bessel_k0(input: Tensor) -> Tensor:
    """exp(input) K_0(input)."""
    return apply(BesselK0e, input)


def scaled_modified_bessel_k1(input: Tensor) -> Tensor:
    """exp(input) K_1(input)."""
    return apply(BesselK1e, input)


def spherical_bessel_j0(input: Tensor) -> Tensor:
    """sin(input) / input, and 1 at 0."""
    return apply(SphericalJ0, input)


def airy_ai(input: Tensor) -> Tensor:
    """Ai(input), the solution of y'' = x y that goes to 0."""
    return apply(AiryAi, input)


modified_bessel_i1 = i1
