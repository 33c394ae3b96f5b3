"""Weight and spectral normalization in their older forms: the weight is a plain tensor, made anew before every forward.

Checkpoints know them by the keys weight_g and weight_v, or weight_orig, weight_u and weight_v. Where there are none to
be read, `parametrizations` are better: their weight follows its parts at every access.
"""

from __future__ import annotations

from typing import Any, TypeVar

import candle
from candle import Tensor
from candle._graph import RemovableHandle
from candle.nn import functional as F
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter
from candle.nn.utils.parametrizations import _WeightNorm, outputs_dim
from candle.nn.utils.parametrize import _hold

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class Recomputed:
    """A hook: sets `module.<name>` before every forward, from parts that the module has in its place."""

    kind: str
    suffixes: tuple[str, ...]  # of the parts' names

    def __init__(self, name: str):
        self.name = name

    def split(self, weight: Parameter) -> tuple[Tensor, ...]:
        """The parts: parameters and, where they are plain tensors, buffers."""
        raise NotImplementedError

    def joined(self, *parts: Tensor, training: bool) -> Tensor:
        """The weight from its parts."""
        raise NotImplementedError

    def weight(self, module: Module, training: bool) -> Tensor:
        return self.joined(*(getattr(module, f"{self.name}_{each}") for each in self.suffixes), training=training)

    def __call__(self, module: Module, args: Any) -> None:
        setattr(module, self.name, self.weight(module, module.training))

    def register(self, module: M) -> M:
        """Put the parts in the weight's place."""
        if self.found(module, self.name):
            raise RuntimeError(f"{self.kind}: {self.name!r} of {type(module).__name__} has it already")
        weight = module._parameters.get(self.name)
        if weight is None:
            raise ValueError(f"{self.kind}: {type(module).__name__} has no parameter named {self.name!r}")
        delattr(module, self.name)
        for suffix, part in zip(self.suffixes, self.split(weight), strict=True):
            _hold(module, f"{self.name}_{suffix}", part)
        setattr(module, self.name, weight.detach())
        module.register_forward_pre_hook(self)
        return module

    @classmethod
    def remove(cls, module: M, name: str) -> M:
        """Make the weight a parameter again, with its present value."""
        if not (found := cls.found(module, name)):
            raise ValueError(f"remove_{cls.kind}: {name!r} of {type(module).__name__} has no {cls.kind}")
        for handle, hook in found:
            handle.remove()
            weight = hook.weight(module, training=False)
            for suffix in cls.suffixes:
                delattr(module, f"{name}_{suffix}")
            setattr(module, name, Parameter(weight.detach()))
        return module

    @classmethod
    def found(cls, module: Module, name: str) -> list[tuple[RemovableHandle, Any]]:
        """Such a hook of that weight, if there is one, with its handle."""
        hooks: Any = [(handle, hook) for handle, (hook, _) in module._forward_pre_hooks.items()]
        return [(handle, hook) for handle, hook in hooks if isinstance(hook, cls) and hook.name == name]


class WeightNorm(Recomputed):
    """g v / |v|."""

    kind, suffixes = "weight_norm", ("g", "v")

    def __init__(self, name: str, dim: int | None):
        super().__init__(name)
        self.formula = _WeightNorm(dim)

    def split(self, weight: Parameter) -> tuple[Tensor, ...]:
        g, v = self.formula.right_inverse(weight.detach())
        return Parameter(g), Parameter(v)

    def joined(self, *parts: Tensor, training: bool) -> Tensor:
        return self.formula(*parts)  # type: ignore[no-any-return]


class SpectralNorm(Recomputed):
    """W / (u^T W v); in training, u and v first come closer to the singular vectors by the power method."""

    kind, suffixes = "spectral_norm", ("orig", "u", "v")

    def __init__(self, name: str, n_power_iterations: int, eps: float, dim: int):
        super().__init__(name)
        if n_power_iterations <= 0:
            raise ValueError(f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}")
        self.n_power_iterations, self.eps, self.dim = n_power_iterations, eps, dim

    def matrix(self, weight: Tensor) -> Tensor:
        """`dim` in front, all others in one."""
        return weight.movedim(self.dim, 0).reshape(weight.shape[self.dim], -1)

    def normalized(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=0, eps=self.eps)

    def split(self, weight: Parameter) -> tuple[Tensor, ...]:
        rows, columns = self.matrix(weight.detach()).shape
        return weight, *(self.normalized(weight.new_empty(n).normal_()) for n in (rows, columns))

    def joined(self, *parts: Tensor, training: bool) -> Tensor:
        weight, u, v = parts
        matrix = self.matrix(weight)
        with candle.no_grad():
            for _ in range(self.n_power_iterations if training else 0):
                v.copy_(self.normalized(matrix.T @ u))
                u.copy_(self.normalized(matrix @ v))
        u, v = u.clone(), v.clone()  # a second forward changes them before the first's backward
        return weight / (u @ (matrix @ v))


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """A weight as length times direction, g v / |v|: two parameters, weight_g and weight_v.

    >>> import candle
    >>> layer = weight_norm(candle.nn.Linear(3, 2))
    >>> [(name, tuple(p.shape)) for name, p in layer.named_parameters()][1:]
    [('weight_g', (2, 1)), ('weight_v', (2, 3))]
    """
    return WeightNorm(name, dim).register(module)


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """The weight as one parameter again."""
    return WeightNorm.remove(module, name)


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """A weight over its largest singular value: a parameter weight_orig, and buffers weight_u and weight_v.

    `dim` (0, but 1 of transposed convolutions) is the outputs'.
    """
    return SpectralNorm(name, n_power_iterations, eps, outputs_dim(module) if dim is None else dim).register(module)


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """The weight as one parameter again."""
    return SpectralNorm.remove(module, name)
