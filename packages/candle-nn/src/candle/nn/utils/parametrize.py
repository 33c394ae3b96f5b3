"""Parameters that are computed from others: `layer.weight` becomes f(the original weight), anew at every access."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import candle
from candle import Tensor
from candle.nn.modules.container import ModuleDict, ModuleList
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "type_before_parametrizations",
]

_cache: dict[tuple[int, str], Tensor] | None = None


@contextmanager
def cached() -> Iterator[None]:
    """Inside, a parametrized tensor is computed once and then remembered."""
    global _cache
    before, _cache = _cache, {} if _cache is None else _cache
    try:
        yield
    finally:
        _cache = before


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, first to last, and what the first is given.

    That is `original`, or where its right_inverse returns several tensors `original0`, `original1`, ...
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False):
        if not modules:
            raise ValueError("ParametrizationList: needs a parametrization at least")
        super().__init__(modules)
        self.unsafe = unsafe
        new: Any = original
        with candle.no_grad():
            for module in reversed(list(self)):
                try:
                    new = _right_inverse(module)(new)
                except NotImplementedError:
                    continue
        if not isinstance(new, Tensor | Sequence):
            raise ValueError(f"right_inverse must return a Tensor or a sequence of them, got {type(new).__name__}")
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            _check("right_inverse", original, new, dtype_only=True)
            if new is not original:
                original.data = new.detach()
            _hold(self, "original", original)
        else:
            for i, each in enumerate(new):
                wanted = original.requires_grad
                tensor = each.detach().clone()
                _hold(self, f"original{i}", Parameter(tensor, wanted) if isinstance(original, Parameter) else tensor)
        if not unsafe:
            _check("a parametrization", original, self())

    def originals(self) -> list[Tensor]:
        """What the first parametrization is given."""
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    def forward(self) -> Tensor:
        first, *others = self
        x = first(*self.originals())
        for module in others:
            x = module(x)
        return x  # type: ignore[no-any-return]

    @candle.no_grad()
    def right_inverse(self, value: Any) -> None:
        """Set the originals so that the result is `value`: what `layer.weight = value` does."""
        for module in reversed(list(self)):
            try:
                value = _right_inverse(module)(value)
            except NotImplementedError as error:
                raise RuntimeError(str(error)) from None
        values = [value] if self.is_tensor else list(value)
        if len(values) != self.ntensors:
            raise ValueError(f"right_inverse must return {self.ntensors} tensors, got {len(values)}")
        for original, new in zip(self.originals(), values, strict=True):
            _check("right_inverse", original, new, dtype_only=True)
            original.data = new.detach()


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make `module.<tensor_name>` the result of `parametrization`; a second one is applied to the first's result.

    The parametrization may have a `right_inverse(value)`: what to begin with so that the result is `value`.
    `unsafe` lets it change shape and dtype.

    >>> import candle
    >>> class Symmetric(candle.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = register_parametrization(candle.nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            now = getattr(module, tensor_name)
            _check("a parametrization", now, parametrization(now))
        module.parametrizations[tensor_name].append(parametrization)
        module.parametrizations[tensor_name].unsafe |= unsafe
    elif tensor_name in module._parameters or tensor_name in module._buffers:
        made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            cls = type(module)
            own = {"__deepcopy__": _deepcopy, "__reduce_ex__": _refuse_pickling}
            module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), own)
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _property(tensor_name))
        module.parametrizations[tensor_name] = made
    else:
        raise ValueError(
            f"register_parametrization: {type(module).__name__} has no parameter, buffer or parametrized tensor "
            f"named {tensor_name!r}"
        )
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of the module (or, without a name, any) is parametrized."""
    found = module._modules.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a tensor plain again: with its present value, or with leave_parametrized=False the original's."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"remove_parametrizations: {tensor_name!r} of {type(module).__name__} is not parametrized")
    parametrizations = module.parametrizations[tensor_name]
    if not leave_parametrized and not parametrizations.is_tensor:
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} comes from {parametrizations.ntensors} tensors, "
            f"so there is no original to go back to; use leave_parametrized=True"
        )
    with candle.no_grad():
        value = getattr(module, tensor_name)
    first = parametrizations.originals()[0]
    tensor = first
    if not parametrizations.is_tensor:
        tensor = Parameter(value.detach(), first.requires_grad) if isinstance(first, Parameter) else value
    elif leave_parametrized:
        first.data = value.detach()
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type_before_parametrizations(module)
    _hold(module, tensor_name, tensor)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The module's own class: parametrizing one makes it an instance of a subclass."""
    cls = type(module)
    return cls.__bases__[0] if cls.__dict__.get("__deepcopy__") is _deepcopy else cls


def _property(tensor_name: str) -> property:
    def get(module: Module) -> Tensor:
        parametrization = module.parametrizations[tensor_name]
        if _cache is None:
            return parametrization()  # type: ignore[no-any-return]
        key = (id(module), tensor_name)
        if key not in _cache:
            _cache[key] = parametrization()
        return _cache[key]

    def put(module: Module, value: Tensor) -> None:
        module.parametrizations[tensor_name].right_inverse(value)

    return property(get, put)


def _right_inverse(module: Module) -> Any:
    found = getattr(module, "right_inverse", None)
    if found is None:
        raise NotImplementedError(f"the parametrization {type(module).__name__} has no right_inverse")
    return found


def _hold(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check(who: str, old: Tensor, new: Any, dtype_only: bool = False) -> None:
    if not isinstance(new, Tensor):
        raise ValueError(f"{who} must return a tensor, got {type(new).__name__}")
    if new.dtype != old.dtype:
        raise ValueError(f"{who} may not change the dtype, from {old.dtype} to {new.dtype}, unless unsafe=True")
    if not dtype_only and new.shape != old.shape:
        told = f"from {tuple(old.shape)} to {tuple(new.shape)}"
        raise ValueError(f"{who} may not change the shape, {told}, unless unsafe=True")


def _deepcopy(module: Module, memo: dict[int, Any]) -> Module:
    replica = memo[id(module)] = module.__new__(type(module))
    vars(replica).update(copy.deepcopy(vars(module), memo))
    return replica


def _refuse_pickling(module: Module, protocol: Any) -> Any:
    raise RuntimeError(f"{type(module).__name__}: save a parametrized module by its state_dict()")
