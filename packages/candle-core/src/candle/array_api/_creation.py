"""New arrays."""

from __future__ import annotations

from typing import Any

from candle import ops
from candle._dtypes import dtype as Dtype
from candle._dtypes import float32, get_default_dtype, int64
from candle._tensor import Tensor
from candle.array_api._dtypes import expect

__all__ = [
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
]

Shape = int | tuple[int, ...]


def _shape(shape: Shape) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def asarray(obj: Any, /, *, dtype: Dtype | None = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """Numbers, nested sequences, buffers or arrays as an array; copy=False refuses where memory cannot be shared."""
    shareable = isinstance(obj, Tensor) or hasattr(obj, "__array__") or hasattr(obj, "__dlpack__")
    if copy is False and not shareable:
        raise ValueError(f"asarray: a {type(obj).__name__} has no memory to share, and copy=False forbids a copy")
    if not shareable or copy:
        return ops.tensor(obj, dtype=dtype, device=device)
    found = ops.as_tensor(obj)
    result = found.to(dtype=dtype, device=device)
    if copy is False and result is not found:
        raise ValueError(
            f"asarray: {found.dtype} on {found.device} needs a copy to become this, and copy=False forbids one"
        )
    return result


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: Dtype | None = None, device: Any = None
) -> Tensor:
    """start, start + step, ... as long as it is before stop."""
    start, stop = (0, start) if stop is None else (start, stop)
    if not step or (stop - start) / step <= 0:
        kind = int64 if all(isinstance(x, int) for x in (start, stop, step)) else get_default_dtype()
        return ops.empty(0, dtype=dtype or kind, device=device)
    return ops.arange(start, stop, step, dtype=dtype, device=device)


def linspace(
    start: complex,
    stop: complex,
    /,
    num: int,
    *,
    dtype: Dtype | None = None,
    device: Any = None,
    endpoint: bool = True,
) -> Tensor:
    """`num` numbers from start to stop at equal distances."""
    numbers: tuple[Any, Any] = (start, stop)
    kind = dtype or get_default_dtype()
    if any(isinstance(x, complex) for x in numbers):
        kind = dtype or kind.to_complex()
    count = num - 1 if endpoint else num
    steps = ops.arange(
        num, dtype=kind.to_real() if kind.is_complex or kind.is_floating_point else float32, device=device
    )
    values = steps.to(kind) * ((stop - start) / max(count, 1)) + start
    if endpoint and num > 1:
        values[-1] = stop
    return values.to(kind)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Dtype | None = None, device: Any = None
) -> Tensor:
    """Ones on the k-th diagonal, zeros elsewhere."""
    rows = ops.arange(n_rows, device=device).reshape(-1, 1)
    columns = ops.arange(n_rows if n_cols is None else n_cols, device=device)
    return (columns - rows == k).to(dtype or get_default_dtype())


def zeros(shape: Shape, *, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """Zeros."""
    return ops.zeros(_shape(shape), dtype=dtype, device=device)


def ones(shape: Shape, *, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """Ones."""
    return ops.ones(_shape(shape), dtype=dtype, device=device)


def empty(shape: Shape, *, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """Whatever the memory held."""
    return ops.empty(_shape(shape), dtype=dtype, device=device)


def full(shape: Shape, fill_value: complex, *, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """One number everywhere."""
    return ops.full(_shape(shape), fill_value, dtype=dtype, device=device)


def zeros_like(x: Tensor, /, *, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """Zeros in the shape of x."""
    return ops.zeros_like(x, dtype=dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """Ones in the shape of x."""
    return ops.ones_like(x, dtype=dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """Whatever the memory held, in the shape of x."""
    return ops.empty_like(x, dtype=dtype, device=device)


def full_like(x: Tensor, /, fill_value: complex, *, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """One number everywhere, in the shape of x."""
    return ops.full_like(x, fill_value, dtype=dtype, device=device)


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> tuple[Tensor, ...]:
    """The coordinates of the points of a grid."""
    return tuple(each.clone() for each in ops.meshgrid(*arrays, indexing=indexing))


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Zeros above the k-th diagonal."""
    return _triangle("tril", ops.tril, x, k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Zeros below the k-th diagonal."""
    return _triangle("triu", ops.triu, x, k)


def _triangle(name: str, function: Any, x: Tensor, k: int) -> Tensor:
    expect(name, "any", x)
    if x.ndim < 2:
        raise ValueError(f"{name}: expected a matrix or several, got shape {tuple(x.shape)}")
    return function(x, k)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """An array that shares the memory of another library's."""
    return ops.from_dlpack(x, device=device, copy=copy)
