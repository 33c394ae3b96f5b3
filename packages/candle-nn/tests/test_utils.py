"""Clipping, vectors of parameters, and parametrizations."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrizations as theirs_by_name
from torch.nn.utils import parametrize as theirs

import candle
from candle import nn
from candle.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    parametrizations,
    parametrize,
    vector_to_parameters,
)

from .twins import agree, normal, twin


def with_grads(scale: float) -> tuple[list[torch.Tensor], list[candle.Tensor]]:
    left = [torch.zeros(shape, dtype=torch.float64) for shape in ((2, 3), (4,), ())]
    right = [candle.zeros(tuple(x.shape), dtype=candle.float64) for x in left]
    for i, (a, b) in enumerate(zip(left[:2], right[:2])):
        grad = normal(*a.shape, seed=i) * scale
        a.grad, b.grad = torch.tensor(grad), candle.tensor(grad)
    return left, right


@pytest.mark.parametrize("norm_type", [1, 2.0, 3.0, math.inf, "inf"])
@pytest.mark.parametrize("scale", [0.01, 10.0])
def test_clip_grad_norm(scale: float, norm_type) -> None:
    left, right = with_grads(scale)
    before = [p.grad.tolist() for p in right[:2]]
    memory = [p.grad for p in right[:2]]
    expected = torch.nn.utils.clip_grad_norm_(left, 1.0, norm_type)
    agree(expected, clip_grad_norm_((p for p in right), 1.0, norm_type))
    for a, b, c in zip(left[:2], right[:2], memory):
        agree(a.grad, b.grad)
        assert b.grad is c
    if scale < 1:  # what is small enough stays exactly as it is
        assert [p.grad.tolist() for p in right[:2]] == before


def test_clip_in_two_steps_and_by_value() -> None:
    left, right = with_grads(5.0)
    total = get_total_norm([p.grad for p in right[:2]])
    clip_grads_with_norm_(right, 2.0, total)
    torch.nn.utils.clip_grad_norm_(left, 2.0)
    clip_grad_value_(right, 0.3)
    torch.nn.utils.clip_grad_value_(left, 0.3)
    for a, b in zip(left[:2], right[:2]):
        agree(a.grad, b.grad)


def test_clip_of_nothing_and_of_no_numbers() -> None:
    assert float(clip_grad_norm_([], 1.0)) == 0
    with pytest.warns(UserWarning, match="empty generator"):
        clip_grad_norm_((p for p in ()), 1.0)
    x = candle.ones(2, requires_grad=True)
    x.grad = candle.tensor([1.0, math.nan])
    with pytest.raises(RuntimeError, match="total norm of order 2.0 of the gradients is nan"):
        clip_grad_norm_(x, 1.0, error_if_nonfinite=True)


def test_parameters_as_a_vector_and_back() -> None:
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    vector = parameters_to_vector(model.parameters())
    vector_to_parameters(vector, other.parameters())
    assert other.weight.tolist() == model.weight.tolist()
    assert other.weight.requires_grad
    vector.sum().backward()
    assert model.bias.grad.tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="hold 8 numbers, the vector 3"):
        vector_to_parameters(vector[:3], other.parameters())
    with pytest.raises(TypeError, match="expected a Tensor, got list"):
        vector_to_parameters([1.0], other.parameters())


def compare_training(expected, actual, x) -> None:
    """Values, gradients and buffers over two steps; the second sees what the first left behind."""
    for _ in range(2):
        left, right = expected(torch.tensor(x)), actual(candle.tensor(x))
        agree(left, right)
        left.sin().sum().backward()
        right.sin().sum().backward()
        for (name, a), b in zip(expected.named_parameters(), actual.parameters(), strict=True):
            agree(a.grad, b.grad, name)
    for name, value in expected.state_dict().items():
        agree(value, actual.state_dict()[name], name)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm(dim) -> None:
    expected = theirs_by_name.weight_norm(torch.nn.Linear(3, 4), dim=dim)
    actual = parametrizations.weight_norm(nn.Linear(3, 4), dim=dim)
    assert [*expected.state_dict()] == [*actual.state_dict()]
    assert repr(expected) == repr(actual)
    compare_training(*twin(expected, actual), normal(5, 3))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_spectral_norm(name: str, training: bool) -> None:
    expected = theirs_by_name.spectral_norm(torch.nn.Linear(3, 4), name, n_power_iterations=2)
    actual = parametrizations.spectral_norm(nn.Linear(3, 4), name, n_power_iterations=2)
    assert [*expected.state_dict()] == [*actual.state_dict()]
    assert repr(expected) == repr(actual)
    expected, actual = twin(expected, actual)
    compare_training(expected.train(training), actual.train(training), normal(5, 3))


def test_spectral_norm_finds_the_largest_singular_value() -> None:
    layer = nn.Linear(5, 4).double()
    wanted = layer.weight / candle.linalg.svdvals(layer.weight)[0]
    parametrizations.spectral_norm(layer, n_power_iterations=100)
    layer(candle.zeros(1, 5, dtype=candle.float64))
    assert candle.allclose(layer.eval().weight, wanted)


def orthogonals(shape: tuple[int, ...], options: dict) -> list:
    """Of torch and of candle, from the same weight and with the same base."""
    kind, weight = (torch.nn.Module, nn.Module), normal(*shape)
    expected, actual = (module() for module in kind)
    expected.weight, actual.weight = torch.nn.Parameter(torch.tensor(weight)), nn.Parameter(candle.tensor(weight))
    theirs_by_name.orthogonal(expected, **options)
    parametrizations.orthogonal(actual, **options)
    base = dict(expected.named_buffers()).get("parametrizations.weight.0.base")
    if base is not None:
        size = max(shape[-2:])
        made = actual.parametrizations.weight[0].base
        one = candle.eye(size, dtype=made.dtype)
        assert candle.allclose(made @ made.mT, one.expand_as(made))
        actual.load_state_dict({name: candle.tensor(t.numpy()) for name, t in expected.state_dict().items()})
    assert repr(expected) == repr(actual)
    assert [*expected.state_dict()] == [*actual.state_dict()]
    return [expected, actual]


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3)])
@pytest.mark.parametrize(
    "options",
    [{}, *({"orthogonal_map": by, "use_trivialization": u} for by in parametrizations.MAPS for u in (True, False))],
)
def test_orthogonal(shape: tuple[int, ...], options: dict) -> None:
    """Weights, gradients, steps, and what is assigned."""
    pair = orthogonals(shape, options)
    for step in range(2):
        agree(pair[0].weight, pair[1].weight, f"weight {step}")
        for lib, layer in zip((torch, candle), pair, strict=True):
            layer.zero_grad()
            (layer.weight * lib.tensor(normal(*shape, seed=3))).sin().sum().backward()
        original = [layer.parametrizations.weight.original for layer in pair]
        agree(original[0].grad, original[1].grad, f"gradient {step}")
        for p in original:
            p.data = p.data - 0.1 * p.grad
    by = options.get("orthogonal_map", "matrix_exp" if shape[-1] == shape[-2] else "householder")
    tall = np.linalg.qr(normal(*shape[:-2], max(shape[-2:]), min(shape[-2:])))[0]
    given = tall if tall.shape == shape else tall.swapaxes(-1, -2)
    if by != "householder" and not options.get("use_trivialization", True):
        with pytest.raises(RuntimeError, match="cannot be assigned"):
            pair[1].weight = candle.tensor(given)
    else:
        pair[1].weight = candle.tensor(given)
        agree(torch.tensor(given), pair[1].weight)


def test_an_orthogonal_weight_begins_as_it_is() -> None:
    layer = nn.Linear(3, 3).double()
    given = candle.tensor(np.linalg.qr(normal(3, 3))[0])
    layer.weight.data = given.clone()
    assert candle.allclose(parametrizations.orthogonal(layer).weight, given)


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).T

    def right_inverse(self, x):
        return x.triu()


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


def test_parametrize_and_back() -> None:
    layer = nn.Linear(3, 3)
    kind, before = type(layer), layer.weight.triu().tolist()
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    assert isinstance(layer, nn.Linear)
    assert (parametrize.is_parametrized(layer), parametrize.is_parametrized(layer, "bias")) == (True, False)
    assert parametrize.type_before_parametrizations(layer) is kind
    assert layer.parametrizations.weight.original.tolist() == before
    symmetric = candle.arange(9.0).reshape(3, 3)
    symmetric = symmetric + symmetric.T
    layer.weight = symmetric
    assert layer.weight.tolist() == symmetric.tolist()
    layer(candle.ones(2, 3)).sum().backward()
    assert layer.parametrizations.weight.original.grad.tril(-1).abs().sum() == 0
    parametrize.register_parametrization(layer, "weight", Doubled())
    assert layer.weight.tolist() == (2 * symmetric).tolist()
    with pytest.raises(RuntimeError, match="Doubled has no right_inverse"):
        layer.weight = symmetric
    parametrize.remove_parametrizations(layer, "weight")
    assert (type(layer), [*layer.state_dict()]) == (kind, ["bias", "weight"])
    assert layer.weight.tolist() == (2 * symmetric).tolist()
    assert isinstance(layer.weight, nn.Parameter)


def test_two_layers_of_a_class_are_parametrized_apart() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    parametrize.register_parametrization(first, "weight", Doubled())
    assert not parametrize.is_parametrized(second)
    assert second.weight is second.weight
    twice = copy.deepcopy(first)
    assert twice.weight.tolist() == first.weight.tolist()
    with candle.no_grad():
        twice.parametrizations.weight.original.zero_()
    assert first.weight.abs().sum() > 0
    with pytest.raises(RuntimeError, match="state_dict"):
        pickle.dumps(first)


def test_cached_computes_once() -> None:
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Doubled())
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight


def test_leave_the_original() -> None:
    layer = nn.Linear(2, 2)
    before = layer.weight.tolist()
    parametrize.register_parametrization(layer, "weight", Doubled())
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight.tolist() == before
    parametrizations.weight_norm(layer)
    with pytest.raises(ValueError, match="comes from 2 tensors"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(layer, "weight")
    assert candle.allclose(layer.weight, candle.tensor(before))


class Wider(nn.Module):
    def forward(self, x):
        return candle.cat([x, x])


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match=r"may not change the shape, from \(2, 2\) to \(4, 2\)"):
        parametrize.register_parametrization(nn.Linear(2, 2), "weight", Wider())
    wide = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Wider(), unsafe=True)
    assert wide.weight.shape == (4, 2)
    for call in (parametrize.register_parametrization, theirs.register_parametrization):
        library = nn if call is parametrize.register_parametrization else torch.nn
        with pytest.raises(ValueError, match="weights"):
            call(library.Linear(2, 2), "weights", library.Identity())
    with pytest.raises(ValueError, match="not parametrized"):
        parametrize.remove_parametrizations(nn.Linear(2, 2), "weight")
    with pytest.raises(ValueError, match="no parameter or buffer with name 'w'"):
        parametrizations.weight_norm(nn.Linear(2, 2), "w")
    with pytest.raises(ValueError, match="n_power_iterations must be positive"):
        parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0)
