"""The hooks of a module: functions that run before and after its forward, and when gradients pass it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from candle import Tensor
from candle._graph import RemovableHandle
from candle.autograd import Function

__all__ = [
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]

Hook = Callable[..., Any]
CALL_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
EVERYWHERE: dict[RemovableHandle, tuple[str, Any]] = {}  # hooks of all modules: which kind, and as modules keep them


class Hooks:
    """What `Module` knows of hooks; dicts from the handle of each hook to the hook and its options."""

    _forward_pre_hooks: dict[Any, tuple[Hook, bool]]
    _forward_hooks: dict[Any, tuple[Hook, bool, bool]]
    _backward_pre_hooks: dict[Any, Hook]
    _backward_hooks: dict[Any, Hook]

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """`hook(module, args)` runs before forward and may return other args; with_kwargs it gets and returns both."""
        return _registered(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """`hook(module, args, output)` runs after forward and may return another output."""
        return _registered(self._forward_hooks, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """`hook(module, grad_output)` runs when the gradients of the outputs are known, and may return others."""
        return _registered(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """`hook(module, grad_input, grad_output)` runs when the gradients of the inputs are, and may return others."""
        return _registered(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """The older name of `register_full_backward_hook`; PyTorch showed it other grad_inputs."""
        warnings.warn(
            "register_backward_hook is deprecated: use register_full_backward_hook, as which it runs; "
            "grad_input holds the gradients of forward's arguments, and of nothing else",
            FutureWarning,
            stacklevel=2,
        )
        return self.register_full_backward_hook(hook)

    def _call_impl(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """forward between its hooks."""
        output, called = None, set()
        try:
            for _, (hook, with_kwargs) in _hooks(self, "_forward_pre_hooks"):
                given = hook(self, args, kwargs) if with_kwargs else hook(self, args)
                if given is not None and with_kwargs:
                    if not (isinstance(given, tuple) and len(given) == 2):
                        raise RuntimeError(f"a forward pre-hook must return None or (args, kwargs), got {given}")
                    args, kwargs = given
                elif given is not None:
                    args = given if isinstance(given, tuple) else (given,)
            passage = _Passage(self)
            args = passage.entered(args)
            output = self.forward(*args, **kwargs)  # type: ignore[attr-defined]
            for handle, (hook, with_kwargs, _) in _hooks(self, "_forward_hooks"):
                called.add(handle)
                given = hook(self, args, kwargs, output) if with_kwargs else hook(self, args, output)
                output = output if given is None else given
            return passage.left(output)
        except BaseException:
            for handle, (hook, with_kwargs, always) in _hooks(self, "_forward_hooks"):
                if always and handle not in called:
                    hook(self, args, kwargs, output) if with_kwargs else hook(self, args, output)
            raise


def _hooks(module: Any, kind: str) -> list[tuple[RemovableHandle, Any]]:
    everywhere = [(handle, hook) for handle, (its_kind, hook) in EVERYWHERE.items() if its_kind == kind]
    return [*everywhere, *vars(module)[kind].items()]


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """`register_forward_pre_hook` for all modules at once."""
    return RemovableHandle(EVERYWHERE, ("_forward_pre_hooks", (hook, False)))


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """`register_forward_hook` for all modules at once."""
    return RemovableHandle(EVERYWHERE, ("_forward_hooks", (hook, with_kwargs, always_call)))


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """`register_full_backward_pre_hook` for all modules at once."""
    return RemovableHandle(EVERYWHERE, ("_backward_pre_hooks", hook))


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """`register_full_backward_hook` for all modules at once."""
    return RemovableHandle(EVERYWHERE, ("_backward_hooks", hook))


def _registered(hooks: dict[Any, Any], hook: Any, prepend: bool) -> RemovableHandle:
    before = dict(hooks)
    handle = RemovableHandle(hooks, hook)
    if prepend:
        for each in before:
            hooks[each] = hooks.pop(each)
    return handle


class _Gate(Function):
    """Tensors as they are; their gradients are shown to `watch` on the way back, all at once.

    One that there is not is shown as zeros where they are filled in, and else as None.
    """

    @staticmethod
    def forward(ctx: Any, watch: Any, fill: bool, *tensors: Tensor) -> Any:
        ctx.watch = watch
        ctx.set_materialize_grads(fill)
        passed = tuple(t.view_as(t) for t in tensors)
        ctx.mark_non_differentiable(*(x for x, t in zip(passed, tensors, strict=True) if not t.requires_grad))
        return passed

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        return None, None, *ctx.watch(grads)


class _Passage:
    """One call of a module with backward hooks: a gate for gradients where it is entered, and one where it is left."""

    def __init__(self, module: Any):
        self.module = module
        self.before = [hook for _, hook in _hooks(module, "_backward_pre_hooks")]
        self.after = [hook for _, hook in _hooks(module, "_backward_hooks")]
        self.arrived: Any = None  # the gradients of the outputs, until those of the inputs are there

    def entered(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments behind their gate."""
        through: tuple[Any, ...] = self._gated(args, self._of_inputs, fill=True)
        self.inputs, self.inputs_tell = len(args), through is not args
        return through

    def left(self, output: Any) -> Any:
        """The output behind its gate."""
        if isinstance(output, tuple):
            return self._gated(output, self._of_outputs, fill=False)
        if (self.before or self.after) and not isinstance(output, Tensor):
            warnings.warn(
                f"{type(self.module).__name__} returned {type(output).__name__}: "
                f"its backward hooks run only where the output is a Tensor or a tuple of Tensors",
                stacklevel=4,
            )
        return self._gated((output,), self._of_outputs, fill=False)[0]

    def _gated(self, values: Any, watch: Any, fill: bool) -> Any:
        places = [i for i, x in enumerate(values) if isinstance(x, Tensor)]
        if not (self.before or self.after) or not any(values[i].requires_grad for i in places):
            return values

        def watched(grads: tuple[Any, ...]) -> tuple[Any, ...]:
            told = watch(_filled([None] * len(values), places, grads))
            return tuple(told[i] for i in places)

        through = _filled(list(values), places, _Gate.apply(watched, fill, *(values[i] for i in places)))
        return type(values)(*through) if hasattr(values, "_fields") else through

    def _of_outputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.before:
            grads = _changed(grads, hook(self.module, grads))
        self.arrived = grads
        if not self.inputs_tell:  # nothing will pass the other gate
            self._of_inputs((None,) * self.inputs)
        return grads

    def _of_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.arrived is None:  # they did not come through the outputs
            return grads
        for hook in self.after:
            grads = _changed(grads, hook(self.module, grads, self.arrived))
        self.arrived = None
        return grads


def _changed(grads: tuple[Any, ...], by_hook: Any) -> tuple[Any, ...]:
    if by_hook is None:
        return grads
    given = by_hook if isinstance(by_hook, tuple) else (by_hook,)
    if len(given) != len(grads):
        raise RuntimeError(f"a backward hook was shown {len(grads)} gradients and returned {len(given)}")
    return given


def _filled(values: list[Any], places: list[int], by: Any) -> tuple[Any, ...]:
    for i, x in zip(places, by, strict=True):
        values[i] = x
    return tuple(values)
