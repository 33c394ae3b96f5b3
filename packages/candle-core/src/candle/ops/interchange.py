"""Sharing memory with other libraries: DLPack, and what NumPy asks of its arguments."""

from __future__ import annotations

from typing import Any

from candle._attach import method
from candle._tensor import Tensor, wrap
from candle._views import storage_of
from candle.plugins import backend_of

__all__ = ["from_dlpack"]

DEVICES = {1: "cpu", 2: "cuda", 3: "cpu", 13: "cuda"}  # DLDeviceType: kDLCPU, kDLCUDA, kDLCUDAHost, kDLCUDAManaged


def from_dlpack(ext_tensor: Any, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of another library's array.

    >>> import candle, numpy
    >>> array = numpy.zeros(2)
    >>> t = candle.from_dlpack(array)
    >>> t += 1
    >>> array
    array([1., 1.])
    """
    if not hasattr(ext_tensor, "__dlpack_device__"):
        raise TypeError(f"from_dlpack: {type(ext_tensor).__name__} does not speak DLPack; use candle.tensor")
    kind, index = ext_tensor.__dlpack_device__()
    if int(kind) not in DEVICES:
        raise BufferError(
            f"from_dlpack: the memory is on a device of DLPack type {int(kind)}, which candle does not know"
        )
    name = DEVICES[int(kind)]
    backend = backend_of(name if name == "cpu" else f"{name}:{index}")
    array = backend.from_dlpack(ext_tensor)
    if array.dtype not in backend.dtypes:
        raise BufferError(f"from_dlpack: there is no candle dtype for {array.dtype}")
    result = wrap(array, backend)
    storage_of(result)  # somebody else sees this memory
    if copy is False and device is not None and backend_of(device) is not backend:
        raise ValueError(
            f"from_dlpack: going from {backend.device} to {device} needs a copy, and copy=False forbids one"
        )
    return result.to(device=device, copy=bool(copy))


@method("__dlpack__")
def to_dlpack(
    input: Tensor, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
) -> Any:
    """The capsule in which other libraries take this tensor's memory."""
    if input.requires_grad:
        raise BufferError("__dlpack__: gradients do not reach other libraries: use x.detach()")
    storage_of(input)
    given = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
    return input.current().__dlpack__(**{name: value for name, value in given.items() if value is not None})


@method("__dlpack_device__")
def dlpack_device(input: Tensor) -> Any:
    """(type, index) of the device, in DLPack's numbers."""
    return input.current().__dlpack_device__()


@method("__array_wrap__")
def array_wrap(input: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
    """What a NumPy function of tensors computed, as a tensor again."""
    from candle.ops.creation import as_tensor

    return as_tensor(array)


@method("__array_namespace__")
def array_namespace(input: Tensor, *, api_version: str | None = None) -> Any:
    """The Python array API standard's functions, for libraries that are written in those."""
    from candle import array_api

    if api_version not in (None, *array_api.VERSIONS):
        raise ValueError(
            f"__array_namespace__: version {api_version!r} is not supported, only {', '.join(array_api.VERSIONS)}"
        )
    return array_api
