"""Models put together by calling layers on symbols, against the same calls on tensors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import candle
from candle import nn
from candle.nn.modules._symbol import Symbol


def test_a_chain_is_a_sequential() -> None:
    x = nn.Input(4)
    layers = [nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)]
    h: Any = x
    for layer in layers:
        h = layer(h)
    model, chain = nn.Model(x, h), nn.Sequential(*layers)
    given = candle.randn(3, 4)
    assert (model(given) == chain(given)).all()
    assert list(model.state_dict()) == list(chain.state_dict())
    model(given).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_branches_operators_and_several_outputs() -> None:
    a, b = nn.Input(4), nn.Input((2, 4))
    left, right = nn.Linear(4, 4), nn.Linear(8, 4)
    h = left(a)
    g = right(nn.Flatten()(b))
    model = nn.Model([a, b], {"sum": h + 2 * g, "rest": [h @ candle.eye(4), 1 - g / 2, -(h**2)]})
    x, y = candle.randn(3, 4), candle.randn(3, 2, 4)
    out = model(x, y)
    hx, gy = left(x), right(y.flatten(1))
    assert (out["sum"] == hx + 2 * gy).all()
    assert all((mine == plain).all() for mine, plain in zip(out["rest"], [hx @ candle.eye(4), 1 - gy / 2, -(hx**2)]))


def test_each_layer_runs_once() -> None:
    ran = []

    class Counted(nn.Module):
        def forward(self, x: Any) -> Any:
            ran.append(self)
            return x * 2

    x = nn.Input(1)
    h: Any = x
    for _ in range(60):  # twice the last, 60 times over
        h = Counted()(h + h)
    out = nn.Model(x, h)(candle.ones(1, 1))
    assert len(ran) == 60
    assert out.item() == 4.0**60


def test_a_layer_called_twice_shares_its_weights() -> None:
    x, shared = nn.Input(4), nn.Linear(4, 4)
    model = nn.Model(x, shared(nn.ReLU()(shared(x))))
    assert list(model.state_dict()) == ["0.weight", "0.bias"]
    assert len(list(model.children())) == 2


def test_parameters_beside_symbols_are_the_models() -> None:
    x, weight, bias = nn.Input(4), nn.Parameter(candle.randn(4, 3)), nn.Parameter(candle.ones(3))
    model = nn.Model(x, nn.Tanh()(x @ weight + bias) * bias)
    given = candle.randn(2, 4)
    assert (model(given) == (given @ weight + bias).tanh() * bias).all()
    assert [name for name, _ in model.named_parameters()] == ["parameter0", "parameter1"]
    assert list(model.state_dict()) == ["parameter0", "parameter1"]
    model(given).sum().backward()
    assert weight.grad is not None
    other = copy.deepcopy(model)
    other.load_state_dict({name: p * 0 for name, p in model.state_dict().items()})
    assert (other(given) == 0).all()
    model.another = nn.Parameter(candle.zeros(1))
    assert (model(given) != 0).any()
    model.parameter1 = nn.Parameter(candle.zeros(3))
    assert (model(given) == 0).all()
    assert len(model.parameter0.shape) == 2


def test_symbols_in_lists() -> None:
    class Cat(nn.Module):
        def forward(self, parts: Any, dim: int = 1) -> Any:
            return candle.cat(parts, dim)

    x = nn.Input(4)
    h = nn.ReLU()(x)
    model = nn.Model(x, nn.Linear(8, 2)(Cat()([x, h], dim=1)))
    given = candle.randn(3, 4)
    assert (model(given) == model.get_submodule("2")(candle.cat([given, given.relu()], 1))).all()
    with pytest.raises(TypeError, match="element 0 is a Input"):
        candle.cat([x, h])


def test_arguments_are_not_looked_into_before_there_are_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    class Untouched(list[int]):
        def __iter__(self) -> Any:
            raise AssertionError("looked into")

    class Length(nn.Module):
        def forward(self, given: Any) -> int:
            return len(given)

    monkeypatch.setattr(Symbol, "made", False)
    assert Length()(Untouched([1, 2])) == 2
    x = nn.Input(4)
    assert isinstance(Length()([1, [x]]), Symbol)
    with pytest.raises(AssertionError, match="looked into"):
        Length()(Untouched([1, 2]))


def test_arguments_that_contain_themselves() -> None:
    loop: dict[str, Any] = {"x": candle.ones(2)}
    loop["loop"] = loop
    assert isinstance(nn.ReLU()(nn.Input(4)), Symbol)
    assert nn.Identity()(loop) is loop


def test_several_results_keywords_and_nesting() -> None:
    x = nn.Input((None, 4))
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    inner = nn.Model(x, attention(x, key=x, value=x)[0])
    y = nn.Input((None, 4))
    outer = nn.Model(y, nn.LayerNorm(4)(inner(y) + y))
    given = candle.randn(2, 5, 4)
    assert (inner(given) == attention(given, given, given)[0]).all()
    assert outer(given).shape == given.shape
    assert next(iter(outer.state_dict())) == "0.0.in_proj_weight"


def test_replacing_training_and_copying() -> None:
    x = nn.Input(4)
    model = nn.Model(x, nn.Linear(4, 2)(nn.Dropout(0.5)(x)))
    given = candle.randn(3, 4)
    assert not model.eval()._modules["0"].training
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert (other(given) == model(given)).all()
        with candle.no_grad():
            other.get_parameter("1.weight").zero_()
        assert (other(given) != model(given)).any()
    setattr(model, "1", nn.LoRA(model.get_submodule("1"), rank=1))
    assert model(given).shape == (3, 2)
    assert len([p for p in model.parameters() if p.requires_grad]) == 2


def test_mistakes() -> None:
    x, y = nn.Input(4), nn.Input(3)
    with pytest.raises(TypeError, match=r"take them by index"):
        _, _ = nn.LSTM(4, 4)(x)
    with pytest.raises(TypeError, match="no value yet"):
        bool(x)
    with pytest.raises(AttributeError, match="a symbol has no 'relu'"):
        x.relu()
    with pytest.raises(TypeError, match=r"inputs must be an nn.Input"):
        nn.Model(nn.ReLU()(x), x)
    with pytest.raises(TypeError, match="outputs must be"):
        nn.Model(x, candle.ones(1))
    with pytest.raises(ValueError, match=r"1 more nn.Input"):
        nn.Model(x, nn.Linear(4, 3)(x) + y)
    model = nn.Model([x, y], nn.Linear(4, 3)(x) + y)
    with pytest.raises(TypeError, match="expected 2 inputs, got 1"):
        model(candle.ones(1, 4))
    with pytest.raises(RuntimeError, match=r"input 1 must be of shape \('N', 3\), got \(1, 4\)"):
        model(candle.ones(1, 4), candle.ones(1, 4))
