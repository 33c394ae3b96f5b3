"""candle: a deep-learning framework one can read in an afternoon.

    import candle

    x = candle.randn(3, requires_grad=True)
    (x * x).sum().backward()
    x.grad

The reading order is in the project's README: `tensor`, `apply`, `op`, `graph`, then any file of `ops`.
"""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)

from importlib import import_module as _import
from math import e, inf, nan, pi
from typing import Any as _Any

from candle import autograd, ops
from candle._device import Device as device
from candle._dtypes import (
    bfloat16,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from candle._dtypes import bool_ as bool
from candle._modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from candle._printing import set_printoptions
from candle._size import Size
from candle._tensor import Tensor
from candle.amp import autocast, is_autocast_enabled
from candle.ops import *  # noqa: F403
from candle.plugins import devices
from candle.random import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128
strided, contiguous_format, preserve_format = "strided", "contiguous_format", "preserve_format"

# Siblings, imported on first use: the distribution that brings each
_SIBLINGS = {
    **{"cuda": "candle-cuda", "numba": "candle-numba", "nn": "candle-nn", "optim": "candle-optim"},
    **{"datasets": "candle-data", "nlp": "candle-nlp", "models": "candle-models"},
}
_LAZY = {
    **{"func": "candle.func", "utils": "candle.utils", "testing": "candle.testing"},
    **{"array_api": "candle.array_api", "masked": "candle.masked"},
    **{"fft": "candle.fft", "linalg": "candle.linalg", "signal": "candle.signal", "special": "candle.special"},
    **dict.fromkeys(("CheckpointError", "load", "save"), "candle.serialization"),
    **{"vmap": "candle.func", "graph": "candle._picture", "explain": "candle._explanation"},
}

__all__ = [
    "Generator",
    "Size",
    "Tensor",
    "autocast",
    "autograd",
    "bfloat16",
    "bool",
    "cdouble",
    "cfloat",
    "complex128",
    "complex64",
    "device",
    "devices",
    "double",
    "dtype",
    "e",
    "enable_grad",
    "float",
    "float16",
    "float32",
    "float64",
    "get_default_dtype",
    "get_rng_state",
    "half",
    "inf",
    "inference_mode",
    "initial_seed",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_autocast_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "long",
    "manual_seed",
    "nan",
    "no_grad",
    "pi",
    "promote_types",
    "seed",
    "set_default_dtype",
    "set_grad_enabled",
    "set_printoptions",
    "set_rng_state",
    "short",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
]
__all__ += ops.__all__


def __dir__() -> list[str]:
    return [*globals(), *_LAZY]


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        module = _import(_LAZY[name])
        return module if _LAZY[name] == f"candle.{name}" else getattr(module, name)
    if name in _SIBLINGS:
        return _sibling(f"candle.{name}", _SIBLINGS[name])
    raise AttributeError(f"module 'candle' has no attribute {name!r}")


def _sibling(module: str, distribution: str) -> _Any:
    """A part of `candle` that another distribution brings, or the error that says what to install."""
    try:
        return _import(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise AttributeError(
            f"{module} is part of the distribution {distribution}, which is not installed: "
            f"install it as the README shows (pip install ./packages/candle-core ./packages/{distribution})"
        ) from None
