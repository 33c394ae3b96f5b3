"""The hooks of a module: functions that run before and after its forward, and when gradients pass it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from candle import Tensor
from candle._graph import RemovableHandle
from candle.autograd import Function

Hook = Callable[..., Any]


class Hooks:
    """What `Module` knows of hooks; dicts from the handle of each hook to the hook and its options."""

    _before: dict[Any, tuple[Hook, bool]]
    _after: dict[Any, tuple[Hook, bool, bool]]
    _grads_before: dict[Any, Hook]
    _grads_after: dict[Any, Hook]

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """`hook(module, args)` runs before forward and may return other args; with_kwargs it gets and returns both."""
        return _registered(self._before, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """`hook(module, args, output)` runs after forward and may return another output."""
        return _registered(self._after, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """`hook(module, grad_output)` runs when the gradients of the outputs are known, and may return others."""
        return _registered(self._grads_before, hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """`hook(module, grad_input, grad_output)` runs when the gradients of the inputs are, and may return others."""
        return _registered(self._grads_after, hook, prepend)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """forward between its hooks."""
        for hook, with_kwargs in list(self._before.values()):
            given = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if given is not None and with_kwargs:
                args, kwargs = given
            elif given is not None:
                args = given if isinstance(given, tuple) else (given,)
        output, called = None, set()
        try:
            if self._grads_before or self._grads_after:
                output = _between(self, args, kwargs)
            else:
                output = self.forward(*args, **kwargs)  # type: ignore[attr-defined]
            for handle, (hook, with_kwargs, _) in list(self._after.items()):
                called.add(handle)
                given = hook(self, args, kwargs, output) if with_kwargs else hook(self, args, output)
                output = output if given is None else given
        except BaseException:
            for handle, (hook, with_kwargs, always) in list(self._after.items()):
                if always and handle not in called:
                    hook(self, args, kwargs, output) if with_kwargs else hook(self, args, output)
            raise
        return output


def _registered(hooks: dict[Any, Any], hook: Any, prepend: bool) -> RemovableHandle:
    before = dict(hooks)
    handle = RemovableHandle(hooks, hook)
    if prepend:
        for each in before:
            hooks[each] = hooks.pop(each)
    return handle


class _Gate(Function):
    """Tensors as they are; their gradients are shown to `watch` on the way back, all at once."""

    @staticmethod
    def forward(ctx: Any, watch: Any, *tensors: Tensor) -> Any:
        ctx.watch = watch
        return tuple(t.view_as(t) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return None, *ctx.watch(grads)


def _between(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """forward, with a gate for gradients at either end."""
    arrived: list[Any] = [()]

    def left(grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in list(module._grads_before.values()):
            given = hook(module, grads)
            grads = grads if given is None else given if isinstance(given, tuple) else (given,)
        arrived[0] = grads
        if not inputs:  # nothing will pass the other gate
            passed((None,) * len(args))
        return grads

    def passed(grads: tuple[Any, ...]) -> tuple[Any, ...]:
        told = list(grads)
        for hook in list(module._grads_after.values()):
            given = hook(module, tuple(told), arrived[0])
            told = told if given is None else list(given) if isinstance(given, tuple) else [given]
        return tuple(told)

    inputs = [i for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
    gated = list(args)
    if inputs:
        everywhere = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        through = _Gate.apply(passed, *(args[i] for i in everywhere))
        for i, x in zip(everywhere, through, strict=True):
            gated[i] = x
    output = module.forward(*gated, **kwargs)
    several = isinstance(output, tuple)
    outs = list(output) if several else [output]
    tensors = [i for i, x in enumerate(outs) if isinstance(x, Tensor)]
    if any(outs[i].requires_grad for i in tensors):
        for i, x in zip(tensors, _Gate.apply(left, *(outs[i] for i in tensors)), strict=True):
            outs[i] = x
    return tuple(outs) if several else outs[0]
