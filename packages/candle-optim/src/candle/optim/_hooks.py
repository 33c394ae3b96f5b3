"""The hooks of an optimizer: functions that run around its step, and when its state is saved or loaded."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from candle._graph import RemovableHandle

__all__ = ["register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

Hook = Callable[..., Any]
Registered = dict[Any, Hook]

_before_any: Registered = {}
_after_any: Registered = {}


def register_optimizer_step_pre_hook(hook: Hook) -> RemovableHandle:
    """`hook(optimizer, args, kwargs)` runs before each step of every optimizer, and may return other arguments."""
    return RemovableHandle(_before_any, hook)


def register_optimizer_step_post_hook(hook: Hook) -> RemovableHandle:
    """`hook(optimizer, args, kwargs)` runs after each step of every optimizer."""
    return RemovableHandle(_after_any, hook)


class Hooks:
    """What `Optimizer` knows of hooks."""

    _before_step: Registered
    _after_step: Registered
    _before_save: Registered
    _after_save: Registered
    _before_load: Registered
    _after_load: Registered

    def _no_hooks(self) -> None:
        kinds = ("_before_step", "_after_step", "_before_save", "_after_save", "_before_load", "_after_load")
        vars(self).update({kind: {} for kind in kinds})

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """`hook(optimizer, args, kwargs)` runs before each step, and may return other (args, kwargs)."""
        return RemovableHandle(self._before_step, hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """`hook(optimizer, args, kwargs)` runs after each step."""
        return RemovableHandle(self._after_step, hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer)` runs before `state_dict`."""
        return _registered(self._before_save, hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer, state_dict)` runs after `state_dict`, and may return another."""
        return _registered(self._after_save, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer, state_dict)` runs before `load_state_dict`, and may return another."""
        return _registered(self._before_load, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer)` runs after `load_state_dict`."""
        return _registered(self._after_load, hook, prepend)


def _registered(hooks: Registered, hook: Hook, prepend: bool) -> RemovableHandle:
    others = dict(hooks) if prepend else {}
    handle = RemovableHandle(hooks, hook)
    for each in others:
        hooks[each] = hooks.pop(each)
    return handle


def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """A class's `step` between the hooks; one that a subclass calls by `super().step()` runs them no second time."""

    @functools.wraps(step)
    def between(self: Any, *args: Any, **kwargs: Any) -> Any:
        if type(self).step is not between:
            return step(self, *args, **kwargs)
        for hook in (*_before_any.values(), *self._before_step.values()):
            given = hook(self, (self, *args), kwargs)
            if given is None:
                continue
            if not isinstance(given, tuple) or len(given) != 2:
                raise RuntimeError(
                    f"{type(self).__name__}.step: a pre-hook must return None or a tuple of (new_args, new_kwargs), "
                    f"but got {given}."
                )
            (_, *args), kwargs = given
        self._opt_called = True
        out = step(self, *args, **kwargs)
        for hook in (*self._after_step.values(), *_after_any.values()):
            hook(self, (self, *args), kwargs)
        return out

    return between
