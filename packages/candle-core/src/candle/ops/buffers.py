"""Tensors of what Python holds in memory: `asarray` and `frombuffer`. Loaded on first use."""

from __future__ import annotations

from typing import Any

from candle import _dtypes
from candle._tensor import Tensor
from candle.ops.creation import from_numpy, tensor
from candle.ops.interchange import from_dlpack
from candle.plugins import backend_of

__all__ = ["asarray", "frombuffer"]


def asarray(
    obj: Any,
    *,
    dtype: _dtypes.dtype | None = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of `obj`, sharing its memory where that is possible; `copy=True` never does, `copy=False` always.

    >>> import candle, numpy
    >>> array = numpy.zeros(2)
    >>> candle.asarray(array)[0] = 1
    >>> array
    array([1., 0.])
    """
    shared = _shared(obj, dtype)
    if shared is None:
        if copy is False:
            raise ValueError(f"asarray: {type(obj).__name__} cannot share its memory, which copy=False asks for")
        return tensor(obj, dtype=dtype, device=device, requires_grad=requires_grad)
    result = shared.to(dtype=dtype, device=device, copy=bool(copy))
    if copy is False and result is not shared:
        raise ValueError(
            f"asarray: {shared.dtype} on {shared.device} cannot become {dtype or shared.dtype} on "
            f"{device or shared.device} without a copy, and copy=False forbids one"
        )
    return result.requires_grad_() if requires_grad and result.is_leaf else result


def _shared(obj: Any, dtype: _dtypes.dtype | None) -> Tensor | None:
    import numpy as np

    if isinstance(obj, Tensor):
        return obj
    if isinstance(obj, np.ndarray):
        return from_numpy(obj)
    if hasattr(obj, "__dlpack__"):
        return from_dlpack(obj)
    if isinstance(obj, bytes | bytearray | memoryview):
        return frombuffer(obj, dtype=dtype or _dtypes.get_default_dtype())
    return None


def frombuffer(
    buffer: Any, *, dtype: _dtypes.dtype, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """`count` values (all unless given) from byte `offset` on, sharing the memory of the buffer.

    >>> import candle
    >>> candle.frombuffer(b"\\x01\\x02\\x03", dtype=candle.uint8, offset=1)
    tensor([2, 3], dtype=candle.uint8)
    """
    import numpy as np

    try:
        values = np.frombuffer(buffer, backend_of("cpu").raw_dtype(dtype), count, offset)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"frombuffer: {type(buffer).__name__} has no buffer to read ({error})") from None
    except ValueError as error:
        raise ValueError(f"frombuffer: {count} values of {dtype} from byte {offset} on: {error}") from None
    return from_numpy(values).requires_grad_(requires_grad)
