"""PyTorch's top-level names of what `candle.nn.functional` has: `candle.conv2d` and its like."""

from __future__ import annotations

import functools
from typing import Any

from candle._attach import method
from candle._tensor import Tensor

__all__: list[str] = []

REDUCTIONS = ("none", "mean", "sum")  # by PyTorch's numbers, which its losses take there; the first unless given
# Where the arguments stand in another order there
ORDERS = {
    "batch_norm": "input weight bias running_mean running_var training momentum eps cudnn_enabled",
    "instance_norm": "input weight bias running_mean running_var use_input_stats momentum eps cudnn_enabled",
    "group_norm": "input num_groups weight bias eps cudnn_enabled",
    "alpha_dropout": "input p train",
    "feature_alpha_dropout": "input p train",
    "binary_cross_entropy_with_logits": "input target weight pos_weight reduction",
    "cosine_embedding_loss": "input1 input2 target margin reduction",
    "ctc_loss": "log_probs targets input_lengths target_lengths blank reduction zero_infinity",
    "hinge_embedding_loss": "input target margin reduction",
    "kl_div": "input target reduction log_target",
    "margin_ranking_loss": "input1 input2 target margin reduction",
    "poisson_nll_loss": "input target log_input full eps reduction",
    "triplet_margin_loss": "anchor positive negative margin p eps swap reduction",
}


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "adaptive_max_pool1d":  # here it answers (values, indices)
        name = "adaptive_max_pool1d_with_indices"
    function = getattr(_functional(), name)
    return _reordered(function, ORDERS[name].split()) if name in ORDERS else function


def _functional() -> Any:
    from candle import _sibling

    return _sibling("candle.nn", "candle-nn").functional


def _reordered(function: Any, order: list[str]) -> Any:
    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        named.update(zip(order, args, strict=False))
        named.pop("cudnn_enabled", None)
        if "train" in named:
            named["training"] = named.pop("train")
        if "reduction" in order:
            named["reduction"] = REDUCTIONS[named.get("reduction", 0)]
        return function(**named)

    return call


# What users call


@method()
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """`candle.nn.functional.prelu`."""
    return _functional().prelu(input, weight)


@method()
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """`candle.nn.functional.hardshrink`."""
    return _functional().hardshrink(input, lambd)
