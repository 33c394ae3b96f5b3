"""Modules made of modules: in order, in lists and in dicts."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any, TypeVar

from candle.nn.modules.module import Module

__all__ = ["ModuleDict", "ModuleList", "Sequential"]

S = TypeVar("S", bound="Listed")


class Listed(Module):
    """Modules named "0", "1", ...: what Sequential and ModuleList have in common."""

    def _place(self, i: int) -> str:
        i, size = operator.index(i), len(self)
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
        setattr(self, self._place(i), module)

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
        if operator.index(times) < 1:
            raise ValueError(f"a Sequential can be repeated once or more, not {times} times")
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
