"""candle's layers beside PyTorch's of the same weights, and the comparison of all that they give."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_modules import module_db

import candle
from candle import nn

torch.set_num_threads(1)  # for samples this small, threads only get in each other's way
DATABASE = {info.name.removeprefix("nn."): info for info in module_db}


def to_candle(x: Any) -> Any:
    """What PyTorch's samples are made of, as candle's: tensors, functions, layers, and containers of them."""
    if isinstance(x, torch.Tensor):
        return candle.tensor(x.detach().numpy().copy(), requires_grad=x.requires_grad)
    if isinstance(x, torch.dtype):
        return getattr(candle, str(x).removeprefix("torch."))
    if isinstance(x, torch.nn.TransformerEncoderLayer):
        return encoder_layer_of(x)
    if callable(x):
        return getattr(nn.functional, x.__name__)
    if isinstance(x, dict):
        return {key: to_candle(value) for key, value in x.items()}
    return type(x)(map(to_candle, x)) if isinstance(x, tuple | list) else x


def encoder_layer_of(theirs: Any) -> Any:
    attention, width = theirs.self_attn, theirs.linear1.out_features
    bias, first = theirs.linear1.bias is not None, attention.batch_first
    given = (attention.embed_dim, attention.num_heads, width, theirs.dropout.p, to_candle(theirs.activation))
    return with_weights_of(
        theirs, nn.TransformerEncoderLayer(*given, batch_first=first, norm_first=theirs.norm_first, bias=bias)
    )


def with_weights_of(theirs: Any, ours: Any) -> Any:
    ours = ours.double()
    ours.load_state_dict(to_candle(dict(theirs.state_dict())))
    return ours


def twins(kind: str, *args: Any, training: bool = True, **kwargs: Any) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # why there is no fast path
        theirs = getattr(torch.nn, kind)(*args, **kwargs).double().train(training)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter) / 8)  # no zero biases
    ours = getattr(nn, kind)(*to_candle(args), **to_candle(kwargs))
    assert repr(ours) == repr(theirs)
    return with_weights_of(theirs, ours).train(training), theirs


def assert_close(mine: Any, theirs: Any, what: str = "") -> None:
    assert (mine is None) == (theirs is None), what
    if mine is not None:
        assert tuple(mine.shape) == tuple(theirs.shape), what
        np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), 1e-9, 1e-11, err_msg=what)


def compare(ours: Any, theirs: Any, *args: Any, **kwargs: Any) -> None:
    """Outputs, the gradients of all inputs and of all parameters, and the state dict on its way back."""
    args = tuple(x.detach().requires_grad_() if torch.is_tensor(x) and x.is_floating_point() else x for x in args)
    kept = {id(x): to_candle(x) for x in args}
    given = [kept[id(x)] for x in args]  # what is the same tensor stays the same
    mine, expected = ours(*given, **to_candle(kwargs)), theirs(*args, **kwargs)
    mine, expected = (x if isinstance(x, tuple) else (x,) for x in (mine, expected))
    for i, (a, b) in enumerate(zip(mine, expected, strict=True)):
        assert_close(a, b, f"output {i}")
    for outs, cos in ((mine, candle.cos), (expected, torch.cos)):
        sum((x * cos(x * 3 + 1)).sum() for x in outs if x is not None).backward()
    for i, (a, b) in enumerate(zip(given, args)):
        if torch.is_tensor(b) and b.requires_grad:
            assert_close(a.grad, b.grad, f"gradient of input {i}")
    mine = dict(ours.named_parameters())
    assert list(mine) == [name for name, _ in theirs.named_parameters()]
    for name, b in theirs.named_parameters():
        if b.grad is not None or mine[name].grad is not None:
            assert_close(mine[name].grad, b.grad, f"gradient of {name}")
    theirs.load_state_dict({name: torch.from_numpy(x.numpy().copy()) for name, x in ours.state_dict().items()})


def run_database(kind: str, training: bool) -> int:
    """Every sample that PyTorch tests its own layer with; how many they were."""
    info = DATABASE[kind]
    samples = list(info.module_inputs_func(info, "cpu", torch.float64, requires_grad=True, training=training))
    for sample in samples:
        made, given = sample.constructor_input, sample.forward_input
        ours, theirs = twins(kind, *made.args, training=training, **made.kwargs)
        compare(ours, theirs, *given.args, **given.kwargs)
    return len(samples)


def values(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(sum(shape)).standard_normal(shape))
