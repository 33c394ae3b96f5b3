"""`Module`: a function with parameters, made of other modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import candle
from candle import Tensor
from candle.nn.modules._hooks import *  # noqa: F403 (register_module_...: this is where PyTorch has them)
from candle.nn.modules._hooks import CALL_HOOKS, EVERYWHERE, Hooks
from candle.nn.modules._moving import Moving
from candle.nn.modules._state import STATE_HOOKS, State
from candle.nn.modules._symbol import Symbol, within
from candle.nn.parameter import Buffer, Parameter

__all__ = ["Module"]

M = TypeVar("M", bound="Module")
KINDS = {"_parameters": "a Parameter", "_buffers": "a Tensor", "_modules": "a Module"}


class Module(Hooks, State, Moving):
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
        own: dict[str, Any] = {name: {} for name in (*KINDS, *CALL_HOOKS, *STATE_HOOKS)}
        vars(self).update(own, training=True, _non_persistent_buffers_set=set())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass has its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward: define `def forward(self, x)`")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if Symbol.made:
            for each in args if not kwargs else (*args, *kwargs.values()):
                if type(each) is not Tensor and within(each):
                    return Symbol(self, args, kwargs)  # a step of a Model
        hooked = self._forward_pre_hooks or self._forward_hooks or self._backward_pre_hooks or self._backward_hooks
        if hooked or EVERYWHERE:
            return self._call_impl(args, kwargs)
        return self.forward(*args, **kwargs)

    # Attributes: parameters, buffers and modules are kept apart from the others

    def __setattr__(self, name: str, value: Any) -> None:
        own = vars(self)
        if "_parameters" not in own:
            if isinstance(value, Parameter | Buffer | Module):
                raise AttributeError(f"{type(self).__name__}: call super().__init__() before assigning {name!r}")
            own[name] = value
        elif isinstance(value, Parameter):
            self._forget(name, keep="_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._forget(name, keep="_modules")
            self._modules[name] = value
        elif isinstance(value, Buffer):
            self._forget(name, keep="_buffers")
            self.register_buffer(name, value, value.persistent)
        elif kind := next((kind for kind in KINDS if name in own[kind]), None):
            if value is not None and not (kind == "_buffers" and isinstance(value, Tensor)):
                raise TypeError(f"{type(self).__name__}.{name} is {KINDS[kind]} (or None), not {type(value).__name__}")
            own[kind][name] = value
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

    def _forget(self, name: str, keep: str = "") -> bool:
        """Drop what has the name, but for one kind: what is assigned again keeps its place."""
        self._non_persistent_buffers_set.discard(name)
        homes = [vars(self), *(vars(self)[kind] for kind in KINDS if kind != keep)]
        found = [home for home in homes if name in home]
        for home in found:
            del home[name]
        return bool(found)

    def __dir__(self) -> list[str]:
        names = [*super().__dir__(), *self._parameters, *self._buffers, *self._modules]
        return [name for name in names if name.isidentifier()]

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
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

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
        if kind not in vars(self):
            raise AttributeError(f"{type(self).__name__}: call super().__init__() before registering {name!r}")
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

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all in it."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

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
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named_members(
        self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
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

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a path; with `strict` there has to be one."""
        path, _, name = target.rpartition(".")
        if not name or not isinstance(module, Module):
            raise ValueError(f"set_submodule: needs a path and a Module, got {target!r} and {type(module).__name__}")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            parent.get_submodule(name)  # raises where there is none
        setattr(parent, name, module)

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

    def train(self: M, mode: bool = True) -> M:
        """Training mode for this module and all in it: dropout drops, batch norm uses the batch."""
        if not isinstance(mode, bool):
            raise ValueError(f"train: mode must be a bool, got {mode!r}")
        self.training = mode
        for child in self.children():
            child.train(mode)
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

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: there is nothing to compile, as in `candle.compile`."""

    # How it looks

    def extra_repr(self) -> str:
        """What stands in the parentheses: the layer's own settings."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        lines = [f"({name}): {module!r}".replace("\n", "\n  ") for name, module in self._modules.items()]
        extra = self.extra_repr().split("\n") if self.extra_repr() else []
        if not lines and len(extra) < 2:
            return f"{self._get_name()}({''.join(extra)})"
        return f"{self._get_name()}(\n  " + "\n  ".join([*extra, *lines]) + "\n)"
