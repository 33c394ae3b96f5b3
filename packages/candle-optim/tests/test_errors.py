"""Wrong hyper-parameters and wrong parameters raise what PyTorch raises; the rest says what to do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing._internal.common_optimizers import OptimizerErrorEnum

import candle
from candle import optim

from .oracle import INFOS, NAMES


def error_inputs(name: str) -> list[Any]:
    return INFOS[name].optim_error_inputs_func(device="cpu", dtype=torch.float64)


def params(x: Any) -> Any:
    """PyTorch's parameters as candle's: the same one each time, so that duplicates stay such."""
    made: dict[int, Any] = {}

    def convert(x: Any) -> Any:
        if isinstance(x, torch.Tensor):
            if id(x) not in made:
                made[id(x)] = candle.tensor(np.array(x.detach().numpy())).requires_grad_(x.requires_grad)
                if x.grad is not None:
                    made[id(x)].grad = candle.tensor(np.array(x.grad.numpy()))
            return made[id(x)]
        if isinstance(x, dict):
            return {key: convert(value) for key, value in x.items()}
        return type(x)(map(convert, x)) if isinstance(x, list | tuple) else x

    return convert(x)


CASES = [(name, i) for name in NAMES for i in range(len(error_inputs(name)))]


@pytest.mark.parametrize(("name", "i"), CASES)
def test_pytorchs_error_database(name: str, i: int) -> None:
    error = error_inputs(name)[i]
    given, kind = error.optimizer_error_input, getattr(optim, name)
    mine = [candle.zeros(1, 1, requires_grad=True)] if given.params is None else params(given.params)
    if name == "LBFGS" and isinstance(mine, list) and len(mine) == 2 and isinstance(mine[0], dict):
        pytest.skip("has one group only")
    if issubclass(error.error_type, Warning):
        with pytest.warns(error.error_type, match=error.error_regex):
            kind(mine, **params(given.kwargs))
        return
    if error.error_on is OptimizerErrorEnum.CONSTRUCTION_ERROR:
        with pytest.raises(error.error_type, match=error.error_regex):
            kind(mine, **params(given.kwargs))
        return
    optimizer = kind(mine, **params(given.kwargs))
    with pytest.raises(error.error_type, match=error.error_regex):
        optimizer.step()


WRONG = [
    *[(name, {"lr": -1.0}) for name in NAMES],
    *[(name, {"weight_decay": -1.0}) for name in NAMES if name not in ("LBFGS", "Rprop")],
    *[
        (name, {"eps": -1.0})
        for name in ("Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop")
    ],
    *[(name, {"betas": (0.9, 1.0)}) for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")],
    *[(name, {"betas": (-0.1, 0.9)}) for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")],
    *[
        ("SGD", {"momentum": -1}),
        ("SGD", {"nesterov": True}),
        ("RMSprop", {"momentum": -1}),
        ("RMSprop", {"alpha": -1}),
    ],
    *[("Adagrad", {"lr_decay": -1}), ("Adagrad", {"initial_accumulator_value": -1}), ("NAdam", {"momentum_decay": -1})],
    *[("Rprop", {"etas": (1.5, 1.2)}), ("Muon", {"momentum": -1}), ("Muon", {"adjust_lr_fn": "other"})],
    *[("Adafactor", {"eps": (None, -1.0)}), ("Adam", {"lr": float("nan")}), ("SGD", {"fused": True, "foreach": True})],
]


@pytest.mark.parametrize(("name", "options"), WRONG)
def test_wrong_hyperparameters(name: str, options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, RuntimeError)) as expected:
        INFOS[name].optim_cls([torch.zeros(2, 2, requires_grad=True)], **options)
    with pytest.raises(expected.type, match=re.escape(str(expected.value))):
        getattr(optim, name)([candle.zeros(2, 2, requires_grad=True)], **options)


def test_wrong_betas_that_are_tensors() -> None:
    """PyTorch calls the first ambiguous, a line before it would say this."""
    p, half = candle.zeros(2, requires_grad=True), candle.tensor(0.5)
    with pytest.raises(ValueError, match=r"Tensor betas\[0\] must be 1-element"):
        optim.Adam([p], betas=(candle.ones(2) / 2, half))
    with pytest.raises(ValueError, match="betas must be either both floats or both Tensors"):
        optim.Adam([p], betas=(half, 0.9))


@pytest.mark.parametrize("option", ["capturable", "differentiable"])
@pytest.mark.parametrize("name", NAMES)
def test_options_that_are_not_there(name: str, option: str) -> None:
    try:
        INFOS[name].optim_cls([torch.zeros(2, 2, requires_grad=True)], **{option: True})
    except TypeError:
        pytest.skip("PyTorch's has no such option")
    with pytest.raises(NotImplementedError, match=f"{name}: the option {option}=True is not supported"):
        getattr(optim, name)([candle.zeros(2, 2, requires_grad=True)], **{option: True})


def test_parameters_that_cannot_be_optimized() -> None:
    leaf = candle.ones(2, requires_grad=True)
    for wrong, kind, message in [
        ([leaf * 2], ValueError, "can't optimize a non-leaf Tensor"),
        ([1.0], TypeError, "optimizer can only optimize Tensors, but one of the params is float"),
        ([], ValueError, "optimizer got an empty parameter list"),
        (leaf, TypeError, "should be an iterable of Tensors or dicts, but got Tensor"),
        ([{"params": {leaf}}], TypeError, "ordered collections"),
    ]:
        with pytest.raises(kind, match=message):
            optim.SGD(wrong, lr=0.1)
    with pytest.raises(TypeError, match="param_group must be a dict"):
        optim.SGD([leaf]).add_param_group([leaf])


def test_muon_takes_matrices_only_also_later() -> None:
    optimizer = optim.Muon([candle.zeros(2, 2)])
    with pytest.raises(ValueError, match="Muon only supports 2D parameters"):
        optimizer.add_param_group({"params": [candle.zeros(2)]})
    assert len(optimizer.param_groups) == 1


def test_lbfgs_knows_one_line_search_and_one_group() -> None:
    p = candle.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optim.LBFGS([p], line_search_fn="armijo").step(lambda: (p * p).sum())
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        optim.LBFGS([{"params": [p]}, {"params": [candle.ones(2)]}])
    with pytest.raises(ValueError, match="history_size value: 0"):  # of no steps nothing can be guessed
        optim.LBFGS([p], history_size=0)


def test_a_step_that_is_not_defined() -> None:
    class Lazy(optim.Optimizer):
        pass

    with pytest.raises(NotImplementedError, match="Lazy has no step"):
        Lazy([candle.zeros(1)], {}).step()
