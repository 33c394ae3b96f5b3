"""Settings of the program: threads, and what PyTorch can be told and candle does anyway."""

from __future__ import annotations

import ctypes
import functools
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

from candle._device import Device
from candle.plugins import registry

__all__ = [
    "are_deterministic_algorithms_enabled",
    "compile",
    "get_default_device",
    "get_float32_matmul_precision",
    "get_num_threads",
    "set_default_device",
    "set_float32_matmul_precision",
    "set_num_threads",
    "use_deterministic_algorithms",
]

PRECISIONS = ("highest", "high", "medium")
_chosen: dict[str, Any] = {"precision": "highest", "deterministic": False}


def compile(model: Any = None, **options: Any) -> Any:
    """The function or module itself, whatever the options: candle is eager, and its kernels come compiled.

    >>> import candle
    >>> @candle.compile(mode="max-autotune")
    ... def double(x):
    ...     return x * 2
    >>> double(candle.ones(2))
    tensor([2., 2.])
    """
    return model if model is not None else lambda function: function


def set_default_device(device: Any) -> None:
    """Where tensors are made that nobody gave a place; None is the CPU.

    >>> import candle
    >>> candle.set_default_device("cpu")
    >>> candle.get_default_device()
    device(type='cpu')
    """
    registry.default = registry.backend("cpu" if device is None else device).device


def get_default_device() -> Device:
    """Where tensors are made that nobody gave a place."""
    return registry.backend(None).device


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remembered and nothing else: on the CPU the same operations give the same numbers anyway."""
    _chosen["deterministic"] = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was told last."""
    return bool(_chosen["deterministic"])


def set_float32_matmul_precision(precision: str) -> None:
    """Remembered and nothing else: on the CPU float32 products are computed in float32."""
    if precision not in PRECISIONS:
        raise ValueError(f"set_float32_matmul_precision: expected one of {PRECISIONS}, got {precision!r}")
    _chosen["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was told last, or "highest"."""
    return str(_chosen["precision"])


def set_num_threads(n: int) -> None:
    """How many threads work on one operation: those of NumPy's matrix products, and of candle-numba's kernels.

    NumPy itself has no such switch; its OpenBLAS does, and is asked. With another library it cannot be, and a
    warning names the environment variables that it reads when Python starts.
    """
    if not isinstance(n, int) or n < 1:
        raise RuntimeError(f"set_num_threads: expected a positive integer, got {n!r}")
    if (blas := _openblas("set_num_threads")) is not None:
        blas(n)
    else:
        variables = "OMP_NUM_THREADS, MKL_NUM_THREADS or VECLIB_MAXIMUM_THREADS"
        warnings.warn(f"set_num_threads: NumPy's matrix products go on as they are; use {variables}", stacklevel=2)
    if (numba := _numba()) is not None:
        numba.set_num_threads(min(n, numba.config.NUMBA_NUM_THREADS))


def get_num_threads() -> int:
    """How many threads work on one operation: on a matrix product, where NumPy's OpenBLAS can be asked."""
    if (blas := _openblas("get_num_threads")) is not None:
        return int(blas())
    return int(numba.get_num_threads()) if (numba := _numba()) is not None else 1


@functools.cache
def _openblas(function: str) -> Callable[..., Any] | None:
    """A function of the OpenBLAS that NumPy is linked to, under any of the names that its builds give it."""
    library = ctypes.CDLL(import_module("numpy._core._multiarray_umath").__file__)
    names = (f"{prefix}openblas_{function}{suffix}" for prefix in ("scipy_", "") for suffix in ("64_", "", "_64"))
    return next((getattr(library, name) for name in names if hasattr(library, name)), None)


def _numba() -> Any:
    """Numba, where candle-numba has kernels for it."""
    if not any(plugin.name == "numba" and plugin.kernels for plugin in registry.load()):
        return None
    import numba

    return numba
