"""What every optimizer can do: groups, closures, hooks, gradients to zero, learning rates that change."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import pytest
import torch

import candle
from candle import optim
from candle.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from .oracle import NAMES, Problem, shapes_for

ALL = [*NAMES, "Lion"]


def one(value: float = 1.0, **options: Any) -> tuple[candle.Tensor, optim.SGD]:
    p = candle.tensor([value], requires_grad=True)
    p.grad = candle.ones(1)
    return p, optim.SGD([p], lr=0.5, **options)


@pytest.mark.parametrize("name", ALL)
def test_step_with_a_closure_gives_its_loss(name: str) -> None:
    problem = Problem(candle, shapes_for(name))
    optimizer = getattr(optim, name)(problem.params)
    seen = []

    def closure() -> Any:
        assert candle.is_grad_enabled()
        optimizer.zero_grad()
        loss = problem.loss()
        loss.backward()
        seen.append(loss)
        return loss

    with candle.no_grad():
        assert optimizer.step(closure) is seen[0]
    assert candle.is_grad_enabled()


@pytest.mark.parametrize("name", [name for name in ALL if name != "LBFGS"])
def test_nothing_without_gradients(name: str) -> None:
    problem = Problem(candle, shapes_for(name))
    before = [x.copy() for x in problem.values()]
    optimizer = getattr(optim, name)(problem.params)
    assert optimizer.step() is None
    assert all((a == b).all() for a, b in zip(before, problem.values(), strict=True))
    assert all(not kept or name == "Adagrad" for kept in optimizer.state.values())


@pytest.mark.parametrize("name", ALL)
def test_a_step_is_told_to_whoever_saved_a_parameter(name: str) -> None:
    w = candle.randn(2, 2, requires_grad=True)
    optimizer = getattr(optim, name)([w])
    loss = (w * w).sum()

    def closure() -> Any:
        optimizer.zero_grad()
        again = (w * w).sum()
        again.backward()
        return again

    optimizer.step(closure)
    with pytest.raises(RuntimeError, match="modified|version|in place"):
        loss.backward()


@pytest.mark.parametrize("name", ALL)
def test_no_graph_is_left_behind(name: str) -> None:
    problem = Problem(candle, shapes_for(name))
    optimizer = getattr(optim, name)(problem.params)
    problem.train(optimizer, 2)
    assert all(p.is_leaf and p.requires_grad for p in problem.params)
    kept = [x for state in optimizer.state.values() for x in state.values()]
    flat = [x for each in kept for x in (each if isinstance(each, list) else [each])]
    assert not any(x.requires_grad for x in flat if isinstance(x, candle.Tensor))


def test_zero_grad() -> None:
    p, optimizer = one()
    grad = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is grad
    assert p.grad.item() == 0
    optimizer.zero_grad()
    assert p.grad is None
    p.grad = (p * 2).detach().requires_grad_() * 1
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.grad_fn is None
    assert not p.grad.requires_grad


def test_groups_have_options_of_their_own() -> None:
    p, q, r = (candle.ones(1, requires_grad=True) for _ in range(3))
    optimizer = optim.SGD([{"params": p, "lr": 0.1}, {"params": (x for x in [q])}], lr=0.2)
    optimizer.add_param_group({"params": [r], "lr": 0.3, "maximize": True})
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.2, 0.3]
    for x in (p, q, r):
        x.grad = candle.ones(1)
    optimizer.step()
    assert [round(x.item(), 6) for x in (p, q, r)] == [0.9, 0.8, 1.3]


def test_a_learning_rate_may_be_changed_between_steps() -> None:
    p, optimizer = one()
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()
    assert p.item() == 0.25


def test_hooks_run_around_the_step_in_order() -> None:
    p, optimizer = one()
    told: list[str] = []

    def note(text: str) -> Any:
        return lambda optimizer, args, kwargs: told.append(f"{text} {p.item()}")

    handles = [
        register_optimizer_step_pre_hook(note("before any")),
        optimizer.register_step_pre_hook(note("before")),
        optimizer.register_step_post_hook(note("after")),
        register_optimizer_step_post_hook(note("after any")),
    ]
    optimizer.step()
    assert told == ["before any 1.0", "before 1.0", "after 0.5", "after any 0.5"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(told) == 4


def test_a_hook_may_change_the_arguments() -> None:
    _, optimizer = one()
    with optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: ((optimizer, lambda: 7.0), {})):
        assert optimizer.step() == 7.0
    with (
        optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: 3),
        pytest.raises(RuntimeError, match="must return None or a tuple"),
    ):
        optimizer.step()


def test_hooks_run_once_where_a_subclass_calls_super() -> None:
    class Counting(optim.SGD):
        def step(self, closure: Any = None) -> Any:
            self.steps = getattr(self, "steps", 0) + 1
            return super().step(closure)

    p = candle.ones(1, requires_grad=True)
    p.grad = candle.ones(1)
    optimizer, told = Counting([p]), []
    optimizer.register_step_post_hook(lambda *_: told.append(1))
    optimizer.step()
    assert (optimizer.steps, told) == (1, [1])


def test_hooks_of_states() -> None:
    _, optimizer = one(momentum=0.9)
    optimizer.step()
    told: list[str] = []
    optimizer.register_state_dict_pre_hook(lambda o: told.append("before saving"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    optimizer.register_state_dict_post_hook(lambda o, state: told.append("first"), prepend=True)
    saved = optimizer.state_dict()
    assert saved["more"] == 1
    optimizer.register_load_state_dict_pre_hook(lambda o, state: told.append(f"loading {state.pop('more')}"))
    optimizer.register_load_state_dict_post_hook(lambda o: told.append("loaded"))
    optimizer.load_state_dict(saved)
    assert told == ["before saving", "first", "loading 1", "loaded"]
    assert saved["more"] == 1, "the caller's dict stays"


def test_state_of_others_is_kept() -> None:
    """Optimizers written elsewhere keep what they like in the state."""

    class Counter(optim.Optimizer):
        def __init__(self, params: Any) -> None:
            super().__init__(params, {})

        def step(self, closure: Any = None) -> None:
            for p in self.param_groups[0]["params"]:
                state = self.state[p]
                state["step"] = state.get("step", 0) + 1
                state["past"] = (*state.get("past", ()), candle.ones(1))
            self.state["all"] = {"seen": 3}

    p = candle.zeros(2, dtype=candle.float64)
    optimizer = Counter([p])
    optimizer.step()
    again = Counter([p])
    again.load_state_dict(optimizer.state_dict())
    again.step()
    assert again.state[p]["step"] == 2
    assert again.state[p]["past"][0].dtype is candle.float64
    assert again.state["all"] == {"seen": 3}


def test_repr_of_groups() -> None:
    told = [
        repr(lib.optim.SGD([{"params": lib.zeros(1)}, {"params": lib.zeros(1), "lr": 2.0}], lr=1.0))
        for lib in (candle, torch)
    ]
    assert told[0] == told[1]


def test_lion_is_its_paper() -> None:
    """Algorithm 2 of Chen et al. 2023, on a few numbers by hand."""
    p = candle.tensor([1.0, -2.0], dtype=candle.float64, requires_grad=True)
    optimizer = optim.Lion([p], lr=0.1, betas=(0.9, 0.99), weight_decay=0.5)
    m, theta = [0.0, 0.0], [1.0, -2.0]
    for grads in ([1.0, -1.0], [-0.05, 3.0], [0.0, -20.0], [-0.3, 0.0]):
        p.grad = candle.tensor(grads, dtype=candle.float64)
        optimizer.step()
        for i, g in enumerate(grads):
            c = 0.9 * m[i] + 0.1 * g
            theta[i] -= 0.1 * ((c > 0) - (c < 0) + 0.5 * theta[i])
            m[i] = 0.99 * m[i] + 0.01 * g
        assert p.tolist() == pytest.approx(theta, abs=1e-14)
    assert optimizer.state[p]["exp_avg"].tolist() == pytest.approx(m, abs=1e-14)


def test_optimizers_do_not_need_candle_nn() -> None:
    code = """
import sys
sys.modules["candle.nn"] = None  # as if it were not installed
import candle
optimizer = candle.optim.SGD([candle.zeros(1)], lr=0.1)
candle.optim.lr_scheduler.StepLR(optimizer, 3)
try:
    candle.optim.swa_utils.AveragedModel(None)
except AttributeError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("candle.nn is part of the distribution candle-nn, which is not installed")


@pytest.mark.parametrize(
    ("mine", "theirs", "names"),
    [
        (optim, torch.optim, ["Optimizer", *NAMES]),
        (optim.lr_scheduler, torch.optim.lr_scheduler, torch.optim.lr_scheduler.__all__),
        (optim.swa_utils, torch.optim.swa_utils, torch.optim.swa_utils.__all__),
    ],
    ids=["optimizers", "schedulers", "averages"],
)
def test_the_parameters_and_defaults_are_pytorchs(mine: Any, theirs: Any, names: list[str]) -> None:
    for name in names:
        found, expected = (
            [(p.name, p.kind, p.default) for p in inspect.signature(getattr(module, name)).parameters.values()]
            for module in (mine, theirs)
        )
        assert found == expected, name


def test_what_is_listed_exists_once() -> None:
    for module in (optim, optim.lr_scheduler, optim.swa_utils):
        assert sorted(module.__all__) == sorted(set(module.__all__))
        for name in module.__all__:
            assert getattr(module, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'Adm'"):
        _ = optim.Adm
