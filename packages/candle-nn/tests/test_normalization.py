"""Normalization over time: running statistics, train and eval, and what torch's module_db leaves out."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch

import candle
from candle import nn
from candle.nn import functional as F

from .twins import agree, normal, twin

SHAPES = {"1d": (6, 3), "2d": (4, 3, 2, 5), "3d": (2, 3, 2, 2, 3)}
OPTIONS = [
    {},
    {"momentum": None},
    {"momentum": 0.4},
    {"affine": False},
    {"track_running_stats": False},
    {"affine": True, "bias": False, "track_running_stats": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dims", SHAPES)
@pytest.mark.parametrize("kind", ["BatchNorm", "InstanceNorm"])
def test_three_batches_then_evaluation(kind: str, dims: str, options: dict) -> None:
    """Outputs, gradients and every buffer, step by step; eval() stops the statistics."""
    theirs, ours = twin(*(getattr(m, kind + dims)(3, **options) for m in (torch.nn, nn)))
    assert repr(theirs) == repr(ours)
    shape = (*SHAPES[dims], 4) if kind + dims == "InstanceNorm1d" else SHAPES[dims]
    for step in range(5):
        if step == 3:
            theirs.eval(), ours.eval()
        x = normal(*shape, seed=step) * (step + 1) + step
        left, right = torch.tensor(x, requires_grad=True), candle.tensor(x, requires_grad=True)
        expected, actual = theirs(left), ours(right)
        agree(expected, actual, f"step {step}")
        expected.sin().sum().backward()
        actual.sin().sum().backward()
        agree(left.grad, right.grad, f"gradient, step {step}")
        for (name, a), b in zip(theirs.named_parameters(), ours.parameters(), strict=True):
            agree(a.grad, b.grad, f"{name}, step {step}")
        assert [*theirs.state_dict()] == [*ours.state_dict()]
        for name, a in theirs.state_dict().items():
            agree(a, ours.state_dict()[name], f"{name}, step {step}")


def test_statistics_keep_no_graph() -> None:
    layer = nn.BatchNorm1d(3)
    x = candle.randn(4, 3, requires_grad=True)
    out = layer(x * 2)
    assert (layer.running_mean.grad_fn, layer.running_var.requires_grad) == (None, False)
    node = weakref.ref(out.grad_fn)
    gc.disable()
    try:
        del out
        assert node() is None
    finally:
        gc.enable()


def test_a_second_forward_does_not_spoil_the_backward_of_the_first() -> None:
    """Running statistics are written in place, and saved by nobody in training."""
    layer = nn.BatchNorm1d(3)
    x = candle.randn(4, 3, requires_grad=True)
    (layer(x) - layer(x * 2)).sum().backward()
    assert x.grad is not None


def test_batch_norm_under_a_checkpoint_and_no_grad() -> None:
    layer = nn.BatchNorm1d(2)
    with candle.no_grad():
        layer(candle.randn(5, 2))
    assert int(layer.num_batches_tracked) == 1
    layer.reset_running_stats()
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([0, 0], [1, 1])


def test_large_means_lose_no_digits() -> None:
    """The variance is that of what is left after the mean is taken away."""
    x = normal(8, 2) + 1e6
    layer, other = nn.BatchNorm1d(2).double(), torch.nn.BatchNorm1d(2).double()
    np.testing.assert_allclose(layer(candle.tensor(x)).detach(), other(torch.tensor(x)).detach(), atol=1e-8)


def test_half_inputs_stay_half() -> None:
    for layer in (nn.BatchNorm1d(3), nn.LayerNorm(3), nn.GroupNorm(3, 3), nn.RMSNorm(3)):
        assert layer.half()(candle.randn(4, 3).half()).dtype is candle.float16


def test_second_derivatives() -> None:
    x = candle.tensor(normal(4, 2, 3), requires_grad=True)
    w = candle.tensor(normal(2, seed=1), requires_grad=True)

    def batch(x, w):
        return F.batch_norm(x, None, None, w, None, True)

    assert candle.autograd.gradcheck(batch, (x, w))
    assert candle.autograd.gradgradcheck(batch, (x, w))
    assert candle.autograd.gradgradcheck(lambda x, w: F.group_norm(x, 2, w), (x, w))
    assert candle.autograd.gradgradcheck(lambda x, w: F.instance_norm(x, weight=w), (x, w))
    assert candle.autograd.gradgradcheck(lambda x: F.local_response_norm(x, 2), (x,))


MISTAKES = [
    (lambda: nn.BatchNorm2d(3)(candle.zeros(2, 3)), ValueError, r"BatchNorm2d: expected 4D input, got shape \(2, 3\)"),
    (lambda: nn.BatchNorm1d(4)(candle.zeros(2, 3)), RuntimeError, "running_mean should contain 3 elements"),
    (lambda: nn.BatchNorm1d(3)(candle.zeros(1, 3)), ValueError, "more than 1 value per channel"),
    (lambda: nn.InstanceNorm1d(3)(candle.zeros(2, 3, 1)), ValueError, "more than 1 spatial element"),
    (lambda: nn.InstanceNorm1d(4, affine=True)(candle.zeros(2, 3, 2)), ValueError, "expected 4 channels"),
    (lambda: nn.GroupNorm(2, 3), ValueError, "divisible"),
    (lambda: F.group_norm(candle.zeros(2, 3), 2), RuntimeError, "do not divide into 2 groups"),
    (lambda: F.batch_norm(candle.zeros(2, 3), None, None), RuntimeError, "must be given when training=False"),
    (lambda: nn.LayerNorm(4)(candle.zeros(2, 3)), RuntimeError, "does not end in normalized_shape"),
    (lambda: nn.LocalResponseNorm(2)(candle.zeros(2, 3)), ValueError, "3 dims or more"),
]


@pytest.mark.parametrize(("call", "kind", "told"), MISTAKES)
def test_mistakes_are_named(call, kind, told) -> None:
    with pytest.raises(kind, match=told):
        call()


def test_other_channels_are_no_matter_without_affine() -> None:
    with pytest.warns(UserWarning, match="makes no difference"):
        nn.InstanceNorm1d(4)(candle.zeros(2, 3, 2))
