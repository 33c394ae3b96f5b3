"""PyTorch's type promotion, for the inputs of an op that say they take part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from candle import _dtypes
from candle._modes import state
from candle._tensor import Tensor, wrap
from candle.op import Op

if TYPE_CHECKING:
    from candle.backends.base import Backend


def mixed(op: type[Op], arrays: list[Any], suited: Any) -> bool:
    """Whether the arrays that take part in promotion (masks and indices do not) leave something to do."""
    taking_part, last = op.promoted, len(op.inputs) - 1
    kinds = {getattr(x, "dtype", None) for i, x in enumerate(arrays) if x is not None and min(i, last) in taking_part}
    return len(kinds) != 1 or not kinds <= suited


def common_dtype(op: type[Op], inputs: tuple[Any, ...], backend: Backend) -> _dtypes.dtype:
    """PyTorch's type promotion, over the inputs that the op says take part."""
    refuse_bools(op, inputs)
    ranks: list[Any] = [None, None, None]
    for i, t in enumerate(inputs):
        if t is None or not op.promotes_input(i):
            continue
        if isinstance(t, Tensor):
            rank = 0 if t._array.ndim else 1
            ranks[rank] = _dtypes.merge(ranks[rank], backend.dtypes[t._array.dtype])
        else:
            ranks[2] = _dtypes.merge(ranks[2], _dtypes.PYTHON[type(_number(op, i, t))])
    result = _dtypes.result_of((ranks[0], ranks[1], ranks[2]))
    if op.real:
        _dtypes.refuse_complex(op.name, result)
    return _dtypes.get_default_dtype() if op.floats and result.category < _dtypes.FLOAT else result


def refuse_bools(op: type[Op], inputs: tuple[Any, ...]) -> None:
    if op.bools and any(isinstance(t, Tensor) and t.dtype is _dtypes.bool_ for t in inputs):
        raise RuntimeError(f"{op.name}: not for bool tensors; use {op.bools}")


def from_array(x: Any) -> Any:
    """NumPy arrays among the inputs, as tensors."""
    from candle.ops.creation import as_tensor

    return x if isinstance(x, Tensor) or not getattr(x, "ndim", 0) else as_tensor(x)


def _number(op: type[Op], i: int, x: Any) -> Any:
    if hasattr(x, "item") and not getattr(x, "ndim", 1):
        x = x.item()  # a NumPy scalar
    if not op.numbers:
        raise TypeError(
            f"{op.name}: {op.input_name(i)} must be a Tensor, got {type(x).__name__}; use candle.tensor({x!r})"
        )
    if type(x) not in _dtypes.PYTHON:
        fix = "; use candle.from_numpy" if type(x).__name__ == "ndarray" else ""
        raise TypeError(f"{op.name}: expected a Tensor or a number for {op.input_name(i)}, got {type(x).__name__}{fix}")
    return x


def needs_width(op: type[Op], inputs: tuple[Any, ...], raw: Any, backend: Backend) -> bool:
    """Whether numbers or other dtypes join one of 16 bits, which must not round them: then float32 does the work."""
    if raw in backend.native or raw not in backend.inexact:
        return False
    given = [t for i, t in enumerate(inputs) if t is not None and op.promotes_input(i)]
    joins = [not isinstance(t, Tensor) or t._array.dtype != raw for t in given]
    return op.floats or any(joins)


def wide(t: Any) -> Any:
    return t.to(_dtypes.float32) if isinstance(t, Tensor) else t


def narrow(t: Any, dtype: _dtypes.dtype) -> Any:
    if isinstance(t, tuple):
        return tuple(narrow(each, dtype) for each in t)
    return t.to(dtype) if t.dtype.is_floating_point else t


def promote(
    op: type[Op], inputs: tuple[Any, ...], arrays: list[Any], common: _dtypes.dtype, backend: Backend
) -> tuple[tuple[Any, ...], list[Any]]:
    """The inputs that take part, in their common dtype."""
    raw, new, cast = backend.raw_dtype(common), list(inputs), list(arrays)
    for i, t in enumerate(inputs):
        if t is None or not op.promotes_input(i):
            continue
        if not isinstance(t, Tensor):
            x = _number(op, i, t)  # a weak scalar of the standard, where True is no number
            if common.category == _dtypes.INT:
                x = _dtypes.wrapped(int(x), common)
            elif isinstance(x, bool) and common is not _dtypes.bool_:
                x = int(x)
            cast[i] = new[i] = x
        elif t._array.dtype != raw:
            if t._edge is not None and state.grad:
                new[i] = t.to(common)
                cast[i] = new[i]._array
            else:
                cast[i] = backend.xp.astype(t._array, raw)
                new[i] = wrap(cast[i], backend)
    return tuple(new), cast
