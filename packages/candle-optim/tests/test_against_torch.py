"""Every configuration of PyTorch's optimizer database: the same ten steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import candle
import candle.testing.strict
from candle import optim
from candle._numpy_kernels import blocks

from .oracle import CASES, COMPLEX, INFOS, NAMES, Problem, assert_equal, configurations, shapes_for, to_candle


@pytest.fixture(autouse=True)
def muon_in_full_precision(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """PyTorch's Muon rounds to bfloat16 on the way; the rest of it is to be compared exactly."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)


def both(name: str, options: dict[str, Any], complex_: bool = False, device: str = "cpu", **given: Any) -> Any:
    theirs = Problem(torch, shapes_for(name), complex_)
    mine = Problem(candle, shapes_for(name), complex_, device)
    their_optimizer = INFOS[name].optim_cls(theirs.params, **options, **given)
    my_optimizer = getattr(optim, name)(mine.params, **to_candle(options), **given)
    return (mine, my_optimizer), (theirs, their_optimizer)


def tolerance_for(options: dict[str, Any]) -> float:
    """A learning rate that is a float32 tensor: PyTorch computes some factors in float32, too."""
    return 1e-7 if isinstance(options.get("lr"), torch.Tensor) else 1e-12


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_ten_steps(name: str, kind: str) -> None:
    options = configurations(INFOS[name])[kind]
    (mine, ours), (theirs, their) = both(name, options)
    losses, expected = mine.train(ours), theirs.train(their)
    np.testing.assert_allclose(losses, expected, rtol=tolerance_for(options))
    assert_equal(mine.values(), theirs.values(), tolerance_for(options))
    assert losses[-1] < losses[0] or options.get("maximize")


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_in_blocks(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the NumPy backend takes the steps of large parameters; here blocks are of eight numbers."""
    monkeypatch.setattr(blocks, "BLOCK", 8)
    monkeypatch.setattr(blocks, "SMALL", 2)
    options = configurations(INFOS[name])[kind]
    (mine, ours), (theirs, their) = both(name, options)
    mine.train(ours, 3), theirs.train(their, 3)
    assert_equal(mine.values(), theirs.values(), tolerance_for(options))


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_parameters(name: str) -> None:
    for options in configurations(INFOS[name]).values():
        (mine, ours), (theirs, their) = both(name, options, complex_=True)
        mine.train(ours), theirs.train(their)
        assert_equal(mine.values(), theirs.values(), tolerance_for(options))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("device", ["strict", "frozen"])
def test_other_devices(name: str, device: str) -> None:
    """The rules keep to the contract, and work where arrays cannot be written."""
    options = list(configurations(INFOS[name]).values())[-1]
    (mine, ours), (theirs, their) = both(name, options, device=device)
    mine.train(ours, 3), theirs.train(their, 3)
    assert_equal(mine.values(), theirs.values(), max(1e-9, tolerance_for(options)))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_repr(name: str, kind: str) -> None:
    (_, ours), (_, their) = both(name, configurations(INFOS[name])[kind])
    assert repr(ours).replace("tensor(0.0010)", "") == repr(their).replace("tensor(0.0010)", "")


EXTREMES = {
    "SGD": [
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.5},
        {"lr": 1e-3, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True},
    ],
    "RMSprop": [{"momentum": 0.9, "centered": True, "weight_decay": 0.1, "maximize": True}, {"centered": True}],
    "NAdam": [{"decoupled_weight_decay": True, "weight_decay": 0.3, "momentum_decay": 0.1}],
    "RAdam": [{"decoupled_weight_decay": True, "weight_decay": 0.3}, {"betas": (0.5, 0.6)}],
    "Adam": [{"decoupled_weight_decay": True, "weight_decay": 0.3, "amsgrad": True, "maximize": True}],
    "ASGD": [{"t0": 2, "lambd": 0.1, "alpha": 0.5}],
    "Rprop": [{"step_sizes": (1e-3, 0.02)}],
    "LBFGS": [
        {"history_size": 3, "max_iter": 7, "line_search_fn": "strong_wolfe", "lr": 3.0},
        {"max_eval": 3, "line_search_fn": "strong_wolfe"},
        {"max_iter": 1},
    ],
    "Muon": [{"adjust_lr_fn": "match_rms_adamw", "nesterov": False}, {"ns_steps": 0}],
    "Adafactor": [{"eps": (1e-3, 1e-2), "beta2_decay": -0.3, "d": 2.0}],
}


@pytest.mark.parametrize("name", EXTREMES)
def test_options_that_the_database_leaves_out(name: str) -> None:
    for options in EXTREMES[name]:
        (mine, ours), (theirs, their) = both(name, options)
        mine.train(ours, 20), theirs.train(their, 20)
        assert_equal(mine.values(), theirs.values())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "LBFGS"])
def test_groups_and_parameters_without_gradients(name: str) -> None:
    """A frozen parameter stays and does not age; two groups have options of their own."""
    results = []
    for library, kinds in ((candle, optim), (torch, torch.optim)):
        problem = Problem(library, shapes_for(name))
        first, *rest = problem.params
        optimizer = getattr(kinds, name)([{"params": [first], "lr": 0.05}, {"params": rest}], lr=0.01)
        for step in range(6):
            optimizer.zero_grad()
            problem.loss().backward()
            if step % 2:
                rest[0].grad = None
            optimizer.step()
        results.append(problem.values())
    assert_equal(*results)


@pytest.mark.filterwarnings("ignore:optimizer contains a parameter group with duplicate")
@pytest.mark.parametrize(
    ("name", "options"),
    [("SGD", {}), ("SGD", {"momentum": 0.9, "dampening": 0.5}), ("RMSprop", {"momentum": 0.9}), ("Adam", {})],
)
def test_a_parameter_that_is_there_twice_steps_twice(name: str, options: dict[str, Any]) -> None:
    results = []
    for library, kinds in ((candle, optim), (torch, torch.optim)):
        problem = Problem(library, shapes_for(name))
        optimizer = getattr(kinds, name)([*problem.params, problem.params[1]], lr=0.01, **options)
        problem.train(optimizer, 4)
        results.append(problem.values())
    assert_equal(*results)


@pytest.mark.parametrize("option", ["foreach", "fused"])
@pytest.mark.parametrize("name", NAMES)
def test_options_that_choose_an_implementation_change_nothing(name: str, option: str) -> None:
    if option not in INFOS[name].supported_impls:
        pytest.skip("PyTorch's has no such option")
    results = []
    for options in ({}, {option: True}):
        problem = Problem(candle, shapes_for(name))
        problem.train(getattr(optim, name)(problem.params, **options))
        results.append(problem.values())
    assert_equal(*results, tolerance=0)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", NAMES)
def test_parameters_keep_their_dtype(name: str, dtype: str) -> None:
    p = candle.randn(3, 4).to(getattr(candle, dtype)).requires_grad_()
    options = {"eps": 1e-3} if name not in ("SGD", "ASGD", "Rprop", "LBFGS", "Muon", "Adafactor") else {}
    optimizer = getattr(optim, name)([p], lr=0.01, **options)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p.float() ** 2).sum()
        loss.backward()
        return loss

    losses = [float(optimizer.step(closure)) for _ in range(5)]
    assert losses[-1] < losses[0]
    assert p.dtype is p.grad.dtype is getattr(candle, dtype)
    kept = optimizer.state[p]
    assert {x.dtype for key, x in kept.items() if isinstance(x, candle.Tensor) and x.ndim} <= {p.dtype}


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_of_one_parameter_whose_gradient_stays_in_place(search: str | None) -> None:
    """The gradients it remembers are not the parameter's own, which is written again."""
    results = []
    for library, kinds in ((candle, optim), (torch, torch.optim)):
        w = library.tensor([-1.2, 1.0], dtype=library.float64, requires_grad=True)
        optimizer = kinds.LBFGS([w], lr=0.1 if search is None else 1, line_search_fn=search)

        def closure() -> Any:
            optimizer.zero_grad(set_to_none=False)
            loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
            loss.backward()
            return loss

        losses = [optimizer.step(closure).item() for _ in range(4)]
        results.append([np.array(losses), w.detach().numpy()])
    assert_equal(*results, tolerance=1e-7)  # a valley of Rosenbrock's multiplies the last bit


SEARCHES: list[dict[str, Any]] = [
    {},
    {"max_eval": 7},
    {"lr": 0.01},
    {"lr": 8.0, "max_iter": 5},
    {"tolerance_change": 0.5},
]


@pytest.mark.parametrize("options", SEARCHES, ids=str)
def test_line_searches_where_the_loss_has_waves(options: dict[str, Any]) -> None:
    """From steep and from flat places, step by step: how often the loss is asked for, and where it leads."""
    for start in (0.01, 0.2, 0.7, 1.9, 3.3):
        results = []
        for library, kinds in ((candle, optim), (torch, torch.optim)):
            w = library.tensor([start, -2 * start, 0.3], dtype=library.float64, requires_grad=True)
            optimizer, asked = kinds.LBFGS([w], line_search_fn="strong_wolfe", **options), []

            def closure() -> Any:
                optimizer.zero_grad()
                loss = (w * w / 10 + (3 * w).cos()).sum() * 0.1
                loss.backward()
                asked.append(loss.item())
                return loss

            for _ in range(2):
                optimizer.step(closure)
            results.append([np.array(asked), w.detach().numpy()])
        assert len(results[0][0]) == len(results[1][0])
        assert_equal(*results, tolerance=1e-8)
