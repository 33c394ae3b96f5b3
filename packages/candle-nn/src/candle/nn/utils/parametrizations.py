"""Parametrizations by name: weight and spectral normalization, and orthogonal matrices."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn.modules.module import Module
from candle.nn.utils.parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

MAPS = ("matrix_exp", "cayley", "householder")


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


class _Orthogonal(Module):
    """Q with Q^T Q = 1, or for a wide matrix Q Q^T = 1, by a map from matrices without a constraint.

    Of X's lower triangle, A = X - X^H is skew: exp(A) and the Cayley transform (1 - A/2)^-1 (1 + A/2) are orthogonal.
    Householder's is the product of the reflections along X's columns. With a `base` B, Q is B times that.
    """

    base: Tensor

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool):
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        self.has_base = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        q = self._reflections(x) if self.orthogonal_map == "householder" else self._of_skew(x)
        q = self.base @ q if self.has_base else q
        return q.mT if wide else q

    def _of_skew(self, x: Tensor) -> Tensor:
        n, k = x.shape[-2:]
        x = F.pad(x.tril(), (0, n - k))
        skew = x - x.mH
        if self.orthogonal_map == "matrix_exp":
            return candle.matrix_exp(skew)[..., :k]  # type: ignore[no-any-return]
        one = candle.eye(n, dtype=x.dtype, device=x.device)
        return candle.linalg.solve(one - skew / 2, one + skew / 2)[..., :k]

    def _reflections(self, x: Tensor) -> Tensor:
        below = x.tril(-1)
        tau = 2 / (1 + (below * below).sum(-2))
        signs = x.diagonal(dim1=-2, dim2=-1).detach().trunc()  # 1 and -1, which are not trained
        return candle.linalg.householder_product(below, tau) * signs.unsqueeze(-2)

    @candle.no_grad()
    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(f"orthogonal: expected a tensor of shape {tuple(self.shape)}, got {tuple(q.shape)}")
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        if not self.has_base:
            reflections = self._to_reflections(tall)
            return reflections.mT if wide else reflections
        n, k = tall.shape[-2:]
        if n != k or not _is_orthogonal(tall):
            more = tall.new_empty(*tall.shape[:-2], n, n - k).normal_()
            tall = _orthogonalized(candle.cat([tall, more], -1))
        self.base = tall.clone()
        one: Tensor = candle.eye(*q.shape[-2:], dtype=q.dtype, device=q.device)
        return -one.expand_as(q)  # no reflections

    def _to_reflections(self, tall: Tensor) -> Tensor:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                f"orthogonal: a matrix cannot be assigned to {self.orthogonal_map!r} with use_trivialization=False"
            )
        packed, tau = candle.geqrf(tall)
        diagonal = packed.diagonal(dim1=-2, dim2=-1)
        diagonal.copy_(diagonal.sign() * candle.where(tau == 0, -1.0, 1.0))  # LAPACK's tau of no reflection is 0
        return packed  # type: ignore[no-any-return]


def _is_orthogonal(q: Tensor) -> bool:
    one = candle.eye(q.shape[-1], dtype=q.dtype, device=q.device)
    return bool(candle.allclose(q.mH @ q, one, atol=10 * q.shape[-2] * candle.finfo(q.dtype).eps))


def _orthogonalized(x: Tensor) -> Tensor:
    """Q of X = Q R, signed so that R's diagonal is positive."""
    q, r = candle.linalg.qr(x)
    return q * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)  # type: ignore[no-any-return]


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


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """A weight whose columns, or if it is wide its rows, stay orthonormal; leading dims count matrices.

    orthogonal_map: "matrix_exp" (square and complex matrices), "cayley" or "householder" (all others).
    With use_trivialization, the map starts from the weight as it is, made orthogonal: Lezcano-Casado (2019),
    "Trivializations for gradient-based optimization on manifolds".

    >>> import candle
    >>> layer = orthogonal(candle.nn.Linear(5, 3))
    >>> candle.allclose(layer.weight @ layer.weight.T, candle.eye(3), atol=1e-5)
    True
    """
    weight = _has(module, name, "orthogonal")
    if weight.ndim < 2:
        raise ValueError(f"orthogonal: expected a matrix or a batch of them, got shape {tuple(weight.shape)}")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError(f"orthogonal: orthogonal_map must be one of {MAPS}, got {orthogonal_map!r}")
    if orthogonal_map == "householder" and weight.is_complex():
        raise ValueError("orthogonal: householder is for real matrices; use matrix_exp or cayley")
    made = _Orthogonal(weight, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


def outputs_dim(module: Module) -> int:
    """Which dim of a layer's weight counts its outputs."""
    return int(any(cls.__name__.startswith("ConvTranspose") for cls in type(module).__mro__))


def _has(module: Module, name: str, what: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"{what}: {type(module).__name__} has no parameter or buffer with name {name!r}")
    return weight
