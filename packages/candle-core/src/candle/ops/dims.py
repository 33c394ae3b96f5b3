"""The same elements with their dims in another order. All results are views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from candle._apply import apply
from candle._attach import attach_property, method, view_method
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import integers, one_dim
from candle.ops.conversion import conj

__all__ = ["adjoint", "moveaxis", "movedim", "permute", "swapaxes", "swapdims", "t", "transpose"]


class Permute(Op):
    """x with its dims in another order;  dx = grad with its dims put back"""

    name, view = "permute", True

    def forward(xp, x, *, dims):
        return xp.permute_dims(x, dims)

    def vjp(xp, needs, grad, out, x, *, dims):
        back = sorted(range(len(dims)), key=dims.__getitem__)
        return (xp.permute_dims(grad, tuple(back)),)


# What users call


@method()
def permute(input: Tensor, *order: Any, dims: Sequence[int] | None = None) -> Tensor:
    """The dims in another order."""
    wanted = integers("permute", order, dims)
    ndim = input.ndim
    places = tuple([one_dim(d, ndim) for d in wanted])
    if len(places) != ndim or len(set(places)) != ndim:
        raise RuntimeError(
            f"permute: {wanted} does not order the {ndim} dims of a tensor of shape {tuple(input.shape)}"
        )
    return apply(Permute, input, dims=places)


@view_method
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dims swapped."""
    a, b = one_dim(dim0, input.ndim), one_dim(dim1, input.ndim)
    if not input.ndim:
        return input.alias()
    order = list(range(input.ndim))
    order[a], order[b] = b, a
    return apply(Permute, input, dims=tuple(order))


@view_method
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose`, by its other name."""
    return transpose(input, dim0, dim1)


@view_method
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose`, by its name in NumPy."""
    return transpose(input, axis0, axis1)


@view_method
def t(input: Tensor) -> Tensor:
    """A matrix transposed; vectors and numbers as they are."""
    if input.ndim > 2:
        raise RuntimeError(f"t: expects at most 2 dims, got shape {tuple(input.shape)}; use transpose or .mT")
    return transpose(input, 0, 1) if input.ndim == 2 else input.alias()


@method()
def adjoint(input: Tensor) -> Tensor:
    """The last two dims swapped, and the complex conjugate of that."""
    return conj(transpose(input, -2, -1))


def _hermitian(input: Tensor) -> Tensor:
    if input.ndim not in (0, 2):
        raise RuntimeError(f"H: only for matrices, got shape {tuple(input.shape)}; use .mH")
    return adjoint(input) if input.ndim else conj(input)


attach_property("T", lambda self: apply(Permute, self, dims=tuple(range(self.ndim - 1, -1, -1))))
attach_property("mT", lambda self: transpose(self, -2, -1))
attach_property("H", _hermitian)
attach_property("mH", adjoint)


@method("movedim", "moveaxis")
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dims moved to other places; the others keep their order."""
    from_ = [one_dim(d, input.ndim) for d in integers("movedim", (source,))]
    to = [one_dim(d, input.ndim) for d in integers("movedim", (destination,))]
    if len(from_) != len(to) or len({*from_}) != len(from_) or len({*to}) != len(to):
        raise RuntimeError(f"movedim: {source} and {destination} must be distinct dims, as many in one as in the other")
    rest = iter(d for d in range(input.ndim) if d not in from_)
    places = dict(zip(to, from_, strict=True))
    return permute(input, *(places[i] if i in places else next(rest) for i in range(input.ndim)))


moveaxis = movedim
