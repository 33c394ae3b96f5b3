"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import candle
from candle import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All numbers of all parameters, one after the other; differentiable.

    >>> import candle
    >>> parameters_to_vector([candle.ones(1, 2), candle.zeros(1)])
    tensor([1., 1., 0.])
    """
    return candle.cat([p.reshape(-1) for p in parameters])  # type: ignore[no-any-return]


@candle.no_grad()
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the numbers of a vector into parameters, one after the other."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: expected a Tensor, got {type(vec).__name__}")
    many = list(parameters)
    wanted = sum(p.numel() for p in many)
    if vec.numel() < wanted:
        raise RuntimeError(f"vector_to_parameters: the parameters hold {wanted} numbers, the vector {vec.numel()}")
    start = 0
    for p in many:
        p.copy_(vec[start : start + p.numel()].reshape(p.shape))
        start += p.numel()
