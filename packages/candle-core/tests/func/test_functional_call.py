"""`functional_call`, on objects that have what a module has: `_parameters`, `_buffers` and children."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import candle
from candle.func import functional_call

from .trees import assert_same_tree, candles


class Module:
    """As little of nn.Module as functional_call needs."""

    def __init__(self, parameters: dict[str, Any], buffers: dict[str, Any] | None = None, **children: Any):
        self._parameters, self._buffers, self._modules = parameters, buffers or {}, children

    def __getattr__(self, name: str) -> Any:
        for table in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(table, {}):
                return self.__dict__[table][name]
        raise AttributeError(name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)


class Linear(Module):
    def forward(self, x: Any, scale: float = 1.0) -> Any:
        return (x @ self.weight.T + self.bias) * scale


class Counting(Module):
    """Writes its running statistic by name, as batch norm does."""

    def forward(self, x: Any) -> Any:
        self._buffers["seen"] = self.seen + 1
        return x * self.weight + self.seen


class Stack(Module):
    def forward(self, x: Any) -> Any:
        return self.last(self.first(x).tanh())


class Layers(Module):
    """Children by number, as in nn.Sequential: named "0", "1" in paths."""

    def __init__(self, *layers: Module):
        super().__init__({}, None, **{str(i): layer for i, layer in enumerate(layers)})

    def __getitem__(self, i: int) -> Module:
        return self._modules[str(i)]

    def forward(self, x: Any) -> Any:
        for layer in self._modules.values():
            x = layer(x)
        return x


G = torch.Generator().manual_seed(0)


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=G, dtype=torch.float64)


W1, B1, W2, B2, X = drawn(4, 3), drawn(4), drawn(2, 4), drawn(2), drawn(5, 3)


def stack() -> Stack:
    first = Linear({"weight": candles(W1).requires_grad_(), "bias": candles(B1).requires_grad_()})
    last = Linear({"weight": candles(W2).requires_grad_(), "bias": candles(B2).requires_grad_()})
    return Stack({}, None, first=first, last=last)


def test_other_parameters() -> None:
    layer = Linear({"weight": candles(W1), "bias": candles(B1)})
    given = {"weight": candles(W1 * 2), "bias": candles(B1 + 1)}
    assert_same_tree(functional_call(layer, given, (candles(X),)), X @ (W1 * 2).T + B1 + 1)
    assert_same_tree(layer(candles(X)), X @ W1.T + B1)


def test_some_of_them() -> None:
    layer = Linear({"weight": candles(W1), "bias": candles(B1)})
    assert_same_tree(functional_call(layer, {"bias": candles(B1 * 3)}, candles(X)), X @ W1.T + B1 * 3)


def test_keywords_and_one_argument_without_a_tuple() -> None:
    layer = Linear({"weight": candles(W1), "bias": candles(B1)})
    found = functional_call(layer, {}, candles(X), {"scale": 2.0})
    assert_same_tree(found, (X @ W1.T + B1) * 2)


def test_no_arguments() -> None:
    class Constant(Module):
        def forward(self) -> Any:
            return self.weight * 2

    layer = Constant({"weight": candles(W1)})
    assert_same_tree(functional_call(layer, {"weight": candles(B1)}, ()), B1 * 2)


def test_names_of_children() -> None:
    model = stack()
    given = {"first.weight": candles(W1 * 2), "last.bias": candles(B2 - 1)}
    expected = (X @ (W1 * 2).T + B1).tanh() @ W2.T + B2 - 1
    assert_same_tree(functional_call(model, given, candles(X)).detach(), expected)


def test_children_by_number() -> None:
    layers = [
        Linear({"weight": candles(W1), "bias": candles(B1)}),
        Linear({"weight": candles(W2), "bias": candles(B2)}),
    ]
    found = functional_call(Layers(*layers), {"1.bias": candles(B2 * 5), "0.weight": candles(W1 * 2)}, candles(X))
    assert_same_tree(found, (X @ (W1 * 2).T + B1) @ W2.T + B2 * 5)


def test_buffers_are_given_and_put_back() -> None:
    """What the call writes into a buffer's name is gone after it."""
    layer = Counting({"weight": candle.ones(2)}, {"seen": candle.tensor(0)})
    found = functional_call(layer, {"seen": candle.tensor(10), "weight": candle.full((2,), 3.0)}, candle.ones(2))
    assert found.tolist() == [14, 14]
    assert layer.seen.item() == 0
    layer(candle.ones(2))
    assert layer.seen.item() == 1


def test_parameters_come_back_after_an_error() -> None:
    class Failing(Module):
        def forward(self, x: Any) -> Any:
            raise ZeroDivisionError

    weight = candle.ones(2)
    layer = Failing({"weight": weight})
    with pytest.raises(ZeroDivisionError):
        functional_call(layer, {"weight": candle.zeros(2)}, candle.ones(2))
    assert layer._parameters["weight"] is weight


def test_several_dicts() -> None:
    """As in PyTorch: parameters and buffers one after the other."""
    layer = Counting({"weight": candle.ones(2)}, {"seen": candle.tensor(0)})
    given = ({"weight": candle.full((2,), 3.0)}, {"seen": candle.tensor(10)})
    assert functional_call(layer, given, candle.ones(2)).tolist() == [14, 14]
    with pytest.raises(ValueError, match="weight"):
        functional_call(layer, (given[0], given[0]), candle.ones(2))


def test_by_keyword() -> None:
    layer = Linear({"weight": candles(W1), "bias": candles(B1)})
    found = functional_call(module=layer, parameter_and_buffer_dicts={"bias": candles(B1 * 3)}, args=candles(X))
    assert_same_tree(found, X @ W1.T + B1 * 3)


def test_an_unknown_name_is_an_error_that_changes_nothing() -> None:
    layer = Linear({"weight": candles(W1), "bias": candles(B1)})
    with pytest.raises(RuntimeError, match="wieght"):
        functional_call(layer, {"bias": candles(B1 * 2), "wieght": candles(W1)}, candles(X))
    assert_same_tree(layer(candles(X)), X @ W1.T + B1)


@pytest.mark.parametrize("name", ["middle.weight", "first.wieght", "first", "first.weight.T"])
def test_an_unknown_path_is_named(name: str) -> None:
    with pytest.raises(RuntimeError, match=name.replace(".", r"\.")):
        functional_call(stack(), {name: candles(W1)}, candles(X))


def test_a_shared_parameter_given_by_one_name() -> None:
    """Tied weights: PyTorch's functional_call replaces them under every name."""
    shared = candles(W1)

    class Tied(Module):
        def forward(self, x: Any) -> Any:
            return x * self.weight.sum() + self.copy.sum()

    class TorchTied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(W1.clone())
            self.copy = self.weight

        def forward(self, x: Any) -> Any:
            return x * self.weight.sum() + self.copy.sum()

    found = functional_call(Tied({"weight": shared, "copy": shared}), {"weight": candles(W1 * 2)}, candles(X))
    assert_same_tree(found, torch.func.functional_call(TorchTied(), {"weight": W1 * 2}, X).detach())


def test_tied_weights() -> None:
    shared = candle.ones(2)

    class Tied(Module):
        def forward(self) -> Any:
            return self.weight + self.copy

    layer = Tied({"weight": shared, "copy": shared})
    given = {"weight": candle.full((2,), 5.0)}
    assert functional_call(layer, given, ()).tolist() == [10, 10]
    assert functional_call(layer, given, (), tie_weights=False).tolist() == [6, 6]
    with pytest.raises(ValueError, match="weight, copy.*tie_weights=False"):
        functional_call(layer, {**given, "copy": candle.zeros(2)}, ())
    assert functional_call(layer, {**given, "copy": candle.zeros(2)}, (), tie_weights=False).tolist() == [5, 5]


def test_strict() -> None:
    layer = Linear({"weight": candles(W1), "bias": candles(B1)})
    with pytest.raises(RuntimeError, match="strict.*weight"):
        functional_call(layer, {"bias": candles(B1)}, candles(X), strict=True)
    found = functional_call(layer, {"bias": candles(B1), "weight": candles(W1)}, candles(X), strict=True)
    assert_same_tree(found, X @ W1.T + B1)


def reference(params: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    hidden = (x @ params["first.weight"].T + params["first.bias"]).tanh()
    return (hidden @ params["last.weight"].T + params["last.bias"]).square().mean()


PARAMETERS = {"first.weight": W1, "first.bias": B1, "last.weight": W2, "last.bias": B2}


def test_the_gradient_by_all_parameters() -> None:
    model = stack()
    found = candle.func.grad(lambda p: functional_call(model, p, candles(X)).square().mean())(candles(PARAMETERS))
    expected = torch.func.grad(lambda p: reference(p, X))(PARAMETERS)
    assert_same_tree(found, expected)
    assert all(p.grad is None for p in model.first._parameters.values())


def test_gradients_per_example() -> None:
    model = stack()

    def loss(p: Any, row: Any) -> Any:
        return functional_call(model, p, row).square().mean()

    found = candle.vmap(candle.func.grad(loss), (None, 0))(candles(PARAMETERS), candles(X))
    expected = torch.vmap(torch.func.grad(reference), (None, 0))(PARAMETERS, X)
    assert_same_tree(found, expected)


def test_an_ensemble_of_modules() -> None:
    model = stack()
    stacked = {k: torch.stack([v, v * 2, v - 1]) for k, v in PARAMETERS.items()}
    found = candle.vmap(lambda p: functional_call(model, p, candles(X)))(candles(stacked))
    rows = [(X @ w1.T + b1).tanh() @ w2.T + b2 for w1, b1, w2, b2 in zip(*stacked.values(), strict=True)]
    assert_same_tree(found.detach(), torch.stack(rows))
