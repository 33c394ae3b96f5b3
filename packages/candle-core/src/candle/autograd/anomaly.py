"""Anomaly mode: stop at the operation that made the first nan, and say where it stands in the program."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from candle._modes import Switch, state
from candle._tensor import Tensor
from candle.op import Op

if TYPE_CHECKING:
    from candle._graph import Node

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class detect_anomaly(Switch):
    """Inside, an operation that makes a nan out of numbers raises, forward or backward.

    >>> import candle
    >>> with candle.autograd.detect_anomaly():
    ...     candle.tensor(-1.0).sqrt()
    Traceback (most recent call last):
        ...
    RuntimeError: sqrt made the first nan, from x: () float32 between -1 and -1, at <doctest ...>:2
    """

    def __init__(self, check_nan: bool = True):
        super().__init__(anomaly="check" if check_nan else "trace")


class set_detect_anomaly(detect_anomaly):
    """`detect_anomaly` by a flag: acts at once; as a context manager it is undone at the end."""

    def __init__(self, mode: bool, check_nan: bool = True):
        Switch.__init__(self, anomaly=("check" if check_nan else "trace") if mode else False)
        Switch.__enter__(self)
        self._at_once = True

    def __enter__(self) -> Any:
        if self._at_once:
            self._at_once = False
            return self
        return super().__enter__()


def is_anomaly_enabled() -> bool:
    """Whether this thread is inside `detect_anomaly`."""
    return bool(state.anomaly)


def user_line() -> str:
    """The innermost line of the program that is not candle's."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return "an unknown line" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _has_nan(backend: Any, array: Any) -> bool:
    if backend.level:  # of vmap, around a tensor
        return _has_nan(array.value._backend, array.value._array)
    return array.dtype in backend.inexact and bool(backend.xp.any(backend.xp.isnan(array)))


def check_forward(op: type[Op], inputs: Any, result: Any) -> None:
    if state.anomaly != "check":
        return
    given = [(i, t) for i, t in enumerate(inputs) if isinstance(t, Tensor)]
    results = result if isinstance(result, tuple) else (result,)
    if any(_has_nan(t._backend, t._array) for t in results) and not any(
        _has_nan(t._backend, t._array) for _, t in given
    ):
        told = ", ".join(f"{op.input_name(i)}: {_describe(t)}" for i, t in given)
        raise RuntimeError(f"{op.name} made the first nan, from {told}, at {user_line()}")


def _describe(t: Tensor) -> str:
    text = f"{tuple(t.shape)} {t.dtype.name}"
    if t.numel() and t.dtype.is_floating_point and not t._backend.level:
        xp, array = t._backend.xp, t.current()
        text += f" between {float(xp.min(array)):.3g} and {float(xp.max(array)):.3g}"
    return text


def check_backward(node: Node, grads: list[Any], results: list[Any]) -> None:
    if state.anomaly != "check":
        return

    def bad(g: Any) -> bool:
        return g is not None and _has_nan(node.backend, g._array if isinstance(g, Tensor) else g)

    if any(map(bad, results)) and not any(map(bad, grads)):
        names = ", ".join(node.op.input_name(i) for i, g in enumerate(results) if bad(g))
        at = f", recorded at {node.where}" if node.where else ""
        raise RuntimeError(f"{node.name()} made the first nan of this backward, in the gradient of {names}{at}")
