"""Hyper-parameters that make no sense, and options that are not there."""

from __future__ import annotations

from typing import Any

from candle import Tensor

NAMES = {"lr": "learning rate", "eps": "epsilon value"}  # in messages, as PyTorch has them


def check_lr(lr: Any) -> None:
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")


def check_at_least_zero(**given: Any) -> None:
    """The learning rate and its like are numbers from zero up.

    >>> check_at_least_zero(lr=0.1, eps=-1.0)
    Traceback (most recent call last):
    ValueError: Invalid epsilon value: -1.0
    """
    check_lr(given.get("lr"))
    for name, value in given.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {NAMES.get(name, f'{name} value')}: {value}")


def check_betas(betas: tuple[Any, Any]) -> None:
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_implementation(owner: str, options: dict[str, Any]) -> None:
    """`foreach` and `fused` only choose among PyTorch's implementations; the others ask for something else."""
    if options.get("fused") and options.get("differentiable"):
        raise RuntimeError("`fused` does not support `differentiable`")
    if options.get("fused") and options.get("foreach"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    for name in ("capturable", "differentiable"):
        if options.get(name):
            raise NotImplementedError(f"{owner}: the option {name}=True is not supported; leave it out")
