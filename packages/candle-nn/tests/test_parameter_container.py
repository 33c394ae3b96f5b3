"""ParameterList and ParameterDict: as PyTorch's, told apart by nothing but the name."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
import torch

import candle
from candle import nn

BOTH = [(candle, nn), (torch, torch.nn)]


def filled(lib: Any, layers: Any) -> Any:
    """Three parameters, in the order z, a, m."""
    return layers.ParameterDict([(name, lib.full((1,), float(i))) for i, name in enumerate("zam")])


def shown(d: Any) -> Any:
    """What is in a ParameterDict, and what its parameters are called."""
    items = [(key, value.tolist() if hasattr(value, "tolist") else value) for key, value in d.items()]
    return type(d).__name__, items, [name for name, _ in d.named_parameters()]


@pytest.mark.parametrize(
    "look",
    [
        lambda d, lib, layers: shown(layers.ParameterDict({"z": lib.ones(1), "a": lib.zeros(1)})),
        lambda d, lib, layers: shown(layers.ParameterDict(OrderedDict(z=lib.ones(1), a=lib.zeros(1)))),
        lambda d, lib, layers: shown(layers.ParameterDict(d)),
        lambda d, lib, layers: shown(layers.ParameterDict({"z": "text", "a": lib.zeros(1)})),
        lambda d, lib, layers: (d.update({"y": lib.ones(1), "b": lib.zeros(1)}), shown(d)),
        lambda d, lib, layers: shown(d | {"y": lib.ones(1), "a": lib.ones(1)}),
        lambda d, lib, layers: shown(d | layers.ParameterDict({"b": lib.ones(1)})),
        lambda d, lib, layers: shown(layers.ParameterDict([("y", lib.ones(1)), ("a", lib.ones(1))]) | d),
        lambda d, lib, layers: shown(d.__ior__({"b": lib.ones(1)})),
        lambda d, lib, layers: (d.__ior__({"b": lib.ones(1)}) is d, shown(d)),
        lambda d, lib, layers: (list(reversed(d)), list(d)),
        lambda d, lib, layers: (shown(d.copy()), d.copy()["z"] is d["z"], d.copy() is d),
        lambda d, lib, layers: shown(d.fromkeys(["y", "b"], lib.ones(1))),
        lambda d, lib, layers: shown(d.fromkeys(["y", "b"])),
        lambda d, lib, layers: (d.popitem()[0], d.popitem()[1].tolist(), shown(d)),
        lambda d, lib, layers: (d.setdefault("z", lib.ones(1)).tolist(), shown(d)),
        lambda d, lib, layers: (d.setdefault("b", lib.ones(1)).tolist(), type(d["b"]).__name__, shown(d)),
        lambda d, lib, layers: (d.setdefault("b"), shown(d)),
        lambda d, lib, layers: (d.clear(), shown(d), len(d)),
        lambda d, lib, layers: (d.pop("a").tolist(), shown(d)),
        lambda d, lib, layers: (d.__setitem__("z", lib.ones(1)), shown(d)),
        lambda d, lib, layers: layers.ParameterList([lib.ones(1)] * 2).__setitem__(0, lib.zeros(1)),
    ],
)
def test_a_dict_of_parameters(look: Any) -> None:
    mine, theirs = (look(filled(lib, layers), lib, layers) for lib, layers in BOTH)
    assert mine == theirs


def test_a_plain_dict_may_come_first() -> None:
    mixed = {"y": candle.ones(1)} | filled(candle, nn)
    assert shown(mixed) == shown(nn.ParameterDict([("y", candle.ones(1))]) | filled(candle, nn))


def test_a_parameter_set_again_keeps_its_place() -> None:
    orders = []
    for lib, layers in BOTH:
        held = layers.ParameterList([lib.full((1,), float(i)) for i in range(3)])
        held[0] = lib.full((1,), 9.0)
        orders.append([p.tolist() for p in held.parameters()])
    assert orders[0] == orders[1]


@pytest.mark.parametrize("kind", ["ParameterList", "ParameterDict"])
def test_they_are_not_layers(kind: str) -> None:
    for lib, layers in BOTH:
        with pytest.raises(RuntimeError, match="called"):
            getattr(layers, kind)()(lib.ones(1))


def test_what_is_not_there() -> None:
    for layers in (nn, torch.nn):
        with pytest.raises(KeyError):
            layers.ParameterDict().popitem()
