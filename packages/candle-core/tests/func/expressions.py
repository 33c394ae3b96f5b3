"""Programs of one line over named example tensors, run by either library: `Expression("lib.where(m, x, y)")`.

The names say what the tensors hold. A test makes as many examples of each as it wants to map over.
"""

from __future__ import annotations

import math
from typing import Any

import torch

REALS = {
    **{"s": (), "t": (), "v": (3,), "u": (3,), "x": (2, 3), "y": (2, 3), "w": (3, 4), "c": (2, 1), "e": (1, 3)},
    **{"a": (2, 3, 2), "b": (2, 2, 4), "k": (4, 3), "q": (2, 4, 3), "z": (2, 5, 3), "l": (4,), "h": (5, 3)},
}
OTHERS = {
    "p": ("positive", (2, 3), 0),  # above zero, below one
    "m": ("mask", (2, 3), 0),
    "n": ("mask", (3,), 0),
    "i": ("whole", (2, 3), 2),  # from 0 up to, not including, 2
    "j": ("whole", (4,), 3),
    "r": ("whole", (2, 2), 5),
    "d": ("whole", (), 3),
    "g": ("whole", (2,), 3),
    "o": ("whole", (2, 3), 50),
    "f": ("complex", (2, 3), 0),
}
NAMES = REALS.keys() | OTHERS.keys()


def examples(name: str, *batch: int) -> torch.Tensor:
    """Tensors of shape (*batch, *shape of one example), each with values of its own, none at a kink."""
    kind, shape, limit = OTHERS.get(name) or ("real", REALS[name], 0)
    source = torch.Generator().manual_seed(ord(name) * 100 + math.prod(batch))
    full = (*batch, *shape)
    if kind == "whole":
        return torch.randint(limit, full, generator=source)
    if kind == "mask":
        return torch.rand(full, generator=source) < 0.6
    if kind == "positive":
        return torch.rand(full, generator=source, dtype=torch.float64) * 0.8 + 0.1
    dtype = torch.complex128 if kind == "complex" else torch.float64
    return torch.randn(full, generator=source, dtype=dtype)


class Torch:
    """PyTorch with what candle keeps in one place: `torch.nn.functional` is part of it."""

    def __getattr__(self, name: str) -> Any:
        functional = torch.nn.functional
        return getattr(functional, name) if hasattr(functional, name) else getattr(torch, name)


TORCH: Any = Torch()


class Expression:
    """One line, the example tensors it names, and how to run it."""

    def __init__(self, text: str):
        code = compile(f"lambda lib: {text}", text, "eval")
        (body,) = [c for c in code.co_consts if hasattr(c, "co_names")]
        self.text = text
        self.names = [n for n in text_names(body) if n in NAMES]
        self._function = eval(f"lambda lib, {', '.join(self.names)}: {text}")

    def __call__(self, lib: Any, *tensors: Any) -> Any:
        return self._function(lib, *tensors)

    def bound(self, lib: Any) -> Any:
        """The function of the tensors alone."""
        return lambda *tensors: self._function(lib, *tensors)

    def inputs(self, *batch: int) -> list[torch.Tensor]:
        return [examples(name, *batch) for name in self.names]


def text_names(code: Any) -> list[str]:
    """Global names in order of appearance, also those of lambdas inside."""
    inner = [name for c in code.co_consts if hasattr(c, "co_names") for name in text_names(c)]
    return list(dict.fromkeys([*code.co_names, *inner]))
