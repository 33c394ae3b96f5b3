"""Recurrent layers and packed sequences against PyTorch's, with the same weights."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle import nn
from candle.nn.utils import rnn as utils

KINDS = ["RNN", "LSTM", "GRU"]
L, N, X, H = 5, 3, 4, 6


def twins(kind: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """candle's layer and torch's, of the same weights, in float64."""
    theirs = getattr(torch.nn, kind)(*args, **kwargs).double()
    ours = getattr(nn, kind)(*args, **kwargs).double()
    ours.load_state_dict({name: candle.tensor(p.detach().numpy()) for name, p in theirs.state_dict().items()})
    return ours, theirs


def flat(x: Any) -> list[Any]:
    return [y for each in x for y in flat(each)] if isinstance(x, tuple | list) else [x]


def assert_close(mine: Any, theirs: Any, what: str = "") -> None:
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=1e-9, atol=1e-10, err_msg=what)


def compare(ours: Any, theirs: Any, x: np.ndarray, hx: Any = None) -> None:
    """Outputs, last states, and gradients of input, first states and weights."""
    results = []
    for lib, layer in ((candle, ours), (torch, theirs)):
        given = lib.tensor(x, requires_grad=True)
        states = None if hx is None else [lib.tensor(h, requires_grad=True) for h in flat(hx)]
        out = layer(given, states if states is None else tuple(states) if isinstance(hx, tuple) else states[0])
        outs = flat(out)
        weights = [lib.tensor(np.cos(np.arange(o.numel()).reshape(tuple(o.shape))), dtype=lib.float64) for o in outs]
        sum((o * w).sum() for o, w in zip(outs, weights)).backward()
        results.append((outs, [given.grad, *(s.grad for s in states or [])], dict(layer.named_parameters())))
    (mine, my_grads, my_weights), (outs, grads, weights) = results
    for i, (m, t) in enumerate(zip(mine, outs, strict=True)):
        assert tuple(m.shape) == tuple(t.shape)
        assert_close(m, t, f"output {i}")
    for i, (m, t) in enumerate(zip(my_grads, grads, strict=True)):
        assert_close(m, t, f"gradient of input {i}")
    for name, t in weights.items():
        assert_close(my_weights[name].grad, t.grad, f"gradient of {name}")


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


@pytest.mark.parametrize(
    ("kind", "layers", "two", "bias", "batch_first"),
    list(itertools.product(KINDS, [1, 2], [False, True], [True, False], [False, True])),
)
def test_layers(kind: str, layers: int, two: bool, bias: bool, batch_first: bool) -> None:
    ours, theirs = twins(kind, X, H, layers, bias=bias, bidirectional=two, batch_first=batch_first)
    assert repr(ours) == repr(theirs)
    compare(ours, theirs, values(N, L, X) if batch_first else values(L, N, X))


@pytest.mark.parametrize("kind", KINDS)
def test_first_states_and_inputs_without_a_batch(kind: str) -> None:
    ours, theirs = twins(kind, X, H, 2, bidirectional=True)
    h, c = values(4, N, H), values(4, N, H) / 2
    compare(ours, theirs, values(L, N, X), (h, c) if kind == "LSTM" else h)
    compare(ours, theirs, values(L, X))
    compare(ours, theirs, values(L, X), (h[:, 0], c[:, 0]) if kind == "LSTM" else h[:, 0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("enforce", [True, False])
def test_packed_sequences_on_another_device(kind: str, enforce: bool) -> None:
    import candle.testing.strict

    layer, x, lengths = getattr(nn, kind)(X, H, bidirectional=True), candle.tensor(values(L, N, X)).float(), [5, 3, 1]
    at_home = utils.pack_padded_sequence(x, lengths if enforce else lengths[::-1], enforce_sorted=enforce)
    here, _ = utils.pad_packed_sequence(layer(at_home)[0])
    layer.to("strict")
    for packed in (
        at_home.to("strict"),
        utils.pack_padded_sequence(x.to("strict"), lengths if enforce else lengths[::-1], enforce_sorted=enforce),
    ):
        there, sizes = utils.pad_packed_sequence(layer(packed)[0])
        assert (str(there.device), str(sizes.device)) == ("strict", "cpu")
        np.testing.assert_allclose(there.to("cpu").detach().numpy(), here.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_the_mode_of_a_layer_and_the_dtypes_of_packed_sequences() -> None:
    told = []
    for lib, layers, pack in ((candle, nn, utils), (torch, torch.nn, torch.nn.utils.rnn)):
        made = [layers.RNN(X, H), layers.RNN(X, H, 1, "relu"), layers.LSTM(X, H), layers.GRU(X, H)]
        packed = pack.pack_padded_sequence(lib.ones(L, N, X), [2, 5, 3], enforce_sorted=False)
        others = [packed.double(), packed.half(), packed.double().float(), packed.cpu(), packed.to(lib.float64)]
        dtypes = [str(p.data.dtype).partition(".")[2] for p in others]
        indices = [str(i.dtype).partition(".")[2] for p in others for i in p[1:]]
        told.append(([layer.mode for layer in made], dtypes, indices, type(others[0]).__name__))
    assert told[0] == told[1]


def test_relu_and_projection() -> None:
    compare(*twins("RNN", X, H, 2, nonlinearity="relu"), values(L, N, X))
    ours, theirs = twins("LSTM", X, H, 2, proj_size=2, bidirectional=True)
    assert repr(ours) == repr(theirs)
    compare(ours, theirs, values(L, N, X))
    compare(ours, theirs, values(L, N, X), (values(4, N, 2), values(4, N, H)))


@pytest.mark.parametrize(("kind", "two", "enforce"), list(itertools.product(KINDS, [False, True], [False, True])))
def test_packed_sequences(kind: str, two: bool, enforce: bool) -> None:
    ours, theirs = twins(kind, X, H, 2, bidirectional=two)
    lengths = [5, 3, 2] if enforce else [3, 5, 2]
    results = []
    for lib, layer, pack in ((candle, ours, utils), (torch, theirs, torch.nn.utils.rnn)):
        x = lib.tensor(values(L, N, X), requires_grad=True)
        out, hx = layer(pack.pack_padded_sequence(x, lib.tensor(lengths), enforce_sorted=enforce))
        padded, told = pack.pad_packed_sequence(out)
        loss = (padded * lib.tensor(values(*padded.shape))).sum() + sum((h * h).sum() for h in flat(hx))
        loss.backward()
        assert told.tolist() == lengths
        results.append([padded, *flat(hx), x.grad, *(p.grad for p in layer.parameters())])
    for i, (m, t) in enumerate(zip(*results, strict=True)):
        assert_close(m, t, str(i))


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells(kind: str) -> None:
    ours, theirs = twins(kind, X, H)
    assert repr(ours) == repr(theirs)
    h = values(N, H)
    hx = (h, h / 3) if kind == "LSTMCell" else h
    compare(ours, theirs, values(N, X))
    compare(ours, theirs, values(N, X), hx)
    compare(ours, theirs, values(X), (h[0], h[1]) if kind == "LSTMCell" else h[0])


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_against_differences(kind: str) -> None:
    layer = getattr(nn, kind)(2, 2, 1, bidirectional=True).double()
    x = candle.tensor(values(3, 2, 2), requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def run(x: Any, *weights: Any) -> Any:
        return candle.func.functional_call(layer, dict(zip(names, weights)), (x,))[0]

    weights = [p.detach().clone().requires_grad_() for p in layer.parameters()]
    assert candle.autograd.gradcheck(run, (x, *weights))
    assert candle.autograd.gradgradcheck(run, (x, *weights[:2]))


def test_dropout_between_layers_only_in_training() -> None:
    layer = nn.LSTM(X, H, 2, dropout=0.5).double()
    x = candle.tensor(values(L, N, X))
    assert (layer(x)[0] != layer(x)[0]).any()
    layer.eval()
    assert (layer(x)[0] == layer(x)[0]).all()
    with pytest.raises(ValueError, match="dropout must lie between 0 and 1"):
        nn.LSTM(X, H, 2, dropout=2)


def test_padding_and_packing() -> None:
    for batch_first, value, side in itertools.product([False, True], [0.0, -1.0], ["right", "left"]):
        results = []
        for lib, pack in ((candle, utils), (torch, torch.nn.utils.rnn)):
            rows = [lib.tensor(values(n, 2)) for n in (2, 4, 1)]
            results.append(pack.pad_sequence(rows, batch_first, value, side))
        assert_close(*results)
    for lib, pack in ((candle, utils), (torch, torch.nn.utils.rnn)):
        rows = [lib.tensor(values(n, 2)) for n in (2, 4, 1)]
        packed = pack.pack_sequence(rows, enforce_sorted=False)
        assert packed.batch_sizes.tolist() == [3, 2, 1, 1]
        assert packed.is_cuda is False
        assert [len(each) for each in pack.unpack_sequence(packed)] == [2, 4, 1]
        padded, lengths = pack.pad_packed_sequence(packed, batch_first=True, padding_value=7.0, total_length=5)
        assert (tuple(padded.shape), lengths.tolist(), padded[2, 1:].unique().tolist()) == ((3, 5, 2), [2, 4, 1], [7])


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: nn.LSTM(X, 0), ValueError, "hidden_size"),
        (lambda: nn.GRU(X, H, proj_size=2), ValueError, "only an LSTM"),
        (lambda: nn.RNN(X, H, nonlinearity="gelu"), ValueError, "'gelu'"),
        (lambda: nn.LSTM(X, H)(candle.ones(L, N, X + 1)), RuntimeError, r"with 4 features, got shape \(5, 3, 5\)"),
        (lambda: nn.GRU(X, H)(candle.ones(L, N, X), candle.ones(1, 2, H)), RuntimeError, r"state of shape \(1, 3, 6\)"),
        (lambda: nn.LSTM(X, H)(candle.ones(L, N, X), candle.ones(1, N, H)), TypeError, r"expected \(h, c\).* got 1"),
        (lambda: nn.LSTM(X, H)(candle.ones(L, N, X), [candle.ones(1, N, H)] * 3), TypeError, r"\(h, c\).* got 3"),
        (lambda: nn.GRU(X, H)(candle.ones(L, N, X), [candle.ones(1, N, H)] * 2), TypeError, "expected h.* got 2"),
        (lambda: nn.LSTMCell(X, H)(candle.ones(N, X), candle.ones(N, H)), TypeError, r"LSTMCell: expected \(h, c\)"),
        (lambda: nn.GRU(X, H)(np.ones((L, N, X))), TypeError, "GRU: input must be a Tensor, got ndarray"),
        (lambda: utils.pack_padded_sequence(candle.ones(4, 2, 1), [2, 3]), RuntimeError, "enforce_sorted=False"),
        (lambda: utils.pack_padded_sequence(candle.ones(4, 2, 1), [2, 0]), RuntimeError, "one step at least"),
        (lambda: utils.pack_padded_sequence(candle.ones(4, 2, 1), [5, 2]), RuntimeError, "length of 5 .* 4 steps"),
    ],
)
def test_mistakes(call: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        call()
