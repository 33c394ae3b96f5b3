"""How far apart vectors are."""

from __future__ import annotations

import candle
from candle import Tensor

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between x1 and x2 along `dim`: x1 . x2 / (max(|x1|, eps) max(|x2|, eps)).

    >>> import candle
    >>> cosine_similarity(candle.tensor([3.0, 4.0]), candle.tensor([4.0, 3.0]), dim=0)
    tensor(0.9600)
    """
    if not (x1.dtype.is_floating_point or x2.dtype.is_floating_point):
        raise RuntimeError(f"cosine_similarity: expected floating-point tensors, got {x1.dtype} and {x2.dtype}")
    common = candle.promote_types(x1.dtype, x2.dtype)
    x1, x2 = candle.broadcast_tensors(x1.to(common), x2.to(common))
    unit1, unit2 = (x / x.norm(2, dim, keepdim=True).clamp_min(eps) for x in (x1, x2))
    return (unit1 * unit2).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of x1 - x2 + eps over the last dim.

    >>> import candle
    >>> pairwise_distance(candle.zeros(1, 2), candle.tensor([[3.0, 4.0]]))
    tensor([5.0000])
    """
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norms of the differences between every two rows: 0 and 1, 0 and 2, ..., 1 and 2, ...

    Shapes: (N, D) -> (N (N - 1) / 2).

    >>> import candle
    >>> pdist(candle.tensor([[0.0], [1.0], [3.0]]))
    tensor([1., 3., 2.])
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist: expected a matrix, got shape {tuple(input.shape)}")
    if p < 0:
        raise RuntimeError(f"pdist: p must not be negative, got {p}")
    first, second = candle.triu_indices(input.shape[0], input.shape[0], 1, device=input.device)
    return (input[first] - input[second]).norm(p, -1)
