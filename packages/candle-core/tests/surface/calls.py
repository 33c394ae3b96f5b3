"""The samples of `candle.testing`, as calls of an op's functions on raw arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

import candle
from candle._apply import apply
from candle.op import OPS
from candle.testing.kernels import offered
from candle.testing.samples import SAMPLES, Sample, complexes, floats, of_core, truths

# Where a rule reads something in one case only that the samples of the suites do not have
EXTRA = [
    Sample(
        "scaled_dot_product_attention",
        (floats(2, 3, 2), floats(2, 4, 2, low=-1), floats(2, 4, 3), floats(3, 4), truths(2, 3, 4)),
        {"causal": False, "scale": 0.7, "p": 0.25},
    ),
    Sample("sign", (complexes(2, 3),), {}),
]
EVERY = [*(each for name, samples in SAMPLES.items() if of_core(OPS[name]) for each in samples), *EXTRA]
ALL = {f"{i}-{each.name}": each for i, each in enumerate(EVERY)}


def is_differentiated(sample: Sample) -> bool:
    """There is a rule, something to differentiate by, and something that carries a gradient."""
    if OPS[sample.name].vjp is None or not differentiable(sample):
        return False
    return any(o.requires_grad for o in outputs(sample, tensors(sample)))


def tensors(sample: Sample, wanted: Any = lambda i: True) -> list[Any]:
    """The inputs as tensors; those that can and are `wanted` require grad."""
    made = []
    for i, x in enumerate(sample.inputs):
        if isinstance(x, np.ndarray):
            x = candle.tensor(x)
            if (x.is_floating_point() or x.is_complex()) and wanted(i):
                x.requires_grad_()
        made.append(x)
    return made


def differentiable(sample: Sample) -> list[int]:
    """Places of the inputs that may require grad."""
    return [i for i, x in enumerate(sample.inputs) if isinstance(x, np.ndarray) and x.dtype.kind in "fc"]


def outputs(sample: Sample, inputs: list[Any]) -> list[Any]:
    out = apply(OPS[sample.name], *inputs, **sample.attrs)
    return list(out) if isinstance(out, tuple) else [out]


def arrays(sample: Sample) -> tuple[list[Any], tuple[np.ndarray, ...]]:
    """The inputs as the rule gets them, promoted at the door, and the rule's outputs."""
    with offered("cpu", sample.name):  # without kernels, whose outputs are rounded differently
        outs = [o.detach().numpy() for o in outputs(sample, tensors(sample))]
    op = OPS[sample.name]
    promoted = [x.dtype for i, x in enumerate(sample.inputs) if isinstance(x, np.ndarray) and op.promotes_input(i)]
    common = np.result_type(*promoted) if promoted else None
    if op.floats and common is not None and common.kind not in "fc":
        common = np.dtype(np.float32)  # the default dtype
    given = []
    for i, x in enumerate(sample.inputs):
        if isinstance(x, np.ndarray) and common is not None and op.promotes_input(i):
            x = x.astype(common)
        given.append(x)
    return given, tuple(outs)


def weights(outs: tuple[np.ndarray, ...]) -> Any:
    """A gradient for each output, as the rule gets it: one array, or a tuple with None for what carries none."""
    made = [
        ((np.arange(o.size) % 7 - 2.7) / 2).reshape(o.shape).astype(o.dtype) if o.dtype.kind in "fc" else None
        for o in outs
    ]
    return made[0] if len(made) == 1 else tuple(made)


RULES = {key: each for key, each in ALL.items() if is_differentiated(each)}
