"""`Module`: a function with parameters, made of other modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import candle
from candle import Tensor
from candle.nn.modules._hooks import Hooks
from candle.nn.modules._state import State
from candle.nn.modules._symbol import Symbol
from candle.nn.parameter import Buffer, Parameter

__all__ = ["Module"]

M = TypeVar("M", bound="Module")
KINDS = ("_parameters", "_buffers", "_modules")


class Module(Hooks, State):
    """The base of all layers: assign parameters and modules to it, and define `forward`.

    >>> import candle
    >>> class Scale(candle.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = candle.nn.Parameter(candle.tensor(2.0))
    ...
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> Scale()(candle.ones(2))
    tensor([2., 2.], grad_fn=<MulBackward>)
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]

    def __init__(self) -> None:
        own: dict[str, Any] = {name: {} for name in (*KINDS, "_before", "_after", "_grads_before", "_grads_after")}
        vars(self).update(own, training=True, _transient=set())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass has its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward: define `def forward(self, x)`")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for each in args if not kwargs else (*args, *kwargs.values()):
            if isinstance(each, Symbol):
                return Symbol(self, args, kwargs)  # a step of a Model
        if self._before or self._after or self._grads_before or self._grads_after:
            return self._call(args, kwargs)
        return self.forward(*args, **kwargs)

    # Attributes: parameters, buffers and modules are kept apart from the others

    def __setattr__(self, name: str, value: Any) -> None:
        own = vars(self)
        if "_parameters" not in own:
            if isinstance(value, Parameter | Buffer | Module):
                raise AttributeError(f"{type(self).__name__}: call super().__init__() before assigning {name!r}")
            own[name] = value
        elif isinstance(value, Parameter):
            self._forget(name)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._forget(name)
            self._modules[name] = value
        elif isinstance(value, Buffer):
            self._forget(name)
            self.register_buffer(name, value, value.persistent)
        elif name in self._buffers and (value is None or isinstance(value, Tensor)):
            self._buffers[name] = value
        elif name in self._parameters or name in self._modules:
            if value is not None:
                kind = "a Parameter" if name in self._parameters else "a Module"
                raise TypeError(f"{type(self).__name__}.{name} is {kind} (or None), not {type(value).__name__}")
            own["_parameters" if name in self._parameters else "_modules"][name] = None
        else:
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        for kind in KINDS:
            found = vars(self).get(kind, {})
            if name in found:
                return found[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        if not self._forget(name):
            super().__delattr__(name)

    def _forget(self, name: str) -> bool:
        self._transient.discard(name)
        vars(self).pop(name, None)
        found = [kind for kind in KINDS if name in vars(self)[kind]]
        for kind in found:
            del vars(self)[kind][name]
        return bool(found)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._parameters, *self._buffers, *self._modules]

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or None to keep its place."""
        self._check_name(name, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"register_parameter: {name!r} must be a Parameter or None, got {type(param).__name__}")
        if param is not None and param.grad_fn is not None:
            raise ValueError(f"register_parameter: {name!r} was computed; a parameter must be a leaf")
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is not trained; one that is not persistent stays out of the state dict."""
        self._check_name(name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"register_buffer: {name!r} must be a Tensor or None, got {type(tensor).__name__}")
        self._buffers[name] = tensor
        (self._transient.discard if persistent else self._transient.add)(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module under a name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"add_module: {name!r} must be a Module or None, got {type(module).__name__}")
        self._check_name(name, "_modules")
        self._modules[name] = module

    register_module = add_module

    def _check_name(self, name: str, kind: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a name must be a string, got {type(name).__name__}")
        if "." in name or not name:
            raise KeyError(f'a name must not be empty or contain ".", got {name!r}')
        if name not in vars(self)[kind] and hasattr(self, name):
            raise KeyError(f"{type(self).__name__} already has an attribute {name!r}")

    # The tree

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all in it, with their paths; one that appears twice comes once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}".lstrip("."), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all in it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly in this one, with their names."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly in this one."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths; one that appears twice (tied weights) comes once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, tensor in vars(module)[kind].items():
                if tensor is not None and id(tensor) not in seen:
                    if remove_duplicate:
                        seen.add(id(tensor))
                    yield f"{path}.{name}".lstrip("."), tensor

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as "layers.0.attention"."""
        module: Any = self
        for name in target.split(".") if target else ():
            found = getattr(module, name, None)
            if not isinstance(found, Module):
                told = f"it has {', '.join(module._modules) or 'no modules'}"
                raise AttributeError(f"{type(module).__name__} has no module {name!r} (looking for {target!r}); {told}")
            module = found
        return module  # type: ignore[no-any-return]

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path."""
        return self._get(target, "_parameters")  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path."""
        return self._get(target, "_buffers")  # type: ignore[no-any-return]

    def _get(self, target: str, kind: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in vars(module)[kind]:
            told = ", ".join(vars(module)[kind]) or "none"
            raise AttributeError(f"{type(module).__name__} has no {kind[1:-1]} {name!r}; it has {told}")
        return vars(module)[kind][name]

    # All tensors at once

    def apply(self: M, fn: Callable[[Module], None]) -> M:
        """fn(module) for every module in this one, and for this one last."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _apply(self: M, fn: Callable[[Tensor], Tensor]) -> M:
        """Every parameter (with its gradient) and buffer becomes fn(it); parameters stay the same objects."""
        done: set[int] = set()
        for module in self.modules():
            for parameter in module._parameters.values():
                if parameter is not None and id(parameter) not in done:
                    done.add(id(parameter))
                    grad, parameter.grad = parameter.grad, None
                    with candle.no_grad():
                        parameter.data = fn(parameter.detach())
                        if grad is not None:
                            parameter.grad = fn(grad)
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = fn(buffer)
        return self

    def to(self: M, *args: Any, **kwargs: Any) -> M:
        """In place: all parameters and buffers to a device, and the floating-point ones to a dtype."""
        dtype = kwargs.get("dtype", next((a for a in args if isinstance(a, candle.dtype)), None))
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"Module.to: only floating-point and complex dtypes, got {dtype}")
        like = next((a for a in args if isinstance(a, Tensor)), None)
        device = kwargs.get("device", next((a for a in args if isinstance(a, str | candle.device)), None))
        if like is not None:
            dtype, device = like.dtype, like.device

        def moved(t: Tensor) -> Tensor:
            return t.to(device=device, dtype=dtype if t.is_floating_point() or t.is_complex() else None)

        return self._apply(moved)

    def cpu(self: M) -> M:
        """In place: everything to the CPU."""
        return self.to("cpu")

    def cuda(self: M, device: Any = "cuda") -> M:
        """In place: everything to a GPU."""
        return self.to(f"cuda:{device}" if isinstance(device, int) else device)

    def float(self: M) -> M:
        """In place: floating-point tensors to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self: M) -> M:
        """In place: floating-point tensors to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self: M) -> M:
        """In place: floating-point tensors to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self: M) -> M:
        """In place: floating-point tensors to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def type(self: M, dst_type: candle.dtype) -> M:
        """In place: all tensors to a dtype."""
        return self._apply(lambda t: t.to(dst_type))

    def train(self: M, mode: bool = True) -> M:
        """Training mode for this module and all in it: dropout drops, batch norm uses the batch."""
        if not isinstance(mode, bool):
            raise ValueError(f"train: mode must be a bool, got {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Evaluation mode: train(False)."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Whether the parameters are to be trained."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad = candle.zeros_like(parameter.grad)

    # How it looks

    def extra_repr(self) -> str:
        """What stands in the parentheses: the layer's own settings."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {module!r}".replace("\n", "\n  ") for name, module in self._modules.items()]
        extra = self.extra_repr().split("\n") if self.extra_repr() else []
        if not lines and len(extra) < 2:
            return f"{type(self).__name__}({''.join(extra)})"
        return f"{type(self).__name__}(\n  " + "\n  ".join([*extra, *lines]) + "\n)"
