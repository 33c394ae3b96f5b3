"""A tensor that was saved for backward and written since: noticed, or harmless (law 10)."""

from __future__ import annotations

import pytest
import torch

import candle

from .oracle import assert_same, check_both, run_both, to_candle

X = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=torch.float64, requires_grad=True)


W = torch.tensor([1.5, 0.3, -0.7], dtype=torch.float64, requires_grad=True)


SAVING = {
    **{
        name: lambda y, name=name: getattr(y, name)()
        for name in """
        exp tanh sigmoid sqrt relu square sin log abs reciprocal prod std max amax""".split()
    },
    "logsumexp": lambda y: y.logsumexp(1),
    "mul": lambda y: y * y.detach().clone(),
    "mul a copy": lambda y: y * (y * 3),
    "pow": lambda y: y**3,
    "matmul": lambda y: y @ y.T.clone(),
    "softmax": lambda y: y.softmax(0),
    "log_softmax": lambda y: y.log_softmax(1),
    "where": lambda y: y.where(y > 1, y * y),
    "div": lambda y: 1 / y,
    "add": lambda y: y + 1,
    "sum": lambda y: y.sum(0),
    "reshape": lambda y: y.reshape(6) + 0,
    "index": lambda y: y[[0, 0, 1]],
    "sort": lambda y: y.sort(0)[0],
    "var": lambda y: y.var(1),
    "clamp": lambda y: y.clamp(0.5, 1),
}


@pytest.mark.parametrize("target", ["input", "output"])
@pytest.mark.parametrize("save", SAVING.values(), ids=SAVING)
def test_never_a_wrong_gradient_after_a_later_write(save, target: str) -> None:
    """Writing into what an op may have saved, then going backward: refused, or the right gradient."""

    def gradient(lib, x, written: bool):
        y = x * x + 1
        z = save(y)
        loss = (z * lib.ones_like(z)).sum()
        if written:
            with lib.no_grad():
                (y if target == "input" else z).mul_(3).add_(2)
        loss.backward()
        return x.grad

    _, right = run_both(lambda lib, x: gradient(lib, x, False), X)
    if refused(lambda: gradient(candle, to_candle(X), True)):
        # 1 / y reads y here, and its result in PyTorch; else candle refuses only what PyTorch does, too
        assert save is SAVING["div"] or refused(lambda: gradient(torch, X.detach().clone().requires_grad_(), True))
    else:
        assert_same(gradient(candle, to_candle(X), True), right)


def refused(backward) -> bool:
    try:
        backward()
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        return True
    return False


def test_a_parameter_changed_between_forward_and_backward_is_noticed() -> None:
    x, w = to_candle(X), to_candle(W)
    loss = (x * w).sum()
    with candle.no_grad():
        w.add_(1)
    with pytest.raises(RuntimeError, match=r"Mul.*modified by an inplace operation.*version is 1, expected 0"):
        loss.backward()


def test_a_write_before_the_use_is_no_reason_to_refuse() -> None:
    def program(lib, x, w):
        y = x * 2
        y.add_(1)
        z = y.exp() * y
        z.sum().backward()
        return x.grad

    check_both(program, X, W)


def test_signs_may_be_written_into() -> None:
    def program(lib, x):
        sign = (x * 1).sign()
        sign += 1
        return lib.autograd.grad((sign * x).sum(), x)

    check_both(program, X)
