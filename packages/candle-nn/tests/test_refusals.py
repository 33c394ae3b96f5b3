"""Calls that PyTorch refuses as well: by the same kind of error, in words that say what was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle import nn

REFUSED = {
    # what would broadcast, or be cut short, without a word
    "F.nll_loss(z(2, 4), ids(0, 1), z(3))": r"nll_loss: weight must have one entry per class, shape \(4,\), got \(3,\)",
    "F.linear(z(2, 3), z(1, 3), z(5))": r"linear: a bias of shape \(5,\) does not fit outputs of \(2, 1\)",
    "F.bilinear(z(2, 3), z(2, 3), z(1, 3, 3), z(5))": r"bilinear: a bias of shape \(5,\)",
    "F.bilinear(z(()), z(2, 3), z(1, 3, 3))": r"bilinear: inputs and weight of shapes \(\), \(2, 3\)",
    "F.scaled_dot_product_attention(z(2, 1, 4), z(2, 6, 4), z(2, 6, 4), z(3, 6))": r"attn_mask of shape \(3, 6\)",
    "attend(z(5, 2))": "projections make queries, keys and values of 2, 2, 1 features, not of the query's 2",
    "F.ctc_loss(z(5, 2, 4), ids(1, 2, 3), (5, 5), (2, 2))": "3 targets in a row are not 4, the sum of target_lengths",
    "F.ctc_loss(z(5, 2, 4), ids(1, 2, 3).reshape(1, 3), (5, 5), (2, 2))": r"shape \(1, 3\) need 2 rows",
    "F.ctc_loss(z(5, 2, 4), ids(1).reshape(()), (5, 5), (1, 1))": r"targets must have shape \(N, S\), .* got \(\)",
    "F.ctc_loss(z(5, 1, 4), ids(1), L.tensor([5.0]), L.tensor([1]))": "input_lengths must hold integers, got candle.float",
    "F.batch_norm(z(2, 3), z(3), None, training=True)": "give running_mean and running_var together",
    "F.instance_norm(z(2, 3, 4), z(3), None)": "give running_mean and running_var together",
    "F.group_norm(z(1, 2), 2)": r"expected more than 1 value per group, got an input of shape \(1, 2\) in 2 groups",
    "F.batch_norm(z(2, 3), z(3), z(3), eps=-1.0)": "batch_norm: eps must be positive .*, got -1.0",
    "F.local_response_norm(z(1, 2, 3), 0)": "size, the number of neighbours, must be positive, got 0",
    "F.interpolate(z(1, 1, 4), size=2.5)": r"interpolate: expected a tuple of integers, got \(2.5,\)",
    "F.embedding_bag(ids(0, 1, 2), z(4, 2), ids(0, 5))": "embedding_bag: an offset of 5 in 3 indices",
    "nn.Unflatten(1, (2.0, 2))": r"unflattened_size must be a tuple of integers, got \(2.0, 2\)",
    "nn.Unflatten(1, 'ab')": "unflattened_size must be a tuple of integers, got 'ab'",
    "nn.MultiMarginLoss(weight=z(2, 2))": r"weight must have shape \(C\), got \(2, 2\)",
    "nn.Bilinear(0, 2, 3)": "in1_features must be positive, got 0",
    "F.glu(z(2, 4), 2)": "glu: dim 2 is out of range",
    "nn.GRU(2, 3, 2, 0.5)": "GRU: bias must be a bool, got 0.5",
    "nn.LSTM(2, 3, batch_first=1)": "LSTM: batch_first must be a bool, got 1",
    "nn.RNN(2, 3, dropout=True)": "RNN: dropout must lie between 0 and 1, got True",
    "nn.LSTM(2, 3)(z(4, 1, 2), (z(1, 1, 3).double(), z(1, 1, 3)))": "h must have the input's dtype candle.float32, got",
    "nn.GRUCell(2, 3)(z(1, 2), z(1, 3).long())": "GRUCell: h must have the input's dtype candle.float32, got candle.int64",
    "nn.LSTMCell(2, 3)(z(1, 2), (z(3), z(3)))": r"expected states of shape \(1, 3\), got \(3,\), \(3,\)",
    "nn.RNNCell(2, 3)(z(2), z(1, 3))": r"expected states of shape \(3,\), got \(1, 3\)",
    "nn.utils.rnn.pad_sequence([])": "pad_sequence: expected one sequence at least",
    "nn.utils.rnn.pad_sequence(3)": "pad_sequence: expected several tensors, got int",
    # complex numbers have no order, and their variance is another formula
    "F.elu(c(3))": "elu: not for complex numbers",
    "F.hardtanh(c(3))": "hardtanh: not for complex numbers",
    "F.hardswish(c(3))": "hardswish: not for complex numbers",
    "F.mse_loss(c(3), c(3))": "mse_loss: not for complex numbers, got candle.complex64",
    "F.huber_loss(c(3), z(3))": "huber_loss: not for complex numbers",
    "F.smooth_l1_loss(z(3), c(3))": "smooth_l1_loss: not for complex numbers",
    "F.batch_norm(c(2, 3), None, None, training=True)": "batch_norm: not for complex numbers",
    "F.batch_norm(c(2, 3), z(3), z(3))": "batch_norm_inference: not for complex numbers",
    "F.layer_norm(c(3), [3])": "layer_norm: not for complex numbers",
}
TARGETS = {  # an IndexError here, as that of nll_loss
    "F.multi_margin_loss(z(2, 4), ids(0, 4))": "multi_margin_loss: target 4 is out of bounds for 4 classes",
    "F.multi_margin_loss(z(2, 4), ids(0, -1))": "multi_margin_loss: target -1 is out of bounds for 4 classes",
    "F.multilabel_margin_loss(z(4), ids(0, 4, -1, 0))": "multilabel_margin_loss: target 4 is out of bounds",
    "F.multilabel_margin_loss(z(4), ids(0, -2, -1, 0))": "multilabel_margin_loss: target -2 is out of bounds",
}


def called(expression: str, lib: Any) -> Any:
    def attend(in_proj: Any) -> Any:
        x, weight = lib.zeros(3, 2), lib.zeros(2, 2)
        return lib.nn.functional.multi_head_attention_forward(
            x, x, x, 2, 1, in_proj, None, None, None, False, 0.0, weight, None
        )

    names = {
        "L": lib,
        "nn": lib.nn,
        "F": lib.nn.functional,
        "z": lib.zeros,
        "c": lambda *shape: lib.zeros(*shape, dtype=lib.complex64),
        "ids": lambda *values: lib.tensor(values),
        "attend": attend,
    }
    return eval(expression, names)


@pytest.mark.parametrize(("expression", "says"), (REFUSED | TARGETS).items())
def test_refused(expression: str, says: str) -> None:
    kind: type[Exception] | None = None
    try:
        called(expression, torch)
    except NotImplementedError:  # so PyTorch says of a dtype
        kind = RuntimeError
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        kind = IndexError if expression in TARGETS else type(error)
    assert kind is not None
    with pytest.raises(kind, match=says):
        called(expression, candle)


ACCEPTED = [
    "F.nll_loss(L.arange(4.0), ids(2), reduction='none')",
    "F.cross_entropy(L.arange(4.0), ids(2))",
    "F.cross_entropy(L.arange(4.0), ids(2), weight=L.ones(4))",
    "F.multi_margin_loss(L.arange(4.0), ids(2), reduction='none')",
    "F.batch_norm(L.ones(2, 3), z(3), L.ones(3), eps=0.0)",
    "F.scaled_dot_product_attention(L.ones(2, 3, 4), L.ones(2, 6, 4), L.ones(2, 6, 4), z(1, 6))",
    "F.ctc_loss(z(5, 2, 4).log_softmax(2), ids(1, 2, 3), (5, 5), (2, 1), reduction='none')",
]


@pytest.mark.parametrize("expression", ACCEPTED)
def test_not_refused(expression: str) -> None:
    theirs, ours = called(expression, torch), called(expression, candle)
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), 1e-6)


def test_the_cell_state_of_another_dtype_is_promoted() -> None:
    for lib in (torch, candle):
        cell, x = lib.nn.LSTMCell(2, 3).double(), lib.ones(1, 2).double()
        for dtype in (lib.float32, lib.int64):
            h, c = cell(x, (x.new_zeros(1, 3), lib.ones(1, 3, dtype=dtype)))
            assert h.dtype is c.dtype is lib.float64


def test_dropout_between_layers_of_which_there_is_one() -> None:
    for lib in (torch, candle):
        with pytest.warns(UserWarning, match="dropout=0.5"):
            lib.nn.GRU(2, 3, dropout=0.5)


TAKE_TENSORS = (
    "BCELoss BCEWithLogitsLoss CosineEmbeddingLoss CrossEntropyLoss HingeEmbeddingLoss HuberLoss KLDivLoss L1Loss MSELoss "
    "MarginRankingLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss PoissonNLLLoss SmoothL1Loss "
    "SoftMarginLoss TripletMarginLoss ELU GELU GLU Hardshrink Hardtanh PReLU ReLU SiLU Softmax2d "
    "Softshrink Softsign Tanh Tanhshrink"
).split()
MADE = {
    "Bilinear": (1, 1, 1),
    "BatchNorm1d": (1,),
    "Conv1d": (1, 1, 1),
    "ConstantPad1d": (1, 0),
    "GRU": (1, 1),
    "GRUCell": (1, 1),
    "GroupNorm": (1, 1),
    "InstanceNorm1d": (1,),
    "LSTMCell": (1, 1),
    "LayerNorm": (1,),
    "Linear": (1, 1),
    "LocalResponseNorm": (1,),
    "LogSoftmax": (0,),
    "MaxPool1d": (1,),
    "MultiheadAttention": (1, 1),
    "RMSNorm": (1,),
    "ReflectionPad1d": (1,),
    "Softmax": (0,),
    "Threshold": (0.0, 0.0),
    "TransformerEncoderLayer": (2, 1, 2),
}
THREE = {"CosineEmbeddingLoss", "MarginRankingLoss", "TripletMarginLoss", "MultiheadAttention"}


@pytest.mark.parametrize("given", [np.ones((1, 1)), [[1.0]], None], ids=["numpy", "list", "None"])
@pytest.mark.parametrize("name", [*TAKE_TENSORS, *MADE])
@pytest.mark.filterwarnings("ignore:kl_div", "ignore:.*Implicit dimension", "ignore:.*implicit")
def test_what_is_no_tensor_is_refused_by_name(name: str, given: Any) -> None:
    layer = getattr(nn, name)(*MADE.get(name, ()))
    count = 3 if name in THREE else 2 if name.endswith("Loss") or name == "Bilinear" else 1
    with pytest.raises(TypeError, match="Tensor"):
        layer(*[given] * count)


def test_names_of_modules() -> None:
    """What a module says where an argument makes no sense, and what it says before it is one."""

    class Early(nn.Module):
        def __init__(self) -> None:
            self.register_buffer("b", candle.zeros(1))

    with pytest.raises(AttributeError, match=r"Early: call super\(\).__init__\(\) before registering 'b'"):
        Early()
    model = nn.Sequential(nn.ReLU(), nn.ReLU())
    assert not {"0", "1"} & {*dir(model)}
    assert {"weight", "bias"} < {*dir(nn.Linear(1, 1))}


@pytest.mark.parametrize(
    "expression", ["m['a']", "m[:1].__setitem__(slice(0, 1), m)", "m * 0", "m * 'a'", "nn.ParameterList(z(2))"]
)
def test_containers(expression: str) -> None:
    for lib in (torch, candle):
        m = lib.nn.Sequential(lib.nn.ReLU())
        with pytest.raises(ValueError if "* 0" in expression else TypeError):
            eval(expression, {"m": m, "nn": lib.nn, "z": lib.zeros})


def test_hooks_return_what_they_may() -> None:
    for lib in (torch, candle):
        layer = lib.nn.ReLU()
        handle = layer.register_forward_pre_hook(lambda module, args, kwargs: args, with_kwargs=True)
        with pytest.raises(RuntimeError, match="forward pre-hook must return None or"):
            layer(lib.zeros(1))
        handle.remove()
        layer.register_load_state_dict_post_hook(lambda module, keys: keys)
        with pytest.raises((AssertionError, RuntimeError)):
            layer.load_state_dict({})
