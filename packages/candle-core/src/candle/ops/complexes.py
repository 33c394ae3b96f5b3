"""Complex numbers: made from parts, taken apart, their angle and their direction."""

from __future__ import annotations

import math

from candle._apply import apply
from candle._attach import method
from candle._tensor import Tensor
from candle.op import Op, is_complex_array
from candle.ops._common import Unary
from candle.ops.arithmetic import Sign, sign
from candle.ops.comparison import eq
from candle.ops.conversion import conj
from candle.ops.joining import stack
from candle.ops.shape import broadcast_tensors
from candle.ops.trigonometry import cos, sin

__all__ = [
    "angle",
    "complex",
    "conj_physical",
    "is_conj",
    "is_neg",
    "isreal",
    "polar",
    "resolve_conj",
    "resolve_neg",
    "sgn",
    "view_as_complex",
    "view_as_real",
]


class ViewAsReal(Op):
    """complex x as pairs of real numbers;  dx = grad, each pair as a complex number"""

    name, contract, view = "view_as_real", "as_real", True

    def forward(xp, x):
        return xp.as_real(x)

    def vjp(xp, needs, grad, out, x):
        return (xp.as_complex(grad),)


class ViewAsComplex(Op):
    """pairs of real numbers as complex ones;  dx = grad, each number as a pair"""

    name, contract, view = "view_as_complex", "as_complex", True

    def forward(xp, x):
        return xp.as_complex(x)

    def vjp(xp, needs, grad, out, x):
        return (xp.as_real(grad),)


class Angle(Unary):
    """the angle of x, pi for negative real x;  dx = grad i x / |x|^2, and 0 for x = 0 and for real x"""

    name, reads = "angle", {"x": "x"}

    def forward(xp, x):
        if is_complex_array(xp, x):
            return xp.atan2(xp.imag(x), xp.real(x))
        flat = xp.where(xp.isnan(x), x, xp.zeros((), dtype=x.dtype))
        return xp.where(xp.less(x, 0), xp.full((), math.pi, dtype=x.dtype), flat)

    def vjp(xp, needs, grad, out, x):
        if not is_complex_array(xp, x):
            return (grad * 0,)
        square = xp.real(x * xp.conj(x))
        zero = xp.equal(square, 0)
        scale = xp.where(zero, grad * 0, grad / xp.where(zero, xp.ones((), dtype=square.dtype), square))
        return (xp.astype(scale, x.dtype) * (x * 1j),)


# What users call


def _parts(name: str, x: Tensor, y: Tensor) -> Tensor:
    """Complex numbers of two real tensors."""
    for part in (x, y):
        if not isinstance(part, Tensor) or not part.dtype.is_floating_point or part.dtype.itemsize < 4:
            raise RuntimeError(f"{name}: expected two float32 or float64 tensors, got {getattr(part, 'dtype', part)!r}")
    if x.dtype is not y.dtype:
        raise RuntimeError(f"{name}: expected two tensors of one dtype, got {x.dtype} and {y.dtype}")
    return view_as_complex(stack(broadcast_tensors(x, y), -1))


def complex(real: Tensor, imag: Tensor) -> Tensor:
    """real + i imag.

    >>> import candle
    >>> candle.complex(candle.tensor([1.0, 2.0]), candle.tensor([0.5, -1.0]))
    tensor([1.+0.5000j, 2.-1.0000j])
    """
    return _parts("complex", real, imag)


def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """The complex numbers of these lengths and angles."""
    _parts("polar", abs, angle)
    return _parts("polar", abs * cos(angle), abs * sin(angle))


def view_as_real(input: Tensor) -> Tensor:
    """Complex numbers as pairs of real ones along a new last dim, in the same memory.

    >>> import candle
    >>> candle.view_as_real(candle.tensor([1 + 2j, 3 - 4j]))
    tensor([[ 1.,  2.],
            [ 3., -4.]])
    """
    if not input.dtype.is_complex:
        raise RuntimeError(f"view_as_real: only complex tensors have two parts, got {input.dtype}")
    return apply(ViewAsReal, input)


def view_as_complex(input: Tensor) -> Tensor:
    """Pairs of real numbers along the last dim as complex ones, in the same memory."""
    if input.dtype.itemsize == 2 and input.dtype.is_floating_point:
        raise NotImplementedError(f"view_as_complex: there is no complex type with parts of {input.dtype}")
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"view_as_complex: only for float32 and float64, got {input.dtype}")
    if not input.ndim or input.shape[-1] != 2:
        raise RuntimeError(f"view_as_complex: the last dim must be 2 (real and imaginary), got {tuple(input.shape)}")
    steps = input.stride()
    if input.numel() and (steps[-1] != 1 or any(step % 2 for step in steps[:-1])):
        raise RuntimeError(f"view_as_complex: pairs must lie together, got strides {steps}; use .contiguous()")
    return apply(ViewAsComplex, input)


@method()
def angle(input: Tensor) -> Tensor:
    """The angle of complex numbers in radians; of real ones, pi for negative ones and else 0."""
    return apply(Angle, input)


@method(inplace=True)
def sgn(input: Tensor) -> Tensor:
    """-1, 0 or 1 by the sign; of complex numbers, the number of length 1 in the same direction."""
    return apply(Sign, input) if input.dtype.is_complex else sign(input)


@method()
def isreal(input: Tensor) -> Tensor:
    """Where the imaginary part is 0."""
    return eq(input.imag, 0) if input.dtype.is_complex else eq(input, input) | True  # nan, too


@method(inplace=True)
def conj_physical(input: Tensor) -> Tensor:
    """The complex conjugate, computed now (candle's `conj` is, too)."""
    return conj(input)


@method()
def is_conj(input: Tensor) -> bool:
    """Whether a conjugate waits to be computed: never."""
    return False


@method()
def is_neg(input: Tensor) -> bool:
    """Whether a negative waits to be computed: never."""
    return False


@method()
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: candle has no conjugates that wait to be computed."""
    return input


@method()
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: candle has no negatives that wait to be computed."""
    return input
