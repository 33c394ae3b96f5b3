"""Models put together by calling layers on symbols."""

from __future__ import annotations

from typing import Any, NamedTuple

from candle.nn.modules._symbol import Input, Symbol, within
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter

__all__ = ["Input", "Model"]


class Place(NamedTuple):
    """Where a value is kept while the model runs."""

    number: int


class Model(Module):
    """The layers between inputs and outputs, which are symbols: as in Keras, layers are called on `Input`s.

    The layers are named "0", "1", ... in the order in which they run, as in a `Sequential`; one that is called twice
    is there once. Parameters that stand beside symbols (`x @ weight`) are the model's own "parameter0", ... A model is
    a layer, and can be called on symbols itself. A function such as `candle.cat` goes into a layer:

        class Cat(nn.Module):
            def forward(self, parts):
                return candle.cat(parts, 1)

        joined = Cat()([a, b])

    >>> import candle
    >>> from candle import nn
    >>> x = nn.Input(8)
    >>> h = nn.ReLU()(nn.Linear(8, 8)(x))
    >>> model = nn.Model(x, nn.Linear(8, 2)(h + x))
    >>> model(candle.ones(5, 8)).shape
    candle.Size([5, 2])
    >>> model
    Model(
      (0): Linear(in_features=8, out_features=8, bias=True)
      (1): ReLU()
      (2): Linear(in_features=8, out_features=2, bias=True)
    )
    """

    def __init__(self, inputs: Any, outputs: Any):
        super().__init__()
        self._inputs = [inputs] if isinstance(inputs, Symbol) else list(inputs)
        if not self._inputs or not all(isinstance(each, Input) for each in self._inputs):
            raise TypeError(f"Model: inputs must be an nn.Input or a list of them, got {inputs!r}")
        if not within(outputs):
            raise TypeError(f"Model: outputs must be what layers gave for the inputs, got {outputs!r}")
        order = _in_order(within(outputs))
        if missing := [each for each in order if isinstance(each, Input) and each not in self._inputs]:
            raise ValueError(f"Model: the outputs need {len(missing)} more nn.Input than the inputs that are given")
        calls = [each for each in order if not isinstance(each, Input)]
        found = within([outputs, *((each.args, each.kwargs) for each in calls)], Parameter)
        beside = {f"parameter{i}": each for i, each in enumerate({id(each): each for each in found}.values())}
        self._beside = list(beside)
        for name, parameter in beside.items():
            self.register_parameter(name, parameter)
        places = {id(each): Place(i) for i, each in enumerate([*self._inputs, *beside.values(), *calls])}
        names: dict[Module, str] = {}
        self._steps = []  # what to call, or the name of the layer; and on what
        for symbol in calls:
            call = symbol.call
            if isinstance(call, Module):
                call = names.setdefault(call, str(len(names)))
                self._modules[call] = symbol.call
            self._steps.append((call, _put(symbol.args, places), _put(symbol.kwargs, places)))
        self._outputs = _put(outputs, places)

    def forward(self, *inputs: Any) -> Any:
        if len(inputs) != len(self._inputs):
            raise TypeError(f"Model: expected {len(self._inputs)} inputs, got {len(inputs)}")
        for i, (symbol, x) in enumerate(zip(self._inputs, inputs)):
            symbol.check(x, i)
        values = [*inputs, *(getattr(self, name) for name in self._beside)]
        for call, args, kwargs in self._steps:
            run = self._modules[call] if isinstance(call, str) else call
            values.append(run(*_taken(args, values), **_taken(kwargs, values)))  # type: ignore[misc]
        return _taken(self._outputs, values)


def _in_order(outputs: list[Symbol]) -> list[Symbol]:
    """All symbols that the outputs are made of, each after those that it is made of."""
    found: dict[int, Symbol] = {}
    stack = [(symbol, False) for symbol in reversed(outputs)]
    while stack:
        symbol, ready = stack.pop()
        if ready:
            found.setdefault(id(symbol), symbol)
        elif id(symbol) not in found:
            stack.append((symbol, True))
            stack += [(each, False) for each in reversed([*within(symbol.args), *within(symbol.kwargs)])]
    return list(found.values())


def _put(value: Any, places: dict[int, Place]) -> Any:
    """The value with places where the symbols and the parameters were."""
    return _replaced(value, (Symbol, Parameter), lambda found: places[id(found)])


def _taken(value: Any, values: list[Any]) -> Any:
    """The value with what is at the places."""
    return _replaced(value, Place, lambda place: values[place.number])


def _replaced(value: Any, kind: type | tuple[type, ...], by: Any) -> Any:
    if isinstance(value, kind):
        return by(value)
    if isinstance(value, dict):
        return {key: _replaced(each, kind, by) for key, each in value.items()}
    return type(value)(_replaced(each, kind, by) for each in value) if type(value) in (tuple, list) else value
