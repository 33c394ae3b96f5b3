"""Switches of the current thread: gradients on or off, and the rarer ones.

The door asks `state.grad` only for inputs that carry gradients, and looks at the other switches
only while `special.count` says that somebody, somewhere, has turned one on.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class _State(threading.local):
    grad = True
    inference = False
    anomaly: Any = False  # or "check", or "trace"
    autocast: Any = None  # (device type, dtype) or None
    devices: tuple[Any, ...] = ()  # where tensors are made, inside `with candle.device(...)`: in the last of these
    vmaps: tuple[Any, ...] = ()  # the levels of vmap that are running, the outermost first
    pack: Any = None  # what saves arrays for backward: pack(payload) -> unpack()


class _Special:
    count = 0
    inference = False  # is there any tensor made in inference mode?
    lock = threading.Lock()

    def add(self, n: int) -> None:
        with self.lock:
            self.count += n


state = _State()
special = _Special()


class Switch:
    """A context manager and decorator that sets fields of `state` and puts them back."""

    rare = True  # must the door look for it?

    def __init__(self, **fields: Any):
        self.fields, self.before = fields, list[dict[str, Any]]()

    def __enter__(self) -> Any:
        self.before.append({name: getattr(state, name) for name in self.fields})
        vars(state).update(self.fields)
        if self.rare:
            special.add(1)
        return self

    def __exit__(self, *error: object) -> None:
        if self.rare:
            special.add(-1)
        vars(state).update(self.before.pop())

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._afresh():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]

    def _afresh(self) -> Switch:
        """The same for one call: several threads may be inside the function, and each has its own `before`."""
        again: Switch = object.__new__(type(self))
        vars(again).update(vars(self), before=[])
        return again

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The switch holds while the generator runs, not while its user does."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            resume: Callable[[], Any] = functools.partial(next, generator)
            while True:
                try:
                    with self._afresh():
                        item = resume()
                except StopIteration as stop:
                    return stop.value
                try:
                    resume = functools.partial(generator.send, (yield item))
                except GeneratorExit:
                    with self._afresh():
                        generator.close()
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.throw, error)

        return wrapped


class _Bare(Switch):
    """A switch that decorates with and without parentheses."""

    def __new__(cls, function: Any = None) -> Any:
        return cls()(function) if callable(function) else super().__new__(cls)


class no_grad(_Bare):
    """Inside, nothing is recorded for backward.

    >>> import candle
    >>> x = candle.ones(2, requires_grad=True)
    >>> with candle.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    rare = False

    def __init__(self) -> None:
        super().__init__(grad=False)


class enable_grad(_Bare):
    """Inside, operations are recorded again, also within a `no_grad`."""

    rare = False

    def __init__(self) -> None:
        super().__init__(grad=True)


class set_grad_enabled(Switch):
    """`set_grad_enabled(False)` acts at once; as a context manager it is undone at the end."""

    rare = False

    def __init__(self, mode: bool):
        super().__init__(grad=bool(mode))
        self._at_call = state.grad
        state.grad = bool(mode)

    def __enter__(self) -> Any:
        state.grad = self._at_call
        return super().__enter__()

    def __call__(self, function: F) -> F:
        state.grad = self._at_call
        return super().__call__(function)


class inference_mode(_Bare):
    """`no_grad`, and what is made inside can never take part in a backward pass."""

    def __init__(self, mode: bool = True):
        super().__init__(grad=False, inference=True) if mode else super().__init__(grad=True, inference=False)


def is_grad_enabled() -> bool:
    """Whether operations of this thread are recorded."""
    return state.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return state.inference
