"""Parametrizations by name: weight and spectral normalization."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn.modules.module import Module
from candle.nn.utils.parametrize import register_parametrization

__all__ = ["spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """g v / |v|, one norm for every index of `dim`; for dim None, one for all."""

    def __init__(self, dim: int | None = 0):
        super().__init__()
        self.dim = -1 if dim is None else dim  # -1 is all, as in PyTorch

    def norm(self, v: Tensor) -> Tensor:
        if self.dim == -1:
            return v.norm()
        return v.norm(2, [d for d in range(v.ndim) if d != self.dim], keepdim=True)

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / self.norm(weight_v))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return self.norm(weight), weight


class _SpectralNorm(Module):
    """W / sigma, sigma = u^T W v the largest singular value; in training, u and v come closer at every access."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12):
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim {dim} is out of range for a weight of {weight.ndim} dims")
        if n_power_iterations <= 0:
            raise ValueError(f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}")
        self.dim, self.eps = dim % weight.ndim, eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self.matrix(weight.detach())
            for name, size in (("_u", matrix.shape[0]), ("_v", matrix.shape[1])):
                self.register_buffer(name, F.normalize(matrix.new_empty(size).normal_(0, 1), dim=0, eps=eps))
            self.iterate(matrix, 15)

    def matrix(self, weight: Tensor) -> Tensor:
        """`dim` in front, all others in one."""
        return weight.movedim(self.dim, 0).flatten(1)

    @candle.no_grad()
    def iterate(self, matrix: Tensor, times: int) -> None:
        """The power method: u and v nearer to the first singular vectors."""
        for _ in range(times):
            self._u.copy_(F.normalize(matrix @ self._v, dim=0, eps=self.eps))
            self._v.copy_(F.normalize(matrix.T @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self.matrix(weight)
        if self.training:
            self.iterate(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # a second forward changes them before the first's backward
        return weight / (u @ (matrix @ v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """A weight as length times direction, g v / |v|: two parameters, original0 and original1.

    Salimans and Kingma (2016), "Weight normalization", equation 2. Checkpoints of the older `nn.utils.weight_norm`
    load into it.

    >>> import candle
    >>> layer = weight_norm(candle.nn.Linear(3, 2))
    >>> [(name, tuple(p.shape)) for name, p in layer.named_parameters()][1:]
    [('parametrizations.weight.original0', (2, 1)), ('parametrizations.weight.original1', (2, 3))]
    """
    _has(module, name, "weight_norm")

    def from_older_form(state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        for i, part in enumerate("gv"):
            if f"{prefix}{name}_{part}" in state_dict:
                value = state_dict.pop(f"{prefix}{name}_{part}")
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = value

    module._register_load_state_dict_pre_hook(from_older_form)
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """A weight over its largest singular value, as found by the power method.

    `dim` (0, but 1 of transposed convolutions) is the outputs'. Miyato et al. (2018), "Spectral normalization for
    generative adversarial networks", algorithm 1.
    """
    weight = _has(module, name, "spectral_norm")
    dim = outputs_dim(module) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


def outputs_dim(module: Module) -> int:
    """Which dim of a layer's weight counts its outputs."""
    return int(any(cls.__name__.startswith("ConvTranspose") for cls in type(module).__mro__))


def _has(module: Module, name: str, what: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"{what}: {type(module).__name__} has no parameter or buffer with name {name!r}")
    return weight
