"""Inputs for every op: what the conformance suites run.

A sample is an op's name, its inputs and its attrs. Inputs are NumPy arrays (a suite brings them to a device
and a dtype), numbers, or None. An op without a sample fails the suite, so a new op gets its line in one of the
files of this folder; ops of another distribution call `sample` from their own tests.

    >>> from candle.testing.samples import SAMPLES
    >>> [s.attrs for s in SAMPLES["softmax"]]
    [{'dim': 1}, {'dim': 0}, {'dim': 0}]
"""

from __future__ import annotations

import functools
import importlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import candle
from candle.op import OPS

# Ops that do not go through the door, and so have no samples; the suites test what they belong to.
OUTSIDE = {
    "move": "candle.Tensor.to",
    **dict.fromkeys(("custom_function", "mapped_function", "mapped_function_by_result"), "candle.autograd.Function"),
}

# Ops whose vectors are unique up to a sign (of complex ones, a phase): what they are compared by is |each|.
TURNING = frozenset({"eig", "eigh", "qr", "svd"})


@dataclass(frozen=True)
class Sample:
    """One call: apply(OPS[name], *inputs, **attrs)."""

    name: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any]
    smooth: bool = True  # can it be differentiated there?

    def __str__(self) -> str:
        shapes = [f"{x.dtype.name}{list(x.shape)}".replace(" ", "") if hasattr(x, "shape") else x for x in self.inputs]
        return f"{self.name}({', '.join(map(str, [*shapes, *(f'{k}={v}' for k, v in self.attrs.items())]))})"


SAMPLES: dict[str, list[Sample]] = {}


def sample(name: str, *inputs: Any, smooth: bool = True, **attrs: Any) -> None:
    arrays = tuple(np.asarray(x) if isinstance(x, np.generic) else x for x in inputs)
    SAMPLES.setdefault(name, []).append(Sample(name, arrays, attrs, smooth))


rough = functools.partial(sample, smooth=False)  # with nan, infinities or kinks: no differences there


def of_core(op: Any) -> bool:
    """Whether an op is candle-core's: `candle.nn` and the like are other distributions."""
    owner, _, rest = op.__module__.partition(".")
    return owner == "candle" and rest.partition(".")[0] not in candle._SIBLINGS


def missing() -> list[str]:
    """The ops of candle-core that have no sample; other packages' own tests look after theirs."""
    ours = {name for name, op in OPS.items() if of_core(op)}
    return sorted(ours - SAMPLES.keys() - OUTSIDE.keys())


# Values


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Different numbers between low and high in no order, none of them a whole one."""
    size = math.prod(shape)
    values = np.linspace(low, high, size + 2)[1:-1] + 0.0137
    return np.random.default_rng(size).permutation(values).reshape(shape)


def transposed(*shape: int, **bounds: float) -> np.ndarray:
    """The same, not contiguous."""
    return floats(*reversed(shape), **bounds).T


def complexes(*shape: int) -> np.ndarray:
    return floats(*shape) + 1j * floats(*shape, low=-1.1, high=1.7)[::-1]


def whole(*shape: int, below: int = 5, above: int = -5) -> np.ndarray:
    size = math.prod(shape)
    return (np.arange(size) * 7 % (below - above - 1) + above + 1).reshape(shape)


def truths(*shape: int) -> np.ndarray:
    return (np.arange(math.prod(shape)) * 5 % 3 > 0).reshape(shape)


def at(*indices: Any) -> np.ndarray:
    return np.array(indices, dtype=np.int64)


SPECIAL = np.array([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.5, 2.5, 80.0])
ALL = ("slice", None, None, None)


for _family in ("elementwise", "reductions", "shapes", "indices", "products", "networks", "special", "matrices"):
    importlib.import_module(f"{__name__}.{_family}")
