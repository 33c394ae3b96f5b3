"""State dicts, both ways and anywhere; copies and pickles."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle import optim

from .oracle import CASES, INFOS, NAMES, Problem, assert_equal, configurations, shapes_for, to_candle, to_torch


@pytest.fixture(autouse=True)
def muon_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)


def halfway(library: Any, kinds: Any, name: str, options: dict[str, Any]) -> tuple[Problem, Any]:
    problem = Problem(library, shapes_for(name))
    optimizer = getattr(kinds, name)(problem.params, **options)
    problem.train(optimizer, 5)
    return problem, optimizer


def moved(problem: Problem, library: Any) -> Problem:
    """The same, where it stands, in the other library."""
    new = Problem(library, [tuple(p.shape) for p in problem.params])
    with library.no_grad():
        for p, value in zip(new.params, problem.values(), strict=True):
            p.copy_(library.tensor(np.array(value)))
    return new


def tolerance_for(options: dict[str, Any]) -> float:
    return 1e-7 if isinstance(options.get("lr"), torch.Tensor) else 1e-12


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_from_pytorch_midway(name: str, kind: str) -> None:
    options = configurations(INFOS[name])[kind]
    theirs, their = halfway(torch, torch.optim, name, options)
    mine = moved(theirs, candle)
    ours = getattr(optim, name)(mine.params)
    ours.load_state_dict(to_candle(their.state_dict()))
    theirs.train(their, 5), mine.train(ours, 5)
    assert_equal(mine.values(), theirs.values(), tolerance_for(options))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_to_pytorch_midway(name: str, kind: str) -> None:
    options = configurations(INFOS[name])[kind]
    mine, ours = halfway(candle, optim, name, to_candle(options))
    theirs = moved(mine, torch)
    their = INFOS[name].optim_cls(theirs.params)
    their.load_state_dict(to_torch(ours.state_dict()))
    theirs.train(their, 5), mine.train(ours, 5)
    # PyTorch rounds or widens the numbers in a state that it loads (NAdam, ASGD): to float64 here
    assert_equal(mine.values(), theirs.values(), 1e-7 if name in ("NAdam", "ASGD") else tolerance_for(options))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_same_layout(name: str, kind: str) -> None:
    """The same keys, shapes, dtypes and values, step by step."""
    options = configurations(INFOS[name])[kind]
    _, ours = halfway(candle, optim, name, to_candle(options))
    _, their = halfway(torch, torch.optim, name, options)
    mine, theirs = to_torch(ours.state_dict()), their.state_dict()
    assert [sorted(group) for group in mine["param_groups"]] == [sorted(group) for group in theirs["param_groups"]]
    assert str(mine["param_groups"]) == str(theirs["param_groups"])
    assert list(mine["state"]) == list(theirs["state"])
    for number, kept in theirs["state"].items():
        if name == "LBFGS":
            assert kept.keys() - mine["state"][number].keys() <= {"al"}  # scratch memory
            continue
        assert list(mine["state"][number]) == list(kept)
        for key, value in kept.items():
            found = mine["state"][number][key]
            assert (found.shape, found.dtype) == (value.shape, value.dtype), key
            np.testing.assert_allclose(found, value, rtol=max(1e-7, tolerance_for(options)), atol=1e-12, err_msg=key)


def test_a_state_dict_survives_saving(tmp_path: Path) -> None:
    problem, optimizer = halfway(candle, optim, "AdamW", {"lr": 0.01})
    candle.save(optimizer.state_dict(), tmp_path / "state.safetensors")
    again = moved(problem, candle)
    other = optim.AdamW(again.params)
    other.load_state_dict(candle.load(tmp_path / "state.safetensors"))
    problem.train(optimizer, 5), again.train(other, 5)
    assert_equal(problem.values(), again.values(), 0)


def test_loading_copies() -> None:
    problem, optimizer = halfway(candle, optim, "Adam", {})
    saved = optimizer.state_dict()
    others = []
    for _ in range(2):
        again = moved(problem, candle)
        other = optim.Adam(again.params)
        other.load_state_dict(saved)
        again.train(other, 3)
        others.append(again.values())
    assert_equal(*others, tolerance=0)


def test_loading_casts_to_the_parameter() -> None:
    _, optimizer = halfway(candle, optim, "AdamW", {})
    small = [candle.zeros(shape, requires_grad=True) for shape in shapes_for("AdamW")]
    other = optim.AdamW(small)
    other.load_state_dict(optimizer.state_dict())
    kept = other.state[small[0]]
    assert kept["exp_avg"].dtype is candle.float32
    assert kept["step"].item() == 5
    assert kept["step"].ndim == 0


def test_older_checkpoints() -> None:
    """Steps that are plain numbers, and groups without the options of later versions."""
    problem, optimizer = halfway(candle, optim, "AdamW", {"amsgrad": False})
    saved = optimizer.state_dict()
    for kept in saved["state"].values():
        kept["step"] = int(kept["step"].item())
    for group in saved["param_groups"]:
        for name in ("maximize", "foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"):
            del group[name]
    again = moved(problem, candle)
    other = optim.AdamW(again.params, maximize=True)
    other.load_state_dict(saved)
    assert not other.param_groups[0]["maximize"]
    assert other.param_groups[0]["decoupled_weight_decay"]
    again.train(other, 5)
    fresh, straight = halfway(candle, optim, "AdamW", {})
    fresh.train(straight, 5)
    assert_equal(fresh.values(), again.values())


def test_a_momentum_buffer_that_is_none() -> None:
    """PyTorch's SGD wrote that until a parameter's first step with momentum."""
    problem = Problem(candle, [(2,)])
    optimizer = optim.SGD(problem.params, lr=0.1)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": {0: {"momentum_buffer": None}}})
    optimizer.param_groups[0]["momentum"] = 0.9
    again = Problem(candle, [(2,)])
    problem.train(optimizer, 3), again.train(optim.SGD(again.params, lr=0.1, momentum=0.9), 3)
    assert_equal(problem.values(), again.values(), 0)


def test_what_does_not_fit() -> None:
    p, q = candle.zeros(1), candle.zeros(2)
    one, two = optim.SGD([p]), optim.SGD([{"params": [p]}, {"params": [q]}])
    with pytest.raises(ValueError, match="different number of parameter groups: 2, and this SGD has 1"):
        one.load_state_dict(two.state_dict())
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group: groups of .2. parameters"):
        one.load_state_dict(optim.SGD([p, q]).state_dict())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "LBFGS"])
def test_the_state_of_another_model_is_refused(name: str) -> None:
    """When it is loaded, not in the next step; and nothing is loaded then."""
    options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    large, other = (Problem(candle, [shape]) for shape in ((6, 2), (4, 3)))
    saved, optimizer = (getattr(optim, name)(problem.params, lr=0.01, **options) for problem in (large, other))
    large.train(saved, 2), other.train(optimizer, 1)
    before = optimizer.state_dict()
    with pytest.raises(
        ValueError, match=r"for parameter 0, of shape \(4, 3\), its \w+ should have shape \([^)]+\), not"
    ):
        optimizer.load_state_dict(saved.state_dict())
    assert str(optimizer.state_dict()) == str(before)


def test_names_are_kept_and_loaded() -> None:
    p, q = candle.zeros(1), candle.zeros(1)
    named = optim.SGD([("first", p), ("second", q)])
    saved = named.state_dict()
    assert saved["param_groups"][0]["param_names"] == ["first", "second"]
    plain = optim.SGD([p, q])
    named.load_state_dict(plain.state_dict())
    assert named.param_groups[0]["param_names"] == ["first", "second"]
    plain.load_state_dict(saved)
    assert plain.param_groups[0]["param_names"] == ["first", "second"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
def test_copies_go_on_alike(name: str, how: Any) -> None:
    problem, optimizer = halfway(candle, optim, name, {})
    again, other = how((problem, optimizer))
    assert all(a is b for a, b in zip(again.params, other.param_groups[0]["params"], strict=True))
    problem.train(optimizer, 3), again.train(other, 3)
    assert_equal(problem.values(), again.values(), 0)
