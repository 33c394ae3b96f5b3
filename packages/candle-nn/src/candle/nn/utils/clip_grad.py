"""Gradients kept from being too large."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from types import GeneratorType

import candle
from candle import Tensor
from candle.ops.optimization import clip_norm_

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

Tensors = Tensor | Iterable[Tensor]


@candle.no_grad()
def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The p-norm of all tensors as one vector (the largest |x| for p = inf); `foreach` makes no difference.

    >>> import candle
    >>> get_total_norm([candle.tensor([3.0]), candle.tensor([[4.0]])])
    tensor(5.)
    """
    many = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not many:
        return candle.tensor(0.0)  # type: ignore[no-any-return]
    norms = [t.norm(float(norm_type)).to(many[0].device) for t in many]
    total: Tensor = candle.stack(norms).norm(float(norm_type))
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"the total norm of order {norm_type} of the gradients is {total.item()}, so they cannot be clipped; "
            f"with error_if_nonfinite=False they are scaled by it anyway"
        )
    return total


@candle.no_grad()
def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients by max_norm / total_norm, if that makes them smaller."""
    factor = (max_norm / (total_norm + 1e-6)).clamp(max=1.0)
    for grad in _grads(parameters):
        grad.mul_(factor.to(device=grad.device, dtype=grad.dtype))


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients down together so that their p-norm, as one vector, is at most max_norm; returns what it was.

    >>> import candle
    >>> x = candle.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> clip_grad_norm_(x, 1.0)
    tensor(10.)
    >>> x.grad
    tensor([0.6000, 0.8000])
    """
    many = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not many and isinstance(parameters, GeneratorType):
        warnings.warn("clip_grad_norm_: parameters is an empty generator: nothing is clipped", stacklevel=2)
    grads = _grads(many)
    if not error_if_nonfinite and float(norm_type) > 0 and len({grad.device for grad in grads}) == 1:
        return clip_norm_(grads, max_norm, norm_type)  # one operation over all
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(many, max_norm, total)
    return total


@candle.no_grad()
def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Every number of every gradient, brought between -clip_value and clip_value."""
    for grad in _grads(parameters):
        grad.clamp_(-float(clip_value), float(clip_value))


def _grads(parameters: Tensors) -> list[Tensor]:
    many = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in many if p.grad is not None]
