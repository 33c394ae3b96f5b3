"""exp and the normal distribution, such that LLVM makes vector instructions of a loop around them.

That needs arithmetic alone (no call, no branch, no table), and constants in the precision of the argument:
one float64 among them would widen the whole loop. So each function is compiled anew for either precision.
NaN and infinities come out as from NumPy: no flag tells the compiler that there are none.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

CONTRACT = {"fastmath": {"contract"}}  # a * b + c may round once


def real(x):
    """The NumPy type of a Numba float."""
    return np.float32 if x is types.float32 else np.float64


def polynomial(coefficients):
    """A function of x, by Horner's rule; written out, for LLVM unrolls short loops only."""

    @intrinsic
    def evaluate(typing, x):
        def generate(context, builder, signature, arguments):
            (x,) = arguments
            *rest, total = map(x.type, coefficients)
            for coefficient in reversed(rest):
                total = builder.fadd(builder.fmul(total, x, flags=("contract",)), coefficient, flags=("contract",))
            return total

        return x(x), generate

    return evaluate


def exp(x, low):
    """e^(x + low), `low` being a small correction of x; within 1 ulp, subnormal results included."""


@overload(exp, jit_options=CONTRACT)
def _exp(x, low):
    single, real_x = x is types.float32, real(x)
    lowest, highest = map(real_x, (-104, 89) if single else (-746, 710))  # where the result is 0, or inf
    log2e, magic = real_x(1 / math.log(2)), real_x(1.5 * 2.0 ** (23 if single else 52))
    # ln 2 in two parts (Cody and Waite 1980), the first so short that n times it is exact
    ln2_high = real_x(0.693359375 if single else 0.6931471803691238)
    ln2_low = real_x(-2.1219444005469057e-4 if single else 1.9082149292705877e-10)
    series = polynomial(tuple(1 / math.factorial(k) for k in range(8 if single else 14)))

    def exp(x, low):
        x = highest if x > highest else x
        x = lowest if x < lowest else x
        shifted = x * log2e + magic  # the sum has no room for a fraction
        n = shifted - magic
        rest = (x - n * ln2_high) - n * ln2_low + low
        return _scaled(series(rest), shifted)

    return exp


@intrinsic
def _scaled(typing, x, shifted):
    """x * 2^n, where `shifted` is n + 1.5 * 2^mantissa, so that n stands in its lowest bits."""
    width, mantissa, bias = (32, 23, 127) if x is types.float32 else (64, 52, 1023)
    integer = ir.IntType(width)
    bits_of_magic = ((bias + mantissa) << mantissa) + (1 << (mantissa - 1))

    def generate(context, builder, signature, arguments):
        x, shifted = arguments
        # n and two biases, for two steps: 2^n itself may be out of range
        biased = builder.sub(builder.bitcast(shifted, integer), integer(bits_of_magic - 2 * bias))
        half = builder.lshr(biased, integer(1))
        for part in (half, builder.sub(biased, half)):
            x = builder.fmul(x, builder.bitcast(builder.shl(part, integer(mantissa)), x.type))
        return x

    return x(x, shifted), generate


@intrinsic
def _leading(typing, x):
    """x with the lower half of its mantissa cut off: its square is exact."""
    width, kept = (32, ~0xFFF) if x is types.float32 else (64, ~0x7FFFFFF)
    integer = ir.IntType(width)

    def generate(context, builder, signature, arguments):
        (x,) = arguments
        return builder.bitcast(builder.and_(builder.bitcast(x, integer), integer(kept)), x.type)

    return x(x), generate


@intrinsic
def maximum(typing, x, y):
    """The larger one, NaN if either is; LLVM makes vectors of a loop of these, though not of `max`."""

    def generate(context, builder, signature, arguments):
        name = f"llvm.maximum.f{32 if x is types.float32 else 64}"
        kind = arguments[0].type
        function = builder.module.declare_intrinsic(name, (), ir.FunctionType(kind, (kind, kind)))
        return builder.call(function, arguments, fastmath=("nsz",))  # which zero is the same to us

    return x(x, y), generate


def gaussian(a):
    """e^(-a²/2) for a >= 0."""


@overload(gaussian, jit_options=CONTRACT)
def _gaussian(a):
    limit, half = real(a)(40), real(a)(0.5)  # beyond it the result is 0

    def gaussian(a):
        a = limit if a > limit else a
        high = _leading(a)  # a² needs more digits than one number has
        return exp(-half * high * high, -half * (a - high) * (a + high))

    return gaussian


# (4 + a) Phi(-a) e^(a²/2), a smooth function that stays between 0.4 and 2, interpolated as a polynomial in
# (4 - a) / (4 + a) at Chebyshev's nodes, for 0 <= a < 14.5 and a < 38.7: beyond, the Gaussian factor is 0.
TAIL = {
    np.float32: (
        *(0.7552851385, 0.6078966061, 0.3871366798, 0.1865230059, 0.06040646975),
        *(0.007527212912, -0.003523574056, -0.001569313645, 0.0001948018511, 0.000122983157),
    ),
    np.float64: (
        *(0.7552851304157515, 0.6078966419718917, 0.38713740074221875, 0.18652185795969434, 0.06039657489070645),
        *(0.007540188965584718, -0.003479692362377773, -0.0016308184417281584, 0.00013334425533584467),
        *(0.0002310948166583373, -1.9078737869042445e-06, -3.514417126612951e-05, 7.150293076563748e-07),
        *(5.918856754797994e-06, -6.251776127220533e-07, -1.0197239060965834e-06, 2.637285518450446e-07),
        *(1.5415337090279745e-07, -7.639378494529246e-08, -1.4496295587963517e-08, 1.3908604716549315e-08),
        *(-9.883266796936848e-11, -9.548406261831183e-10),
    ),
}


def tail(a):
    """Phi(-a) / e^(-a²/2) for a >= 0, Phi being the normal distribution."""


@overload(tail, jit_options=CONTRACT)
def _tail(a):
    one, four, limit = map(real(a), (1, 4, 40))
    smooth = polynomial(TAIL[real(a)])

    def tail(a):
        a = limit if a > limit else a  # infinity times zero is no number
        r = one / (four + a)
        return r * smooth((four - a) * r)

    return tail
