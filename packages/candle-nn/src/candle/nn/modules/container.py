"""Modules made of modules in order, in lists and in dicts; and parameters in the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any, TypeVar

from candle import Tensor
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]

S = TypeVar("S", bound="Listed")


class Listed(Module):
    """Modules named "0", "1", ...: what Sequential and ModuleList have in common."""

    def _place(self, i: int) -> str:
        i, size = i.__index__(), len(self)
        if not -size <= i < size:
            raise IndexError(f"index {i} is out of range for {size} modules")
        return next(islice(self._modules, i % size, None))

    def _renumber(self, modules: list[Any]) -> None:
        self._modules.clear()
        self._modules.update((str(i), module) for i, module in enumerate(modules))

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            part = list(self._modules.items())[i]
            return type(self)(OrderedDict(part)) if isinstance(self, Sequential) else type(self)(m for _, m in part)  # type: ignore[call-arg]
        return self._modules[self._place(i)]

    def __setitem__(self, i: int, module: Module) -> None:
        self._modules[self._place(i)] = module

    def __delitem__(self, i: Any) -> None:
        modules = list(self._modules.values())
        del modules[i]
        self._renumber(modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())  # type: ignore[arg-type]

    def append(self: S, module: Module) -> S:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self: S, modules: Iterable[Module]) -> S:
        """Add several at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self: S, index: int, module: Module) -> S:
        """Add a module before another."""
        if not isinstance(module, Module):
            raise TypeError(f"insert: expected a Module, got {type(module).__name__}")
        modules = list(self._modules.values())
        if not -len(modules) <= index <= len(modules):
            raise IndexError(f"index {index} is out of range for {len(modules)} modules")
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key: int) -> Module:
        """Take a module out."""
        module = self[key]
        del self[key]
        return module  # type: ignore[no-any-return]

    def __iadd__(self: S, modules: Iterable[Module]) -> S:
        return self.extend(modules)


class Sequential(Listed):
    """Modules one after the other, each on what the one before gave.

    >>> import candle
    >>> candle.nn.Sequential(candle.nn.Linear(2, 3), candle.nn.ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *modules: Any):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            self.extend(modules)

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *other)

    def __mul__(self, times: int) -> Sequential:
        return Sequential(*(list(self) * times))

    __rmul__ = __mul__


class ModuleList(Listed):
    """Modules in a list; it has no forward of its own."""

    def __init__(self, modules: Iterable[Module] = ()):
        super().__init__()
        self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        """Neighbours that look the same are shown once, with how many they are."""
        lines, first = [], 0
        for told, alike in groupby(map(repr, self)):
            count = len(list(alike))
            name = f"({first}): " if count == 1 else f"({first}-{first + count - 1}): {count} x "
            lines.append(f"\n{name}{told}".replace("\n", "\n  "))
            first += count
        return f"{type(self).__name__}({''.join(lines)}\n)" if lines else f"{type(self).__name__}()"


class ModuleDict(Module):
    """Modules in a dict; it has no forward of its own."""

    def __init__(self, modules: Any = None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]  # type: ignore[return-value]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take a module out."""
        return self._modules.pop(key)  # type: ignore[return-value]

    def keys(self) -> Any:
        """The names."""
        return self._modules.keys()

    def items(self) -> Any:
        """Names and modules."""
        return self._modules.items()

    def values(self) -> Any:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add the modules of a dict, or of pairs."""
        for key, module in modules.items() if hasattr(modules, "items") else modules:
            self[key] = module


class ParameterList(Module):
    """Parameters in a list; other tensors that are assigned to it become parameters."""

    def __init__(self, values: Iterable[Any] = ()):
        super().__init__()
        self._size = 0
        self.extend(values)

    def _place(self, i: int) -> str:
        if not -self._size <= i < self._size:
            raise IndexError(f"index {i} is out of range for {self._size} parameters")
        return str(i % self._size)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return ParameterList(self[j] for j in range(*i.indices(self._size)))
        return getattr(self, self._place(i))

    def __setitem__(self, i: int, value: Any) -> None:
        setattr(self, self._place(i), _parameter(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(self._size))

    def append(self, value: Any) -> ParameterList:
        """Add one at the end."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add several at the end."""
        for value in values:
            self.append(value)
        return self

    __iadd__ = extend

    def extra_repr(self) -> str:
        return "\n".join(f"({i}): {_told(value)}" for i, value in enumerate(self))


class ParameterDict(Module):
    """Parameters in a dict; other tensors that are assigned to it become parameters."""

    def __init__(self, parameters: Any = None):
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._keys[key] = None
        setattr(self, key, _parameter(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def keys(self) -> Any:
        """The names."""
        return self._keys.keys()

    def items(self) -> Any:
        """Names and parameters."""
        return [(key, self[key]) for key in self._keys]

    def values(self) -> Any:
        """The parameters."""
        return [self[key] for key in self._keys]

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter, or a default."""
        return self[key] if key in self else default  # noqa: SIM401 (get is this)

    def pop(self, key: str) -> Any:
        """Take one out."""
        value = self[key]
        del self[key]
        return value

    def update(self, parameters: Any) -> None:
        """Add those of a dict, or of pairs."""
        for key, value in parameters.items() if hasattr(parameters, "items") else parameters:
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(f"({key}): {_told(value)}" for key, value in self.items())


def _parameter(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _told(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    return f"{type(value).__name__} containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}]"
