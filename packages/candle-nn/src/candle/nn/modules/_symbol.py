"""What stands for a tensor while a model is put together, before there is any."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar


class Symbol:
    """An input of a model, or what a layer (or an operator) will make of other symbols.

    Calling a layer on symbols, or lists of them, gives a symbol; so do + - * / @ (beside a tensor, with the symbol on
    the left) and the indexing of what a layer gives.
    """

    made: ClassVar[bool] = False  # before there is any, layers need not look for them in their arguments

    def __init__(self, call: Any = None, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None):
        Symbol.made = True
        self.call, self.args, self.kwargs = call, args, kwargs or {}

    def __getitem__(self, key: Any) -> Symbol:
        return Symbol(operator.getitem, (self, key))

    def __iter__(self) -> Any:
        raise TypeError("a symbol does not know how many values it will have: take them by index, outputs[0]")

    def __bool__(self) -> bool:
        raise TypeError("a symbol has no value yet: a Model's graph cannot depend on one")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"a symbol has no {name!r}: it only goes through layers, operators and indexing; "
            f"what else is to be done with it needs a layer of its own"
        )

    def __neg__(self) -> Symbol:
        return Symbol(operator.neg, (self,))


def _infix(call: Callable[..., Any]) -> tuple[Any, Any]:
    return (lambda a, b: Symbol(call, (a, b))), (lambda b, a: Symbol(call, (a, b)))


for _name in ("add", "sub", "mul", "truediv", "matmul", "pow"):
    _own, _reflected = _infix(getattr(operator, _name))
    setattr(Symbol, f"__{_name}__", _own)
    setattr(Symbol, f"__r{_name}__", _reflected)


class Input(Symbol):
    """A model's input, by the shape of one example: the batch comes in front. None is any size."""

    def __init__(self, *shape: Any):
        super().__init__()
        self.shape = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape

    def check(self, x: Any, place: int) -> None:
        """Complain of a tensor that does not fit."""
        given = tuple(x.shape)
        fits = len(given) == len(self.shape) + 1 and all(n in (None, m) for n, m in zip(self.shape, given[1:]))
        if not fits:
            raise RuntimeError(f"Model: input {place} must be of shape {('N', *self.shape)}, got {given}")


def within(value: Any, kind: type = Symbol, around: tuple[int, ...] = ()) -> list[Any]:
    """The symbols (or what else) in an argument, which may be a list, a tuple or a dict of them, also around itself."""
    if isinstance(value, kind):
        return [value]
    if not isinstance(value, tuple | list | dict) or id(value) in around:
        return []
    around = (*around, id(value))
    return [
        found for each in (value.values() if isinstance(value, dict) else value) for found in within(each, kind, around)
    ]
