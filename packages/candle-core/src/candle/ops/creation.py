"""New tensors: from data, filled, counting."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from candle import _dtypes
from candle._attach import method
from candle._device import Device
from candle._modes import special, state
from candle._tensor import Tensor, wrap
from candle._views import LEAF, storage_of
from candle.ops._common import SEQUENCE, integers
from candle.ops._options import refuse_memory
from candle.plugins import backend_of

if TYPE_CHECKING:
    import numpy as np

    from candle.backends.base import Backend

__all__ = [
    "arange",
    "as_tensor",
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "from_numpy",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "scalar_tensor",
    "tensor",
    "zeros",
    "zeros_like",
]

Dtype = _dtypes.dtype | None
CPU = Device("cpu")
REAL, TEXT, WIDE = {bool, int, float}, (str, bytes), (_dtypes.float32, _dtypes.float64)


def tensor(
    data: Any, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new tensor with a copy of the data: numbers, nested lists, NumPy arrays, tensors.

    >>> import candle
    >>> candle.tensor([[1, 2], [3, 4]], dtype=candle.float64)
    tensor([[1., 2.],
            [3., 4.]], dtype=candle.float64)
    """
    if pin_memory:
        refuse_memory("tensor", {"pin_memory": True})
    if isinstance(data, Tensor):
        return data.detach().to(dtype=dtype, device=device, copy=True).requires_grad_(requires_grad)
    backend = backend_of(device)
    return new_tensor(backend.from_numpy(_host_array(data, dtype)), backend, requires_grad)


def new_tensor(array: Any, backend: Backend, requires_grad: bool = False) -> Tensor:
    """A leaf around a new array."""
    if requires_grad and not state.inference and array.dtype in backend.inexact:
        return wrap(array, backend, LEAF)
    t = wrap(array, backend)
    if state.inference:
        storage_of(t).inference = special.inference = True
    return t.requires_grad_() if requires_grad else t


def _host_array(data: Any, dtype: Dtype) -> np.ndarray:
    """A new array in the dtype given, or in the one that PyTorch would choose."""
    import numpy as np

    cpu = backend_of(CPU)
    kinds = set() if hasattr(data, "dtype") else _kinds(data)
    dtype = _dtypes.chosen(dtype, None if hasattr(data, "dtype") else _dtype_of(kinds))
    try:
        if kinds and kinds <= REAL and dtype in WIDE:  # the usual case, in one step
            return np.array(data, cpu.raw_dtype(dtype))
        array = np.asarray(data if kinds <= _dtypes.PYTHON.keys() else _without_tensors(data))
    except ValueError as error:
        _refuse_kinds(kinds)
        raise ValueError(f"tensor: rows differ in length, so this is no array: {error}") from None
    raw = array.dtype if dtype is None else cpu.raw_dtype(dtype)
    if array.size and array.dtype != raw and kinds and dtype is not None and dtype.category == _dtypes.INT:
        for x in {array.min(), array.max()} if array.dtype.kind in "iufO" else ():
            _dtypes.fitting("tensor", x, dtype)
    if array.dtype not in cpu.dtypes:
        _refuse_kinds(kinds)
        raise TypeError(f"tensor: there is no candle dtype for NumPy's {array.dtype}")
    if array.dtype.kind == "c" and dtype is not None and not dtype.is_complex:
        raise RuntimeError(f"tensor: complex values cannot be converted to {dtype}")
    return array.astype(raw)


def _kinds(data: Any) -> set[Any]:
    """What the numbers in nested lists are: Python's types; tensors and NumPy's numbers bring their dtype."""
    if not isinstance(data, SEQUENCE) or isinstance(data, TEXT):
        return {getattr(data, "dtype", type(data))}
    kinds = set(map(type, data))
    return kinds if kinds <= _dtypes.PYTHON.keys() else set().union(*map(_kinds, data))


def _dtype_of(kinds: set[Any]) -> Dtype:
    """Where all of these find room."""
    known: dict[Any, _dtypes.dtype] = _dtypes.PYTHON
    if not kinds:
        return _dtypes.get_default_dtype()
    if not kinds <= known.keys():
        known = {**known, **backend_of(CPU).dtypes, **{d: d for d in _dtypes.ALL}}
    if not all(kind in known for kind in kinds):
        return None  # no numbers, or what NumPy knows how to read
    return functools.reduce(_dtypes.promote_types, [known[kind] for kind in kinds])


def _refuse_kinds(kinds: set[Any]) -> None:
    """Name what is no number."""
    if strange := sorted(kind.__name__ for kind in kinds - _dtypes.PYTHON.keys() if isinstance(kind, type)):
        raise TypeError(f"tensor: expected numbers, got {' and '.join(strange)}")


def _without_tensors(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data.detach().cpu().numpy()
    return [_without_tensors(x) for x in data] if isinstance(data, list | tuple) else data


def as_tensor(data: Any, dtype: Dtype = None, device: Any = None) -> Tensor:
    """The data as a tensor, without a copy where that is possible."""
    import numpy as np

    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    if isinstance(data, np.ndarray):
        return from_numpy(data).to(dtype=dtype, device=device)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the CPU that shares the array's memory."""
    import numpy as np

    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected a numpy.ndarray, got {type(ndarray).__name__}; use candle.tensor")
    backend = backend_of("cpu")
    if ndarray.dtype not in backend.dtypes:
        raise TypeError(f"from_numpy: there is no candle dtype for NumPy's {ndarray.dtype}")
    result = wrap(backend.from_numpy(ndarray), backend)
    storage_of(result)  # somebody else sees this memory
    return result


def refuse_negative(shape: tuple[int, ...]) -> None:
    if shape and min(shape) < 0:
        raise RuntimeError(f"sizes must not be negative: {shape}")


def _filled(shape: tuple[int, ...], value: Any, dtype: _dtypes.dtype, device: Any, requires_grad: bool) -> Tensor:
    refuse_negative(shape)
    backend = backend_of(device)
    return new_tensor(backend.xp.full(shape, value, dtype=backend.raw_dtype(dtype)), backend, requires_grad)


def zeros(
    *sizes: Any, size: Any = None, dtype: Dtype = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros in a shape."""
    return _filled(integers("zeros", sizes, size), 0, dtype or _dtypes.get_default_dtype(), device, requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Dtype = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in a shape."""
    return _filled(integers("ones", sizes, size), 1, dtype or _dtypes.get_default_dtype(), device, requires_grad)


def empty(
    *sizes: Any, size: Any = None, dtype: Dtype = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor for values to come; here its elements are zero."""
    return zeros(integers("empty", sizes, size), dtype=dtype, device=device, requires_grad=requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """One value in a shape."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    dtype = _dtypes.chosen(dtype) or _dtypes.of_number(value)
    return _filled(integers("full", (size,)), _dtypes.fitting("full", value, dtype), dtype, device, requires_grad)


def scalar_tensor(s: Any, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of one number, in the default dtype unless another is given."""
    return full((), s, dtype=dtype or _dtypes.get_default_dtype(), device=device, requires_grad=requires_grad)


def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor for values to come, whose dims lie in memory in the order `physical_layout`, the outermost first."""
    order = integers("empty_permuted", (physical_layout,))
    if sorted(order) != list(range(len(size))):
        raise RuntimeError(f"empty_permuted: {order} does not order the {len(size)} dims of {tuple(size)}")
    made = empty([size[d] for d in order], dtype=dtype, device=device)
    return made.permute(sorted(range(len(order)), key=order.__getitem__)).detach().requires_grad_(requires_grad)


def empty_strided(
    size: Any, stride: Any, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor for values to come, whose neighbours along each dim lie `stride` elements apart."""
    shape, steps = integers("empty_strided", (size,)), integers("empty_strided", (stride,))
    reach = sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) + 1 if math.prod(shape) else 0
    memory = empty(reach, dtype=dtype, device=device)
    return memory.as_strided(shape, steps).detach().requires_grad_(requires_grad)


def _like(input: Tensor, value: Any, dtype: Dtype, device: Any, requires_grad: bool) -> Tensor:
    made = _filled(tuple(input.shape), value, dtype or input.dtype, device or input.device, False)
    return beside(input, made).requires_grad_(requires_grad)


def beside(input: Tensor, made: Tensor) -> Tensor:
    """What is made from an example inside vmap belongs to the example: values that differ may be written into it."""
    lift = getattr(input._backend, "lift", None)
    return made if lift is None else lift(made)


def zeros_like(input: Tensor, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape, dtype and place of `input`."""
    return _like(input, 0, dtype, device, requires_grad)


def ones_like(input: Tensor, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape, dtype and place of `input`."""
    return _like(input, 1, dtype, device, requires_grad)


def empty_like(input: Tensor, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor for values to come, shaped like `input`."""
    return _like(input, 0, dtype, device, requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """One value in the shape, dtype and place of `input`."""
    dtype = _dtypes.chosen(dtype, input.dtype)
    return _like(input, _dtypes.fitting("full_like", fill_value, dtype), dtype, device, requires_grad)


def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... below end.

    >>> import candle
    >>> candle.arange(2, 10, 3)
    tensor([2, 5, 8])
    """
    if end is None:
        start, end = None, start
    if end is None:
        raise TypeError("arange: give the end, as in arange(3), arange(1, 3) or arange(end=3)")
    start = 0 if start is None else start
    start, end, step = (x.item() if hasattr(x, "item") else x for x in (start, end, step))
    dtype = _dtypes.chosen(dtype)
    whole = dtype is not None and dtype.category == _dtypes.INT
    start, end, step = (int(x) if whole or isinstance(x, bool) else x for x in (start, end, step))
    if step == 0 or not all(map(math.isfinite, (start, end, step))) or (end - start) / step < 0:
        raise RuntimeError(f"arange: from {start} to {end} in steps of {step} leads nowhere")
    if dtype is None:
        dtype = _dtypes.int64 if all(isinstance(x, int) for x in (start, end, step)) else _dtypes.get_default_dtype()
    backend = backend_of(device)
    # counted in integers or double precision first, so that the length is right
    wide = _dtypes.int64 if all(isinstance(x, int) for x in (start, end, step)) else _dtypes.float64
    n = math.ceil((end - start) / step)
    array = backend.xp.arange(n, dtype=backend.raw_dtype(wide)) * step + start
    return new_tensor(backend.xp.astype(array, backend.raw_dtype(dtype)), backend, requires_grad)


def _new(name: str, make: Any, value_first: bool = False) -> None:
    def new(
        self: Tensor, *args: Any, dtype: Dtype = None, device: Any = None, requires_grad: bool = False, **named: Any
    ) -> Tensor:
        refuse_memory(name, named)
        made = make(*args, **named, dtype=dtype or self.dtype, device=device or self.device)
        return beside(self, made).requires_grad_(requires_grad)

    new.__name__ = name
    new.__doc__ = f"`candle.{make.__name__}` in the dtype and on the device of this tensor."
    method(name)(new)


for _make in (zeros, ones, empty, empty_strided, full, tensor):
    _new(f"new_{_make.__name__}", _make)
