"""Every schedule over 300 epochs: the rates, momenta and states of PyTorch's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import candle
from candle import optim

LIBRARIES = {
    "candle": SimpleNamespace(tensors=candle, optim=optim, lr=optim.lr_scheduler),
    "torch": SimpleNamespace(tensors=torch, optim=torch.optim, lr=torch.optim.lr_scheduler),
}
Make = Callable[[Any, Any], Any]

SCHEDULES: dict[str, Make] = {
    "lambda": lambda s, o: s.LambdaLR(o, lambda t: 0.95**t),
    "lambda for each": lambda s, o: s.LambdaLR(o, [lambda t: 0.95**t, lambda t: 1 / (t + 1)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda t: 0.99 if t % 2 else 1.0),
    "step": lambda s, o: s.StepLR(o, 30),
    "step of one": lambda s, o: s.StepLR(o, 1, gamma=0.9),
    "multi-step": lambda s, o: s.MultiStepLR(o, [30, 80, 80, 200], gamma=0.5),
    "constant": lambda s, o: s.ConstantLR(o, factor=0.25, total_iters=40),
    "linear": lambda s, o: s.LinearLR(o, start_factor=0.1, end_factor=0.7, total_iters=50),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.97),
    "polynomial": lambda s, o: s.PolynomialLR(o, total_iters=250, power=1.7),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, T_max=70, eta_min=1e-3),
    "cosine restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=40, eta_min=1e-3),
    "cosine longer restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=10, T_mult=2),
    "cyclic": lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=30, step_size_down=20),
    "cyclic halving": lambda s, o: s.CyclicLR(o, [0.01, 0.02], [0.1, 0.3], step_size_up=30, mode="triangular2"),
    "cyclic decaying": lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=30, mode="exp_range", gamma=0.99),
    "cyclic own": lambda s, o: s.CyclicLR(
        o, 0.01, 0.1, 30, scale_fn=lambda x: 1 / (1 + x), scale_mode="iterations", cycle_momentum=False
    ),
    "one cycle": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=301),
    "one cycle linear": lambda s, o: s.OneCycleLR(
        o, [0.5, 0.1], epochs=43, steps_per_epoch=7, anneal_strategy="linear", three_phase=True, pct_start=0.2
    ),
    "one cycle alone": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=301, cycle_momentum=False, div_factor=5),
    "chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 20), s.ExponentialLR(o, 0.98)]),
    "chained given": lambda s, o: s.ChainedScheduler(
        [s.LinearLR(o, 0.1, total_iters=20), s.StepLR(o, 50)], optimizer=o
    ),
    "sequential": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=20), s.CosineAnnealingLR(o, 200), s.ConstantLR(o, 0.5, 30)], [20, 220]
    ),
    "sequential nested": lambda s, o: s.SequentialLR(
        o, [s.SequentialLR(o, [s.ConstantLR(o, 0.1, 10), s.ExponentialLR(o, 0.9)], [20]), s.StepLR(o, 9)], [45]
    ),
    "sequential chained": lambda s, o: s.SequentialLR(
        o, [s.ChainedScheduler([s.LinearLR(o, 0.2), s.ExponentialLR(o, 0.9)]), s.ExponentialLR(o, 0.95)], [60]
    ),
}


def made(library: str, make: Make, kind: str = "SGD") -> tuple[Any, Any]:
    """An optimizer of two groups with the schedule."""
    it = LIBRARIES[library]
    groups = [{"params": [it.tensors.zeros(1)], "lr": 0.5}, {"params": [it.tensors.zeros(2)]}]
    optimizer = getattr(it.optim, kind)(groups, lr=0.3, **({"momentum": 0.5} if kind == "SGD" else {}))
    return optimizer, make(it.lr, optimizer)


def followed(optimizer: Any, scheduler: Any, epochs: int = 300) -> list[Any]:
    """What stands in the groups before each epoch."""
    seen = []
    for _ in range(epochs):
        groups = optimizer.param_groups
        seen.append([(g["lr"], g.get("momentum"), g.get("betas")) for g in groups])
        assert scheduler.get_last_lr() == [g["lr"] for g in groups]
        optimizer.step()
        scheduler.step()
    return seen


@pytest.fixture(autouse=True)
def no_warnings() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # PyTorch says so of compositions that start with one, too
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        yield


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_300_epochs(name: str, kind: str) -> None:
    mine, theirs = (followed(*made(library, SCHEDULES[name], kind)) for library in LIBRARIES)
    assert mine == theirs  # to the last bit


@pytest.mark.parametrize("source", LIBRARIES)
@pytest.mark.parametrize("name", [name for name in SCHEDULES if "own" not in name and "lambda" not in name])
def test_states_both_ways(name: str, source: str) -> None:
    """Saved in the middle, loaded into the other library, and on."""
    target = next(library for library in LIBRARIES if library != source)
    optimizer, scheduler = made(source, SCHEDULES[name])
    followed(optimizer, scheduler, 133)
    other, again = made(target, SCHEDULES[name])
    other.load_state_dict(optimizer.state_dict())
    again.load_state_dict(scheduler.state_dict())
    assert followed(other, again, 167) == followed(optimizer, scheduler, 167)


@pytest.mark.parametrize("name", SCHEDULES)
def test_states_have_the_same_layout(name: str) -> None:
    mine, theirs = (made(library, SCHEDULES[name])[1].state_dict() for library in LIBRARIES)
    theirs.pop("_scale_fn_ref", None)
    assert mine.keys() == theirs.keys()
    assert str(sorted(mine.items())) == str(sorted(theirs.items()))


@pytest.mark.parametrize("name", ["step", "multi-step", "constant", "linear", "exponential", "polynomial", "cosine"])
def test_a_given_epoch(name: str) -> None:
    """The closed form, which PyTorch keeps for `step(epoch)`."""
    seen = []
    for library in LIBRARIES:
        optimizer, scheduler = made(library, SCHEDULES[name])
        optimizer.step()
        for epoch in (3, 100, 41, 250):
            with pytest.warns(UserWarning, match="epoch parameter"):
                scheduler.step(epoch)
            seen.append(scheduler.get_last_lr())
    assert seen[:4] == seen[4:]


def test_cosine_restarts_at_fractions() -> None:
    seen = []
    for library in LIBRARIES:
        optimizer, scheduler = made(library, SCHEDULES["cosine longer restarts"])
        for i in range(200):
            optimizer.step()
            scheduler.step(i / 4)
            seen.append(scheduler.get_last_lr())
    assert seen[:200] == seen[200:]


@pytest.mark.parametrize(
    "name", ["step", "linear", "exponential", "cosine", "cyclic", "one cycle", "lambda", "cosine restarts"]
)
def test_resuming_by_last_epoch(name: str) -> None:
    """From the optimizer's state alone, with `last_epoch`."""
    makes = {
        "step": lambda s, o, t: s.StepLR(o, 30, last_epoch=t),
        "linear": lambda s, o, t: s.LinearLR(o, 0.1, total_iters=50, last_epoch=t),
        "exponential": lambda s, o, t: s.ExponentialLR(o, 0.97, last_epoch=t),
        "cosine": lambda s, o, t: s.CosineAnnealingLR(o, 70, last_epoch=t),
        "cyclic": lambda s, o, t: s.CyclicLR(o, 0.01, 0.1, 30, last_epoch=t),
        "one cycle": lambda s, o, t: s.OneCycleLR(o, 0.5, total_steps=301, last_epoch=t),
        "lambda": lambda s, o, t: s.LambdaLR(o, lambda t: 0.95**t, last_epoch=t),
        "cosine restarts": lambda s, o, t: s.CosineAnnealingWarmRestarts(o, 40, last_epoch=t),
    }
    seen = []
    for library in LIBRARIES:
        optimizer, scheduler = made(library, lambda s, o: makes[name](s, o, -1))
        followed(optimizer, scheduler, 25)
        again = makes[name](LIBRARIES[library].lr, optimizer, 24)
        seen.append(followed(optimizer, again, 60))
    assert seen[0] == seen[1]


PLATEAUS: dict[str, dict[str, Any]] = {
    "default": {},
    "impatient": {"patience": 2, "factor": 0.5, "cooldown": 3},
    "max": {"mode": "max", "patience": 3, "threshold": 0.05},
    "absolute": {"threshold_mode": "abs", "threshold": 0.02, "patience": 1, "min_lr": [1e-3, 1e-2]},
    "max absolute": {"mode": "max", "threshold_mode": "abs", "threshold": 0.02, "patience": 1, "min_lr": 1e-3},
}


@pytest.mark.parametrize("name", PLATEAUS)
def test_plateau(name: str) -> None:
    draw = torch.Generator().manual_seed(0)
    metrics = [(1 / (1 + t / 9) + 0.1 * torch.rand((), generator=draw)).item() for t in range(300)]
    seen, states = [], []
    for library in LIBRARIES:
        optimizer, scheduler = made(library, lambda s, o: s.ReduceLROnPlateau(o, **PLATEAUS[name]))
        for metric in metrics:
            scheduler.step(metric)
            seen.append(scheduler.get_last_lr())
        states.append(scheduler.state_dict())
    assert seen[:300] == seen[300:]
    assert states[0] == states[1]
    assert len(set(map(tuple, seen))) > 2


@pytest.mark.parametrize("smallest", [0.01, [0.01, 0.02]], ids=["one for all", "each its own"])
def test_a_plateau_and_a_group_that_came_later(smallest: Any) -> None:
    seen: list[Any] = []
    for library, it in LIBRARIES.items():
        optimizer, scheduler = made(library, lambda s, o: s.ReduceLROnPlateau(o, patience=0, min_lr=smallest))
        optimizer.add_param_group({"params": [it.tensors.zeros(3)], "lr": 0.7})
        try:
            for _ in range(3):
                scheduler.step(1.0)
            seen.append(scheduler.get_last_lr())
        except RuntimeError as error:
            seen.append("modify the `min_lrs` field" in str(error))
    assert seen[0] == seen[1] == (True if isinstance(smallest, list) else [0.01] * 3)


def test_a_rate_that_is_a_tensor_stays_the_same_tensor() -> None:
    lr = candle.tensor(0.5)
    optimizer = optim.SGD([candle.zeros(1)], lr=lr)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is lr
    assert lr.item() == pytest.approx(0.05)
    assert scheduler.base_lrs[0].item() == 0.5


# What is candle's own


def test_sequences_of_compositions() -> None:
    """PyTorch raises NotImplementedError when a composition's turn comes."""

    def make(s: Any, o: Any) -> Any:
        inner = s.SequentialLR(o, [s.ExponentialLR(o, 0.9), s.StepLR(o, 2, gamma=0.5)], [3])
        chained = s.ChainedScheduler([s.ConstantLR(o, 0.5, 2), s.ExponentialLR(o, 0.9)])
        return s.SequentialLR(o, [s.ConstantLR(o, 0.1, 10), inner, chained], [2, 8])

    rates = [lr for ((lr, *_), _) in followed(*made("candle", make), epochs=12)]
    parts = [0.1, 0.1, 1, 0.9, 0.81, 1, 1, 0.5, 0.5, 0.5 * 0.9, 0.81, 0.729]
    assert rates == pytest.approx([0.5 * part for part in parts])


def test_warmup_multiplies_what_the_other_says() -> None:
    optimizer = optim.SGD([candle.zeros(1)], lr=1.0)
    scheduler = optim.lr_scheduler.WarmupLR(optim.lr_scheduler.StepLR(optimizer, 50, gamma=0.1), 20)
    for t in range(300):
        expected = min(1, (t + 1) / 20) * 0.1 ** (t // 50)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(expected, rel=1e-12)
        assert scheduler.get_last_lr() == [optimizer.param_groups[0]["lr"]]
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("name", ["exponential", "cosine", "sequential", "chained", "one cycle"])
def test_warmup_around_any_other(name: str) -> None:
    optimizer, plain = made("candle", SCHEDULES[name])
    straight = followed(optimizer, plain, 60)
    optimizer, warm = made("candle", lambda s, o: s.WarmupLR(SCHEDULES[name](s, o), 10))
    for t, (seen, expected) in enumerate(zip(followed(optimizer, warm, 60), straight, strict=True)):
        for (lr, *_), (full, *_) in zip(seen, expected, strict=True):
            assert lr == pytest.approx(full * min(1, (t + 1) / 10), rel=1e-12)


def test_warmup_around_a_plateau_and_saved() -> None:
    def make(s: Any, o: Any) -> Any:
        return s.WarmupLR(s.ReduceLROnPlateau(o, patience=3, factor=0.5), 6)

    optimizer, scheduler = made("candle", make)
    for _ in range(4):
        scheduler.step(1.0)
    other, again = made("candle", make)
    other.load_state_dict(optimizer.state_dict())
    again.load_state_dict(scheduler.state_dict())
    for _ in range(9):
        scheduler.step(1.0), again.step(1.0)
        assert again.get_last_lr() == scheduler.get_last_lr() == [g["lr"] for g in other.param_groups]
    assert scheduler.get_last_lr()[0] == 0.5 * 0.5**3


def test_warmup_within_a_sequence() -> None:
    def make(s: Any, o: Any) -> Any:
        return s.SequentialLR(o, [s.ConstantLR(o, 0.5, 99), s.WarmupLR(s.ExponentialLR(o, 0.9), 4)], [3])

    rates = [lr for ((lr, *_), _) in followed(*made("candle", make), epochs=7)]
    assert rates == pytest.approx([0.25] * 3 + [0.5 * 0.9**t * min(1, (t + 1) / 4) for t in range(4)])
