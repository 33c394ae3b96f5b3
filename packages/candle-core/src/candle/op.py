"""`Op`: what an operation is made of.

    class Mul(Op):
        \"\"\"x * y;  dx = grad * y, dy = grad * x\"\"\"

        name, reads, promotes = "mul", {"x": "y", "y": "x"}, "x y"

        def forward(xp, x, y):
            return xp.multiply(x, y)

        def vjp(xp, needs, grad, out, x, y):
            return grad * xp.conj(y), grad * xp.conj(x)

Both functions are pure and take the namespace to compute with first (so there is no `self`): `xp` and
the arrays are a backend's, or the Tensor-level namespace and Tensors. They branch on shapes, dtypes and
attrs only. Positional parameters are the inputs (a `*name` takes any number); keyword-only ones are
attrs: static and hashable.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

OPS: dict[str, type[Op]] = {}


class Op:
    """An operation: what it computes, its derivative, and what the derivative reads."""

    name: ClassVar[str] = ""
    reads: ClassVar[dict[str, str]] = {}  # to find dx, the rule reads these: {"x": "y out"}
    promotes: ClassVar[str] = ""  # inputs brought to one dtype at the door, by PyTorch's rules
    floats: ClassVar[bool] = False  # ... and to a floating one
    real: ClassVar[bool] = False  # ... which must not be complex
    numbers: ClassVar[bool] = True  # may they be Python numbers?
    bools: ClassVar[str] = ""  # it refuses bool tensors; what to use instead
    view: ClassVar[bool] = False  # the result may share the first input's memory
    value_shaped: ClassVar[bool] = False  # the result's shape depends on values
    no_grad_outputs: ClassVar[tuple[int, ...]] = ()  # floating outputs that carry no gradient
    autocast: ClassVar[str | None] = None  # the dtype it gives the inputs: "lower", "float32", "float32 off cpu"
    extension: ClassVar[str] = ""  # what it needs and a backend may lack: "linalg" or "fft"
    contract: ClassVar[str] = ""  # the name this op has in `xp`, where forward only calls that

    forward: ClassVar[Callable[..., Any]]
    vjp: ClassVar[Callable[..., Any] | None] = None  # None: differentiate through forward

    inputs: ClassVar[tuple[str, ...]]
    variadic: ClassVar[bool]
    formula: ClassVar[str]
    promoted: ClassVar[frozenset[int]]
    asks: ClassVar[int]  # of its dtype: nothing, `floats`, `real`, or (3) both

    def __init_subclass__(cls) -> None:
        for each in ("forward", "vjp"):
            rule = cls.__dict__.get(each)
            if rule is not None and not isinstance(rule, staticmethod):
                setattr(cls, each, staticmethod(rule))
        if not cls.__dict__.get("name"):
            return  # a family's common part
        code = cls.forward.__code__
        cls.variadic = bool(code.co_flags & 0x04)
        star = code.co_argcount + code.co_kwonlyargcount
        cls.inputs = (*code.co_varnames[1 : code.co_argcount], *code.co_varnames[star : star + cls.variadic])
        cls.formula = (cls.__doc__ or "").strip().split("\n")[0]
        wanted = cls.promotes.split()
        cls.promoted = frozenset(i for i, each in enumerate(cls.inputs) if each in wanted)
        cls.asks = cls.floats + 2 * cls.real
        cls.plans = {}
        if unknown := {*wanted, *cls.reads, *" ".join(cls.reads.values()).split()} - {*cls.inputs, "out"}:
            told = ", ".join(sorted(unknown))
            raise TypeError(f"{cls.name}: `promotes` or `reads` names {told}; there are {cls.inputs} and out")
        other = OPS.get(cls.name, cls)
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"two ops are called {cls.name!r}: {other.__module__}.{other.__qualname__} has that name")
        OPS[cls.name] = cls  # a class that is defined again (a notebook's cell) replaces itself

    plans: ClassVar[dict[tuple[bool, ...], tuple[tuple[int, ...], tuple[int, ...], bool]]]  # what `plan` found before

    @classmethod
    def plan(cls, needs: tuple[bool, ...]) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
        """To find the gradients in `needs`: the inputs to keep, those to drop, and whether to keep the outputs."""
        read = {*cls.inputs} if cls.vjp is None else set[str]()
        for i, needed in enumerate(needs):
            if needed:
                read.update(cls.reads.get(cls.input_name(i), "").split())
        kept = tuple(i for i in range(len(needs)) if cls.input_name(i) in read)
        dropped = tuple(i for i in range(len(needs)) if i not in kept)
        plan = cls.plans[needs] = kept, dropped, "out" in read
        return plan

    @classmethod
    def input_name(cls, i: int) -> str:
        return cls.inputs[min(i, len(cls.inputs) - 1)]

    @classmethod
    def promotes_input(cls, i: int) -> bool:
        return min(i, len(cls.inputs) - 1) in cls.promoted


class MutatingOp:
    """An operation that writes into tensors, such as an optimizer's step: never recorded.

    `forward(xp, *lists, **attrs)` takes lists of arrays and plain numbers (what changes every step is
    one of these, not an attr), and returns the new values of the lists in `mutates`, in that order.
    """

    name: ClassVar[str] = ""
    mutates: ClassVar[tuple[str, ...]] = ()
    forward: ClassVar[Callable[..., Any]]
    inputs: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        code = cls.__dict__["forward"].__code__
        cls.forward = staticmethod(cls.__dict__["forward"])
        cls.inputs = code.co_varnames[1 : code.co_argcount]


class StandIn:
    """In place of an array that a rule does not read: its shape and dtype, and no values."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any):
        self.shape, self.dtype = shape, dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a derivative asked for {name!r} of an input that its op does not declare in `reads`")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a derivative touched the values of an input that its op does not declare in `reads`")


_new = object.__new__


def stand_in(array: Any) -> StandIn:
    """StandIn(array.shape, array.dtype), quickly: most operations that are recorded need one or two."""
    x = _new(StandIn)
    x.shape, x.dtype = array.shape, array.dtype
    return x


def unbroadcast(xp: Any, grad: Any, shape: tuple[int, ...]) -> Any:
    """Sum `grad` over the axes along which an input of `shape` was broadcast.

    >>> import numpy as np
    >>> unbroadcast(np, np.ones((3, 2)), (1, 2))
    array([[3., 3.]])
    """
    if grad.shape == shape:
        return grad
    extra = grad.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + i for i, size in enumerate(shape) if size == 1 and grad.shape[extra + i] != 1
    )
    if axes:
        grad = xp.sum(grad, axis=axes)
    return xp.reshape(grad, shape)


def is_complex_array(xp: Any, x: Any) -> bool:
    """Whether x has complex elements; a device need not have any such dtype."""
    return any(x.dtype == getattr(xp, name) for name in ("complex64", "complex128") if hasattr(xp, name))


def numel(shape: tuple[int, ...]) -> int:
    return math.prod(shape)
