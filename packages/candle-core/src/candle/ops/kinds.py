"""Dtypes under their older names: `FloatTensor(2, 3)`, `LongTensor([1, 2])`, `x.type()`."""

from __future__ import annotations

import functools
from typing import Any

from candle import _dtypes
from candle._attach import method
from candle._tensor import Tensor

__all__: list[str] = []

NAMES = {
    **{"float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "bool": "Bool"},
    **{"uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long"},
    **{"uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64"},
    **{"complex64": "ComplexFloat", "complex128": "ComplexDouble"},
}


class Kind(type):
    """The class of the tensors of one dtype: calling it makes one, and `isinstance` asks for it."""

    dtype: _dtypes.dtype

    def __call__(cls, *data: Any, device: Any = None) -> Tensor:
        return Tensor(*data, dtype=cls.dtype, device=device)

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Tensor) and x.dtype is cls.dtype


DTYPES = {f"{kind}Tensor": _dtypes.by_name(name) for name, kind in NAMES.items()}


@functools.cache
def __getattr__(name: str) -> Kind:
    if name not in DTYPES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return Kind(name, (), {"__module__": "candle", "dtype": DTYPES[name]})


# What users call


@method("type")
def type_(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """Without a dtype the name of the tensor's kind; else the values in that dtype, which may be such a name.

    >>> import candle
    >>> candle.ones(2).type(), candle.ones(2).type("candle.LongTensor")
    ('candle.FloatTensor', tensor([1, 1]))
    """
    if dtype is None:
        place = "" if input.device.type == "cpu" else f".{input.device.type}"
        return f"candle{place}.{NAMES[input.dtype.name]}Tensor"
    if isinstance(dtype, str):
        *places, name = dtype.split(".")  # torch.FloatTensor, torch.cuda.FloatTensor
        if name not in DTYPES:
            raise ValueError(f"type: {dtype!r} is no kind of tensor; there are {', '.join(DTYPES)}")
        return input.to(dtype=DTYPES[name], device=places[1] if places[1:] else None)
    return input.to(dtype=dtype.dtype if isinstance(dtype, Kind) else dtype)


@method()
def new(input: Tensor, *data: Any, device: Any = None) -> Tensor:
    """`candle.Tensor(*data)` in the dtype and on the device of this tensor."""
    return Tensor(*data, dtype=input.dtype, device=device or input.device)
