"""AdaptiveLogSoftmaxWithLoss against torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import candle
from candle import nn

from .twins import agree, normal, twin

X, TARGET = normal(6, 16), np.array([0, 4, 9, 11, 3, 2])


@pytest.mark.parametrize("bias", [True, False])
def test_outputs_and_gradients(bias: bool) -> None:
    theirs, ours = twin(*(m.AdaptiveLogSoftmaxWithLoss(16, 12, [3, 7], 2.0, bias) for m in (torch.nn, nn)))
    assert repr(theirs) == repr(ours)
    assert [*theirs.state_dict()] == [*ours.state_dict()]
    left, right = torch.tensor(X, requires_grad=True), candle.tensor(X, requires_grad=True)
    expected, actual = theirs(left, torch.tensor(TARGET)), ours(right, candle.tensor(TARGET))
    agree(expected.output, actual.output)
    agree(expected.loss, actual.loss)
    expected.loss.backward()
    actual.loss.backward()
    agree(left.grad, right.grad)
    for (name, a), b in zip(theirs.named_parameters(), ours.parameters(), strict=True):
        agree(a.grad, b.grad, name)
    agree(theirs.log_prob(left), ours.log_prob(right))
    assert theirs.predict(left).tolist() == ours.predict(right).tolist()
    agree(theirs(left[0], torch.tensor(9)).output, ours(right[0], candle.tensor(9)).output)
    assert ours.predict(right[0]).tolist() == ours.predict(right)[0].tolist()


def test_the_probabilities_of_all_classes_add_up_to_one() -> None:
    layer = nn.AdaptiveLogSoftmaxWithLoss(16, 12, [3, 7]).double()
    np.testing.assert_allclose(layer.log_prob(candle.tensor(X)).exp().sum(1).detach(), 1)


def test_mistakes_are_named() -> None:
    for cutoffs in ([], [3, 3], [0, 2], [3, 12]):
        with pytest.raises(ValueError, match="cutoffs must be increasing"):
            nn.AdaptiveLogSoftmaxWithLoss(16, 12, cutoffs)
    layer = nn.AdaptiveLogSoftmaxWithLoss(16, 12, [3])
    with pytest.raises(RuntimeError, match="not one of 12 classes"):
        layer(candle.zeros(1, 16), candle.tensor([12]))
    with pytest.raises(RuntimeError, match=r"got shapes \(1, 16\) and \(2,\)"):
        layer(candle.zeros(1, 16), candle.tensor([1, 2]))
