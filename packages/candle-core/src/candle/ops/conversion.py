"""Other dtypes, other devices, copies, and the parts of complex numbers."""

from __future__ import annotations

import math
from typing import Any

from candle import _dtypes, _graph
from candle._apply import apply
from candle._attach import attach_property, method
from candle._device import Device
from candle._modes import state
from candle._tensor import Tensor, wrap
from candle.op import Op, StandIn, is_complex_array
from candle.plugins import backend_of

__all__ = ["clone", "conj", "imag", "is_complex", "is_floating_point", "is_tensor", "numel", "real", "result_type"]


class Cast(Op):
    """x in another dtype;  dx = grad in x's dtype"""

    name = "cast"

    def forward(xp, x, *, dtype):
        raw = getattr(xp, dtype.name)
        if not dtype.is_complex and is_complex_array(xp, x):
            x = xp.real(x)
        return xp.astype(x, raw)

    def vjp(xp, needs, grad, out, x, *, dtype):
        return (grad,)


class Clone(Op):
    """a copy of x;  dx = grad"""

    name = "clone"

    def forward(xp, x):
        return xp.asarray(x, copy=True)

    def vjp(xp, needs, grad, out, x):
        return (grad,)


class Contiguous(Op):
    """a copy of x with its elements in order;  dx = grad"""

    name = "contiguous"

    def forward(xp, x):
        return xp.reshape(xp.asarray(xp.reshape(x, (-1,)), copy=True), x.shape)

    def vjp(xp, needs, grad, out, x):
        return (grad,)


class Conj(Op):
    """the complex conjugate of x;  dx = conj(grad)"""

    name, contract = "conj", "conj"

    def forward(xp, x):
        return xp.conj(x)

    def vjp(xp, needs, grad, out, x):
        return (xp.conj(grad),)


class Real(Op):
    """the real part of x;  dx = grad"""

    name, contract, view = "real", "real", True

    def forward(xp, x):
        return xp.real(x)

    def vjp(xp, needs, grad, out, x):
        return (xp.astype(grad, x.dtype),)


class Imag(Op):
    """the imaginary part of x;  dx = i grad"""

    name, contract, view = "imag", "imag", True

    def forward(xp, x):
        return xp.imag(x)

    def vjp(xp, needs, grad, out, x):
        return (xp.astype(grad, x.dtype) * 1j,)


class Transfer(_graph.Node):
    """x on another device;  dx = grad on x's device"""

    __slots__ = ("source",)

    def __init__(self, x: Tensor, target: Any):
        super().__init__(Move, target, ((x, 0) if x.is_leaf else x._edge,), (True,), {})
        self.source = x._backend
        like = StandIn(x._array.shape, x._array.dtype)
        self.payload = ((like,), (like,), None)

    def backward(self, grads: list[Any], needs: tuple[bool, ...], create_graph: bool) -> list[Any]:
        if create_graph:
            return [move(grads[0], self.source)]
        return [move(wrap(grads[0], self.backend), self.source).current()]


class Move(Op):
    """x on another device;  dx = grad on x's device"""

    name = "move"

    def forward(xp, x):
        raise NotImplementedError("values move between devices in `move`, outside the door")


def move(x: Tensor, target: Any) -> Tensor:
    """The values on another backend, recorded."""
    result = wrap(target.from_numpy(x._backend.to_numpy(x.current())), target)
    if x.requires_grad and state.grad:
        result._edge = (Transfer(x, target), 0)
    return result


# What users call


@method()
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy with memory of its own; gradients flow through."""
    return apply(Clone, input)


@method()
def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself if its elements lie in order, else a copy in which they do."""
    return input if input.is_contiguous() else apply(Contiguous, input)


@method()
def to(
    input: Tensor,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    copy: bool = False,
    non_blocking: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """The tensor in another dtype, on another device, or as `other` is; itself if nothing changes.

    >>> import candle
    >>> candle.tensor([1.7, -1.7]).to(candle.int64)
    tensor([ 1, -1])
    """
    dtype = _dtypes.chosen(dtype)
    for given in args:
        if isinstance(given, _dtypes.dtype) or (isinstance(given, type) and given in _dtypes.GIVEN):
            dtype = _dtypes.chosen(given)
        elif isinstance(given, Tensor):
            dtype, device = given.dtype, given.device
        elif given is None or isinstance(given, bool):
            continue  # no device; non_blocking
        elif isinstance(given, str | int | Device):
            device = given
        else:
            raise TypeError(f"to: expected a dtype, a device or a tensor, got {type(given).__name__}")
    result = input
    if dtype is _dtypes.bool_ and input.dtype.is_complex:
        result = input != 0
    elif dtype is not None and dtype is not input.dtype:
        input._backend.raw_dtype(dtype)  # raises where the device has none
        result = apply(Cast, result, dtype=dtype)
    if device is not None:
        target = backend_of(device)
        if target is not result._backend and not (result._backend.level and target.device == result.device):
            result = move(result, target)
    return clone(input) if copy and result is input else result


def _shortcut(name: str, dtype: _dtypes.dtype) -> None:
    def convert(self: Tensor, *, memory_format: Any = None) -> Tensor:
        return to(self, dtype=dtype)

    convert.__name__ = name
    convert.__doc__ = f"The values as {dtype}."
    method(name)(convert)


for _name, _dtype in {
    **{"float": _dtypes.float32, "double": _dtypes.float64, "half": _dtypes.float16, "bfloat16": _dtypes.bfloat16},
    **{
        "long": _dtypes.int64,
        "int": _dtypes.int32,
        "short": _dtypes.int16,
        "char": _dtypes.int8,
        "byte": _dtypes.uint8,
    },
    **{"bool": _dtypes.bool_, "cfloat": _dtypes.complex64, "cdouble": _dtypes.complex128},
}.items():
    _shortcut(_name, _dtype)


@method()
def cpu(input: Tensor) -> Tensor:
    """The tensor on the CPU."""
    return to(input, device="cpu")


@method()
def cuda(input: Tensor, device: Any = "cuda") -> Tensor:
    """The tensor on a GPU."""
    return to(input, device=device)


@method()
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The values in the dtype of `other`."""
    return to(input, dtype=other.dtype)


@method()
def conj(input: Tensor) -> Tensor:
    """The complex conjugate; real tensors are themselves."""
    return apply(Conj, input) if input.dtype.is_complex else input


def real(input: Tensor) -> Tensor:
    """The real part; real tensors are themselves."""
    return apply(Real, input) if input.dtype.is_complex else input


def imag(input: Tensor) -> Tensor:
    """The imaginary part."""
    if not input.dtype.is_complex:
        raise RuntimeError(f"imag: only complex tensors have an imaginary part, got {input.dtype}")
    return apply(Imag, input)


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a Tensor."""
    return isinstance(obj, Tensor)


@method()
def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a floating-point one."""
    return input.dtype.is_floating_point


@method()
def is_complex(input: Tensor) -> bool:
    """Whether the dtype is a complex one."""
    return input.dtype.is_complex


@method("numel", "nelement")
def numel(input: Tensor) -> int:
    """How many elements there are."""
    return math.prod(input._array.shape)


@method()
def element_size(input: Tensor) -> int:
    """How many bytes an element takes."""
    return input.dtype.itemsize


def result_type(tensor1: Any, tensor2: Any) -> _dtypes.dtype:
    """The dtype that arithmetic between two operands has.

    >>> import candle
    >>> candle.result_type(candle.tensor([1, 2]), 1.0)
    candle.float32
    """
    ranks: list[Any] = [None, None, None]
    for x in (tensor1, tensor2):
        rank = 2 if not isinstance(x, Tensor) else 0 if x.ndim else 1
        ranks[rank] = _dtypes.merge(ranks[rank], x.dtype if isinstance(x, Tensor) else _dtypes.of_number(x))
    return _dtypes.result_of(tuple(ranks))


attach_property("real", real)
attach_property("imag", imag)
