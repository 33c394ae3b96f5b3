"""Parameters in lists and in dicts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

from candle import Tensor
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter

__all__ = ["ParameterDict", "ParameterList"]


class Held(Module):
    """What ParameterList and ParameterDict have in common: it is not a layer."""

    def forward(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(f"{type(self).__name__} holds parameters and cannot be called: take them out of it")


class ParameterList(Held):
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
        if isinstance(values, Tensor):  # its rows are hardly meant
            raise TypeError("ParameterList.extend: expected several tensors, got a Tensor; use append for one")
        for value in values:
            self.append(value)
        return self

    __iadd__ = extend

    def extra_repr(self) -> str:
        return "\n".join(f"({i}): {_told(value)}" for i, value in enumerate(self))


class ParameterDict(Held):
    """Parameters in a dict; other tensors that are assigned to it become parameters.

    Those of a plain dict come in the order of their names, as PyTorch has it; those of an OrderedDict, of another
    ParameterDict and of pairs in the order they are in.
    """

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

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __or__(self, other: Any) -> ParameterDict:
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other: Any) -> ParameterDict:
        return ParameterDict(other) | self

    def __ior__(self, other: Any) -> ParameterDict:
        self.update(other)
        return self

    def copy(self) -> ParameterDict:
        """Another dict of the same parameters."""
        return ParameterDict(self.items())

    @staticmethod
    def fromkeys(keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dict that has the same under each key."""
        return ParameterDict((key, default) for key in keys)

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

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The parameter; where there is none, the default becomes it."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Take one out."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take the last one out, with its name."""
        key, _ = self._keys.popitem()
        value = getattr(self, key)
        delattr(self, key)
        return key, value

    def clear(self) -> None:
        """Take all out."""
        for key in list(self):
            del self[key]

    def update(self, parameters: Any) -> None:
        """Add those of a dict, or of pairs."""
        pairs = parameters.items() if isinstance(parameters, Mapping | ParameterDict) else parameters
        unordered = isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict)
        for key, value in sorted(pairs, key=lambda pair: pair[0]) if unordered else pairs:
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(f"({key}): {_told(value)}" for key, value in self.items())


def _parameter(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _told(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    return f"{type(value).__name__} containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}]"
